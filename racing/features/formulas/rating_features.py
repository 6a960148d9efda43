"""A dog's ratings in this race: expected ability, its uncertainty, adjusted performances (``worth``)."""

import numpy as np

from racing.domain.runs import Floats
from racing.features.catalog import Feature, Formula, add_feature, feature
from racing.features.formulas.aggregations import best, deviation, first, mean
from racing.features.view import RaceView
from racing.ratings.catalog import RATINGS


def _ability(rating: str) -> Formula:
    return lambda view: view.ability(rating)


def _uncertainty(rating: str) -> Formula:
    return lambda view: np.sqrt(view.posterior(rating).variance)


for _rating in RATINGS:
    _name, _needs = _rating.name, "prices" if _rating.needs_prices else "results"
    _what = (_rating.measure.__doc__ or "").removeprefix("Return ").splitlines()[0].rstrip(".")
    add_feature(
        Feature(
            f"{_name}_rating",
            "ratings",
            f"Expected ability by the {_name} rating ({_what}).",
            _ability(_name),
            needs=_needs,
        )
    )
    add_feature(
        Feature(
            f"{_name}_uncertainty",
            "ratings",
            f"Standard deviation of the {_name} rating.",
            _uncertainty(_name),
            needs=_needs,
        )
    )


@feature("ratings", needs="prices")
def market_rating_in_box(view: RaceView) -> Floats:
    """Market rating with what the box adds at this course."""
    return view.ability("market") + view.box_effects["market"]


@feature("ratings", needs="prices")
def market_box_effect(view: RaceView) -> Floats:
    """What the box adds at this course, in ln of the market's share."""
    return view.box_effects["market"]


@feature("ratings")
def result_rating_in_box(view: RaceView) -> Floats:
    """Result rating with what the box adds at this course."""
    return view.ability("result") + view.box_effects["result"]


@feature("ratings")
def result_box_effect(view: RaceView) -> Floats:
    """What the box adds at this course, in result score."""
    return view.box_effects["result"]


@feature("ratings")
def time_box_effect(view: RaceView) -> Floats:
    """What the box adds at this course, in per cent of the time."""
    return view.box_effects["time"]


@feature("ratings")
def early_box_effect(view: RaceView) -> Floats:
    """What the box adds at this course, in positions at the first call."""
    return view.box_effects["early"]


@feature("ratings", needs="prices")
def last_market_worth(view: RaceView) -> Floats:
    """Adjusted performance of the last run by the market rating."""
    return first(view.adjusted_performance("market"))


@feature("ratings", needs="prices")
def second_last_market_worth(view: RaceView) -> Floats:
    """Adjusted performance of the run before the last by the market rating."""
    return view.adjusted_performance("market")[:, 1]


@feature("ratings", needs="prices")
def best_market_worth(view: RaceView) -> Floats:
    """Best adjusted performance of the form by the market rating."""
    return best(view.adjusted_performance("market"))


@feature("ratings", needs="prices")
def market_worth_deviation(view: RaceView) -> Floats:
    """Standard deviation of the adjusted performances by the market rating."""
    return deviation(view.adjusted_performance("market"))


@feature("ratings", needs="prices")
def market_worth_trend(view: RaceView) -> Floats:
    """Adjusted performance by the market rating, last two runs less the mean of the form."""
    return mean(view.adjusted_performance("market")[:, :2]) - mean(view.adjusted_performance("market"))


@feature("ratings")
def last_result_worth(view: RaceView) -> Floats:
    """Adjusted performance of the last run by the result rating."""
    return first(view.adjusted_performance("result"))


@feature("ratings")
def last_time_worth(view: RaceView) -> Floats:
    """Adjusted performance of the last run by the time rating, in per cent."""
    return first(view.adjusted_performance("time"))


@feature("ratings")
def best_time_worth(view: RaceView) -> Floats:
    """Best adjusted performance of the form by the time rating, in per cent."""
    return best(view.adjusted_performance("time"))


@feature("ratings")
def time_worth_deviation(view: RaceView) -> Floats:
    """Standard deviation of the adjusted performances by the time rating: the lower, the steadier."""
    return deviation(view.adjusted_performance("time"))


_RUNS_APART = 6  # the last runs one by one; what lies before them the rating holds


def _performance_beyond_rating(rating: str, runs_ago: int) -> Formula:
    return lambda view: view.adjusted_performance(rating)[:, runs_ago] - view.ability(rating)


def _innovation(rating: str, runs_ago: int) -> Formula:
    return lambda view: view.form[f"{rating}_innovation"][:, runs_ago]


for _rating in RATINGS:
    if not _rating.has_innovation:
        continue
    _name, _needs = _rating.name, "prices" if _rating.needs_prices else "results"
    for _ago in range(_RUNS_APART):
        _which = f"run {_ago + 1} ago"
        add_feature(
            Feature(
                f"{_name}_worth_{_ago + 1}_beyond_rating",
                "ratings",
                f"Adjusted performance of {_which} less the {_name} rating.",
                _performance_beyond_rating(_name, _ago),
                needs=_needs,
            )
        )
        add_feature(
            Feature(
                f"{_name}_innovation_{_ago + 1}",
                "ratings",
                f"How far {_which} went beyond what was expected of it that morning, by {_name}.",
                _innovation(_name, _ago),
                needs=_needs,
            )
        )
