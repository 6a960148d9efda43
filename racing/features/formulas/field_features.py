"""Each runner against the others of its race: what carries most."""

from collections.abc import Callable

import numpy as np

from racing.domain.runs import Floats, Ints
from racing.features.catalog import Feature, Formula, add_feature, feature
from racing.features.formulas import form_features as of_form
from racing.features.formulas import rating_features as of_ratings
from racing.features.formulas.aggregations import (
    fill_nan,
    gap_to_best,
    log_share,
    mean_in_race,
    minus_rivals,
    number,
    rank_in_race,
    sum_in_race,
)
from racing.features.view import RaceView
from racing.ops import value_at

_STRENGTHS: dict[str, Formula] = {
    "market_rating_in_box": of_ratings.market_rating_in_box,
    "result_rating_in_box": of_ratings.result_rating_in_box,
    "time_rating": lambda view: view.ability("time"),
    "split_rating": lambda view: view.ability("split"),
    "early_rating": lambda view: view.ability("early") + view.box_effects["early"],
    "margin_rating": lambda view: view.ability("margin"),
    "performance_rating": of_form.performance_rating,
    "market_confidence": of_form.market_confidence,
    "last_market_worth": of_ratings.last_market_worth,
    "place_rate": of_form.place_rate,
}
_AGAINST: dict[str, tuple[str, Callable[[Floats, Ints], Floats]]] = {
    "minus_rivals": ("less the mean of its rivals'", minus_rivals),
    "rank": (": its rank in the race, 1 the best", rank_in_race),
    "gap_to_best": ("less the best rival's", gap_to_best),
}


def _against(formula: Formula, compare: Callable[[Floats, Ints], Floats]) -> Formula:
    return lambda view: compare(formula(view), view.race)


for _name, _formula in _STRENGTHS.items():
    _needs = "prices" if "market" in _name else "results"
    for _suffix, (_comparison, _compare) in _AGAINST.items():
        _text = f"{_name.replace('_', ' ').capitalize()} {_comparison}.".replace(" :", ":")
        add_feature(Feature(f"{_name}_{_suffix}", "field", _text, _against(_formula, _compare), needs=_needs))


@feature("field")
def first_starters(view: RaceView) -> Floats:
    """Runners in the race of whom no run is known."""
    return sum_in_race(number(~view.form.known[:, 0]), view.race)


@feature("field")
def career_runs_minus_rivals(view: RaceView) -> Floats:
    """Runs so far, up to forty, less the mean of its rivals'."""
    return minus_rivals(of_form.career_runs(view), view.race)


@feature("field")
def layoff_minus_rivals(view: RaceView) -> Floats:
    """Ln of the days since the last run less the mean of its rivals'."""
    return minus_rivals(np.log1p(of_form.days_since_last_run(view)), view.race)


@feature("field")
def distance_change_minus_rivals(view: RaceView) -> Floats:
    """Change of distance since the last run less the mean of its rivals', in metres."""
    return minus_rivals(of_form.distance_change(view), view.race)


@feature("field")
def class_change_minus_rivals(view: RaceView) -> Floats:
    """Change of class since the last run less the mean of its rivals'."""
    return minus_rivals(of_form.class_change(view), view.race)


@feature("field", needs="prices")
def market_log_share(view: RaceView) -> Floats:
    """Ln of the share of the race that the market rating expects."""
    return log_share(of_ratings.market_rating_in_box(view), view.race)


@feature("field")
def result_log_share(view: RaceView) -> Floats:
    """Ln of the share of the race that the result rating expects."""
    return log_share(2.0 * of_ratings.result_rating_in_box(view), view.race)


@feature("field", needs="prices")
def spread_of_field(view: RaceView) -> Floats:
    """Standard deviation of the field's market ratings: how open the race is."""
    share = view.ability("market")
    away = share - mean_in_race(share, view.race)
    return np.sqrt(mean_in_race(away * away, view.race))


@feature("field", needs="prices")
def uncertainty_of_rivals(view: RaceView) -> Floats:
    """Mean variance of the rivals' market ratings."""
    variance = view.posterior("market").variance
    return variance - minus_rivals(variance, view.race)


@feature("field")
def early_rating_of_neighbours(view: RaceView) -> Floats:
    """Mean early rating of the runners in the boxes beside: who will crowd it."""
    early, box = view.ability("early"), view.card.box
    inside, outside = (value_at(early, box + beside, box, view.race) for beside in (-1, 1))
    n_beside = number(~np.isnan(inside)) + number(~np.isnan(outside))
    return np.where(n_beside > 0, (fill_nan(inside, 0.0) + fill_nan(outside, 0.0)) / n_beside, np.nan)
