"""Features of a dog's own runs, each dog judged alone: a long module, since it is a list of formulas."""

import numpy as np

from racing.domain.runs import Flags, Floats, box_zone
from racing.features.catalog import feature
from racing.features.formulas.aggregations import (
    best,
    count,
    count_true,
    deviation,
    fill_nan,
    first,
    mask,
    mean,
    rate,
    weighted_mean,
)
from racing.features.view import RaceView
from racing.ratings.catalog import market_strength, result_score

_WIN_PRIOR, _PLACE_PRIOR = 0.135, 0.38  # of a field of 7.4


def _days_ago(view: RaceView) -> Floats:
    return view.card.day[:, None] - view.form.day


def _at_track(view: RaceView) -> Flags:
    return view.form.track_id == view.card.track_id[:, None]


def _at_distance(view: RaceView) -> Flags:
    return np.abs(view.form.distance_m - view.card.distance_m[:, None]) <= 15.0


def _in_zone(view: RaceView) -> Flags:
    return view.form.known & (box_zone(view.form.box) == view.card.zone[:, None])


def _speed(view: RaceView) -> Floats:
    return view.form.distance_m / view.form.time_s


def _market(view: RaceView) -> Floats:
    return view.once("market", lambda: market_strength(view.form))


def _result(view: RaceView) -> Floats:
    return view.once("result", lambda: result_score(view.form))


@feature("form")
def runs_known(view: RaceView) -> Floats:
    """Runs so far, counted up to twelve."""
    return count_true(view.form.known)


@feature("form")
def career_runs(view: RaceView) -> Floats:
    """Runs so far, counted up to forty: beyond, the count only tells how old the database is."""
    return np.minimum(view.card.career_runs, 40.0)


@feature("form")
def days_since_first_run(view: RaceView) -> Floats:
    """Days since the first known run, up to a year; 0 at a debut."""
    return np.minimum(view.card.day - view.card.first_day, 365.0)


@feature("form")
def days_since_last_run(view: RaceView) -> Floats:
    """Days since the last run."""
    return first(_days_ago(view))


@feature("form")
def days_between_runs(view: RaceView) -> Floats:
    """Mean days between the runs of the form."""
    days_ago = _days_ago(view)
    return mean(days_ago[:, 1:] - days_ago[:, :-1])


@feature("form")
def runs_in_7_days(view: RaceView) -> Floats:
    """Runs in the last 7 days."""
    return count_true(_days_ago(view) <= 7.0)


@feature("form")
def runs_in_14_days(view: RaceView) -> Floats:
    """Runs in the last 14 days."""
    return count_true(_days_ago(view) <= 14.0)


@feature("form")
def runs_in_30_days(view: RaceView) -> Floats:
    """Runs in the last 30 days."""
    return count_true(_days_ago(view) <= 30.0)


@feature("form")
def runs_in_60_days(view: RaceView) -> Floats:
    """Runs in the last 60 days."""
    return count_true(_days_ago(view) <= 60.0)


@feature("form")
def last_finish_position(view: RaceView) -> Floats:
    """Finishing position in the last run."""
    return first(view.form.finish_position)


@feature("form")
def recent_finish_position(view: RaceView) -> Floats:
    """Mean finishing position of the last three runs."""
    return mean(view.form.finish_position[:, :3])


@feature("form")
def average_finish_position(view: RaceView) -> Floats:
    """Mean finishing position of the form."""
    return mean(view.form.finish_position)


@feature("form")
def finish_position_deviation(view: RaceView) -> Floats:
    """Standard deviation of the finishing positions: the lower, the steadier."""
    return deviation(view.form.finish_position)


@feature("form")
def form_trend(view: RaceView) -> Floats:
    """Result score of the last three runs less that of the three before: above 0 is improving."""
    return mean(_result(view)[:, :3]) - mean(_result(view)[:, 3:6])


@feature("form")
def last_result(view: RaceView) -> Floats:
    """Result score (won, placed, neither, by field size) of the last run."""
    return first(_result(view))


@feature("form")
def performance_rating(view: RaceView) -> Floats:
    """Mean result score, halving every three runs back."""
    return weighted_mean(_result(view), 3.0)


@feature("form")
def win_rate(view: RaceView) -> Floats:
    """Share of wins, shrunk towards one in seven."""
    return rate(view.form.won, _WIN_PRIOR)


@feature("form")
def place_rate(view: RaceView) -> Floats:
    """Share of places, shrunk."""
    return rate(view.form.placed, _PLACE_PRIOR)


@feature("form")
def win_rate_at_track(view: RaceView) -> Floats:
    """Share of wins at this track, shrunk."""
    return rate(mask(view.form.won, _at_track(view)), _WIN_PRIOR)


@feature("form")
def place_rate_at_distance(view: RaceView) -> Floats:
    """Share of places within 15 m of this distance, shrunk."""
    return rate(mask(view.form.placed, _at_distance(view)), _PLACE_PRIOR)


@feature("form")
def place_rate_in_zone(view: RaceView) -> Floats:
    """Share of places from this part of the start line, shrunk: the boxes that it prefers."""
    return rate(mask(view.form.placed, _in_zone(view)), _PLACE_PRIOR)


@feature("form")
def runs_at_track(view: RaceView) -> Floats:
    """Runs at this track."""
    return count_true(_at_track(view))


@feature("form")
def runs_at_distance(view: RaceView) -> Floats:
    """Runs within 15 m of this distance."""
    return count_true(_at_distance(view))


@feature("form")
def runs_in_zone(view: RaceView) -> Floats:
    """Runs from this part of the start line."""
    return count_true(_in_zone(view))


@feature("form")
def boxes_used(view: RaceView) -> Floats:
    """Different boxes among the runs: how versatile it is."""
    used = [np.minimum(count_true(view.form.box == box), 1.0) for box in range(1, 9)]
    return sum(used[1:], start=used[0])


@feature("form")
def distance_change(view: RaceView) -> Floats:
    """This distance less the last run's, in metres."""
    return view.card.distance_m - first(view.form.distance_m)


@feature("form")
def is_at_last_track(view: RaceView) -> Floats:
    """1 if the last run was at this track, else 0."""
    return np.where(view.form.known[:, 0], _at_track(view)[:, 0], np.nan)


@feature("form")
def box_change(view: RaceView) -> Floats:
    """This box less the last run's."""
    return view.card.box - first(view.form.box)


@feature("form")
def average_speed(view: RaceView) -> Floats:
    """Mean speed of the runs, in metres a second."""
    return mean(_speed(view))


@feature("form")
def best_speed_at_distance(view: RaceView) -> Floats:
    """Best speed within 15 m of this distance, in metres a second."""
    return best(mask(_speed(view), _at_distance(view)))


@feature("form")
def best_time_at_course(view: RaceView) -> Floats:
    """Best time at this track and distance, in seconds."""
    return -best(mask(-view.form.time_s, _at_track(view) & _at_distance(view)))


@feature("form")
def average_time_at_distance(view: RaceView) -> Floats:
    """Mean time within 15 m of this distance, in seconds."""
    return mean(mask(view.form.time_s, _at_distance(view)))


@feature("form")
def average_margin(view: RaceView) -> Floats:
    """Mean margin in lengths: ahead of the second above 0, behind the winner below."""
    return mean(np.where(view.form.won == 1, view.form.margin_lengths, -view.form.margin_lengths))


@feature("form")
def last_margin(view: RaceView) -> Floats:
    """Margin of the last run in lengths: above 0 if it won."""
    margin = np.where(view.form.won == 1, view.form.margin_lengths, -view.form.margin_lengths)
    return first(margin)


@feature("form")
def average_early_position(view: RaceView) -> Floats:
    """Mean position at the first call."""
    return mean(view.form.early_position)


@feature("form")
def average_weight(view: RaceView) -> Floats:
    """Mean weight of the runs, in kg."""
    return mean(view.form.weight_kg)


@feature("form")
def weight_trend(view: RaceView) -> Floats:
    """Weight in the last run less the mean of the form, in kg."""
    return first(view.form.weight_kg) - mean(view.form.weight_kg)


@feature("form")
def weight_change(view: RaceView) -> Floats:
    """Weight on the card less the last run's, in kg."""
    return view.card.weight_kg - first(view.form.weight_kg)


@feature("form", needs="prices")
def market_confidence(view: RaceView) -> Floats:
    """Mean ln of the market's share in past races, halving every three runs back."""
    return weighted_mean(_market(view), 3.0)


@feature("form", needs="prices")
def last_market(view: RaceView) -> Floats:
    """Ln of the market's share in the last run."""
    return first(_market(view))


@feature("form", needs="prices")
def market_trend(view: RaceView) -> Floats:
    """Ln of the market's share, last three runs less the three before."""
    return mean(_market(view)[:, :3]) - mean(_market(view)[:, 3:6])


@feature("form", needs="prices")
def wins_beyond_market(view: RaceView) -> Floats:
    """Mean of won less the market's share over the form: better than its prices if above 0."""
    return mean(view.form.won - view.form.market_share)


@feature("form")
def class_rating(view: RaceView) -> Floats:
    """Mean class of past races, halving every three runs back."""
    return weighted_mean(mask(view.form.grade, view.form.grade > 0), 3.0)


@feature("form")
def class_change(view: RaceView) -> Floats:
    """Class of this race less the last one's: above 0 is going up."""
    return np.where(view.card.grade > 0, view.card.grade, np.nan) - first(
        mask(view.form.grade, view.form.grade > 0)
    )


@feature("form")
def average_field_size(view: RaceView) -> Floats:
    """Mean size of the fields it met."""
    return mean(view.form.n_starters)


@feature("form")
def places_missed(view: RaceView) -> Floats:
    """Runs since the last place, up to twelve."""
    runs_ago = np.arange(0.0, view.form.placed.shape[1])
    since_last = -best(np.where(view.form.placed == 1, -runs_ago, np.nan))
    n_judged = count(view.form.placed)
    return np.where(n_judged > 0, fill_nan(since_last, n_judged), np.nan)
