"""A dog's last runs one by one: what a net that reads them as a sequence is given of each.

Every formula here gives shape (n, K), newest run first, NaN where there is no run or the answer is unknown.
What averages and ratings make of the same runs are the features beside this module.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from racing.domain.runs import Flags, Floats, box_zone
from racing.features.formulas.aggregations import mean_in_race
from racing.features.view import RaceView
from racing.ops import number
from racing.ratings.catalog import market_strength, result_score


@dataclass(frozen=True, slots=True)
class RunColumn:
    """One number of a run."""

    name: str
    description: str
    formula: Callable[[RaceView], Floats]
    needs: str
    """What must be known, see :data:`racing.features.catalog.KNOWS`."""


RUN_COLUMNS: list[RunColumn] = []


def _run_column(
    needs: str = "results",
) -> Callable[[Callable[[RaceView], Floats]], Callable[[RaceView], Floats]]:
    def enter(formula: Callable[[RaceView], Floats]) -> Callable[[RaceView], Floats]:
        description = (formula.__doc__ or "").splitlines()[0]
        RUN_COLUMNS.append(RunColumn(formula.__name__, description, formula, needs))
        return formula

    return enter


def run_columns(view: RaceView) -> Iterator[Floats]:
    """Yield every column, of shape (n, K), newest run first."""
    return (column.formula(view) for column in RUN_COLUMNS)


def _days_ago(view: RaceView) -> Floats:
    return view.card.day[:, None] - view.form.day


@_run_column()
def days_ago(view: RaceView) -> Floats:
    """Days since the run."""
    return _days_ago(view)


@_run_column()
def days_ago_log(view: RaceView) -> Floats:
    """Ln of the days since the run."""
    return np.log(np.maximum(_days_ago(view), 1.0))


@_run_column()
def distance(view: RaceView) -> Floats:
    """Distance of the run in metres."""
    return view.form.distance_m


@_run_column()
def distance_change(view: RaceView) -> Floats:
    """Distance of the run less today's, in metres."""
    return view.form.distance_m - view.card.distance_m[:, None]


@_run_column()
def track_is_same(view: RaceView) -> Floats:
    """1 where the run was at today's track."""
    return _number(view, view.form.track_id == view.card.track_id[:, None])


@_run_column()
def course_is_same(view: RaceView) -> Floats:
    """1 where the run was at today's track and distance."""
    is_near = np.abs(view.form.distance_m - view.card.distance_m[:, None]) <= 15.0
    return _number(view, (view.form.track_id == view.card.track_id[:, None]) & is_near)


@_run_column()
def box(view: RaceView) -> Floats:
    """Box of the run."""
    return view.form.box


@_run_column()
def zone_is_same(view: RaceView) -> Floats:
    """1 where the run began from today's part of the start line."""
    return _number(view, box_zone(view.form.box) == view.card.zone[:, None])


@_run_column()
def field_starters(view: RaceView) -> Floats:
    """Starters of the run's race."""
    return view.form.n_starters


@_run_column()
def class_of_run(view: RaceView) -> Floats:
    """Class of the run's race."""
    return view.form.grade


@_run_column()
def class_change(view: RaceView) -> Floats:
    """Class of the run's race less today's."""
    return view.form.grade - view.card.grade[:, None]


@_run_column()
def finish_position(view: RaceView) -> Floats:
    """Place at the finish."""
    return view.form.finish_position


@_run_column()
def won(view: RaceView) -> Floats:
    """1 for a win."""
    return view.form.won


@_run_column()
def placed(view: RaceView) -> Floats:
    """1 for a place."""
    return view.form.placed


@_run_column()
def result(view: RaceView) -> Floats:
    """Result score: won, placed or neither, by field size."""
    return result_score(view.form)


@_run_column()
def margin(view: RaceView) -> Floats:
    """Lengths ahead of the second or, below 0, behind the winner, within -15 and 10."""
    signed = np.where(view.form.won == 1, view.form.margin_lengths, -view.form.margin_lengths)
    return np.minimum(np.maximum(signed, -15.0), 10.0)


@_run_column()
def early_position(view: RaceView) -> Floats:
    """Place at the first call."""
    return view.form.early_position


@_run_column()
def early_speed(view: RaceView) -> Floats:
    """Betfair's early speed of the dog in the run's race."""
    return view.form.early_speed


@_run_column()
def weight(view: RaceView) -> Floats:
    """Weight at the run in kilograms."""
    return view.form.weight_kg


@_run_column("prices")
def market_share(view: RaceView) -> Floats:
    """Ln of the market's share of the run's race."""
    return market_strength(view.form)


@_run_column("prices")
def model_price(view: RaceView) -> Floats:
    """Ln of the chance that the price by Betfair's model gave the dog in the run's race."""
    return -np.log(np.maximum(view.form.rated_price, 1.0))


@_run_column("prices")
def market_worth(view: RaceView) -> Floats:
    """Adjusted performance by the market rating, as known today."""
    return view.adjusted_performance("market")


@_run_column("prices")
def market_worth_beyond_field(view: RaceView) -> Floats:
    """The same, less the mean rating of today's field."""
    field = mean_in_race(view.ability("market"), view.race)
    return view.adjusted_performance("market") - field[:, None]


@_run_column("prices")
def market_innovation(view: RaceView) -> Floats:
    """How far the market's share went beyond what was expected that morning."""
    return view.form["market_innovation"]


@_run_column("prices")
def market_shift(view: RaceView) -> Floats:
    """What the result added to the market rating."""
    return view.form["market_shift"]


@_run_column()
def result_worth(view: RaceView) -> Floats:
    """Adjusted performance by the result rating, as known today."""
    return view.adjusted_performance("result")


@_run_column()
def result_worth_beyond_field(view: RaceView) -> Floats:
    """The same, less the mean rating of today's field."""
    field = mean_in_race(view.ability("result"), view.race)
    return view.adjusted_performance("result") - field[:, None]


@_run_column()
def time_worth(view: RaceView) -> Floats:
    """Adjusted performance by the time rating, in per cent."""
    return view.adjusted_performance("time")


@_run_column()
def split_worth(view: RaceView) -> Floats:
    """Adjusted performance by the split rating, in per cent."""
    return view.adjusted_performance("split")


@_run_column()
def early_worth(view: RaceView) -> Floats:
    """Adjusted performance by the place at the first call."""
    return view.adjusted_performance("early")


@_run_column()
def margin_worth(view: RaceView) -> Floats:
    """Adjusted performance by the margin, in lengths."""
    return view.adjusted_performance("margin")


def _number(view: RaceView, flags: Flags) -> Floats:
    return np.where(view.form.known, number(flags), np.nan)
