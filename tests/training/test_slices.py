"""Slices cut races without loss, judge every source on the same races, and mark what is out of true."""

from dataclasses import replace

import numpy as np
import pytest

from racing.metrics import race_log_loss
from racing.probabilities import share_within_race
from tests.training.builders import make_table
from training.evaluation.evaluation import MARKET, MODEL, RATED, TRUTH, UNIFORM
from training.evaluation.slices import BY_CHANCE, GOOD, OFF, SLICINGS, slices_by

NAMES = ("spare", "grade_class", "days_since_last_run", "runs_at_track", "runs_at_distance", "spare too")


def make_featured(n_races=400, **options):
    """Return a season whose feature columns are those that slicings read."""
    table = make_table(n_races, **options)
    rng = np.random.default_rng(1)
    features = table.features.copy()
    features[:, 1] = 1 + table.race % 15
    features[:, 2] = np.where(table.n_prior_runs > 0, rng.integers(1, 120, len(table)), np.nan)
    features[:, 3] = rng.integers(0, 5, len(table)) * (table.n_prior_runs > 0)
    features[:, 4] = features[:, 3]
    return replace(table, features=features)


def by(name, table, p=None):
    return {s.name: s for s in slices_by(name, table, table.true_probability if p is None else p, NAMES)}


@pytest.mark.parametrize("name", SLICINGS)
def test_every_runner_is_in_at_most_one_slice_and_whole_slicings_miss_none(name):
    table = make_featured()
    known = table.n_prior_runs > 0
    expected = known.sum() if name in ("layoff", "new-track", "new-distance") else len(table)
    assert sum(found.n_runners for found in by(name, table).values()) == expected


@pytest.mark.parametrize("name", [name for name in SLICINGS if SLICINGS[name].is_of_races])
def test_slices_of_races_keep_races_whole_and_add_up_to_all(name):
    table = make_featured()
    found = by(name, table).values()
    assert sum(one.n_races for one in found) == 400
    together = sum(one.losses[MODEL] * one.n_races for one in found) / 400
    assert together == pytest.approx(race_log_loss(table.true_probability, table.won, table.race))


@pytest.mark.parametrize("name", SLICINGS)
def test_the_order_of_runners_within_a_race_is_irrelevant(name):
    table = make_featured(60)
    turned = np.arange(len(table)).reshape(60, -1)[:, ::-1].ravel()
    ahead, back = by(name, table), by(name, table.take(turned))
    assert {s: (one.n_runners, one.observed) for s, one in ahead.items()} == {
        s: (one.n_runners, one.observed) for s, one in back.items()
    }


def test_each_race_has_one_favourite_and_outsiders_are_below_a_twentieth():
    table = make_featured()
    found = by("favourites", table)
    assert found["favourite"].n_runners == found["favourite"].n_races == 400
    assert found["outsider"].n_runners == (table.true_probability < 0.05).sum()
    assert found["outsider"].predicted < 0.05 < found["others"].predicted < found["third"].predicted


def test_tracks_are_listed_by_name_and_those_of_no_known_state_together():
    table = make_featured(90)
    assert {name: one.n_races for name, one in by("track", table).items()} == {
        "Ballarat": 30,
        "Bendigo": 30,
        "Bulli": 30,
    }
    table = replace(table, state=np.where(table.track == "Bendigo", "", table.state))
    assert {name: one.n_races for name, one in by("state", table).items()} == {
        "NSW": 30,
        "VIC": 30,
        "unknown": 30,
    }


def test_fields_are_counted_and_partial_races_left_out():
    five, seven = make_featured(20, n_runners=5), make_featured(30, n_runners=7)
    seven = replace(seven, race_id=seven.race_id + 1000)
    table = five.followed_by(seven)
    is_whole = table.is_whole.copy()
    is_whole[-1] = False
    found = by("field", replace(table, is_whole=is_whole))
    assert {name: one.n_races for name, one in found.items()} == {"5 runners": 20, "7 runners": 29}
    assert found["5 runners"].losses[UNIFORM] == pytest.approx(np.log(5))


def test_weeks_begin_with_the_first_day_and_hold_seven():
    found = by("week", make_featured(140, races_a_day=5))
    assert list(found) == ["2025-01-01", "2025-01-08", "2025-01-15", "2025-01-22"]
    assert {one.n_races for one in found.values()} == {35}


def test_losses_of_a_slice_are_of_the_races_with_every_price():
    table = make_featured(100)
    rated, market = table.true_probability.copy(), table.market_probability.copy()
    rated[:60] = np.nan
    market[60:90] = np.nan
    table = replace(table, rated_probability=rated, market_probability=market)
    (found,) = by("month", table).values()
    assert (found.n_races, found.n_compared) == (100, 85)
    assert set(found.losses) == {MODEL, UNIFORM, RATED, MARKET, TRUTH}
    assert found.losses[RATED] == found.losses[MODEL]


def test_without_a_price_the_losses_are_of_all_races():
    table = make_featured(50)
    unknown = np.full(len(table), np.nan)
    p = table.true_probability
    (found,) = by("month", replace(table, market_probability=unknown, true_probability=unknown), p).values()
    assert found.n_compared == 50
    assert set(found.losses) == {MODEL, UNIFORM}


def test_true_probabilities_pass_and_bold_ones_are_marked():
    table = make_featured(3000)
    fine = by("field", table)["6 runners"]
    bold = by("field", table, share_within_race(1.6 * np.log(table.true_probability), table.race))[
        "6 runners"
    ]
    assert fine.is_calibrated
    assert (bold.ece_verdict, bold.has_trend, bold.is_calibrated) == (OFF, True, False)
    assert bold.slope.high < 1


def test_an_ece_that_chance_explains_is_distinguished_from_one_it_does_not():
    table = make_featured(3000)
    found = [one for one in by("week", table).values() if one.n_races == 35]
    verdicts = [one.ece_verdict for one in found]
    assert verdicts.count(BY_CHANCE) > 0.8 * len(found)  # 210 runners: chance makes .05
    assert by("month", table)["2025-01"].ece_verdict in (GOOD, BY_CHANCE)


def test_a_slice_without_a_winner_has_no_slope_and_no_trend():
    table = make_featured(40)
    box = np.where(table.won & (table.box == 6), 1, table.box)
    found = by("box", replace(table, box=box))["box 6"]
    assert np.isnan(found.slope.slope)
    assert not found.has_trend


def test_a_slicing_whose_feature_is_not_there_gives_no_slice():
    table = make_table(30)
    for name in ("class", "layoff", "new-track", "new-distance"):
        assert slices_by(name, table, table.true_probability, ["nothing"] * 6) == ()
    assert slices_by("field", replace(table, is_whole=~table.is_whole), table.true_probability) == ()


def test_an_unknown_slicing_is_refused_with_those_there_are():
    table = make_table(10)
    with pytest.raises(ValueError, match=r"one of overall, .* got 'weather'"):
        slices_by("weather", table, table.true_probability)


def test_what_a_market_expects_of_a_gap_agrees_with_what_happened_and_is_four_times_as_sure():
    table = make_featured(3000, seed=5)
    table = replace(table, market_probability=table.true_probability)
    blurred = np.log(table.true_probability) + 0.4 * np.random.default_rng(2).normal(size=len(table))
    p = share_within_race(blurred, table.race)
    for name in ("overall", "field", "prior-runs"):
        for found in by(name, table, p).values():
            gap = found.gaps[UNIFORM]
            assert gap.realised.low < gap.expected.difference < gap.realised.high
            assert found.losses[MODEL] - found.losses[UNIFORM] == pytest.approx(gap.realised.difference)
            width = gap.expected.high - gap.expected.low
            assert width < 0.6 * (gap.realised.high - gap.realised.low)
            assert found.gaps[MARKET].expected.low > 0, "nothing is expected to beat who expects"


def test_without_a_market_nothing_is_expected():
    table = make_featured(60, market_probability=np.full(360, np.nan))
    (found,) = by("overall", table).values()
    assert found.gaps[UNIFORM].expected is None
