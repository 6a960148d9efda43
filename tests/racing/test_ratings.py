"""Ratings: an exact posterior, a replay that explains runs by box, opposition and dog."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from racing.domain.classes import grade_class
from racing.domain.runs import Entries, Form, Runs, entries_of, later_runs, windows
from racing.probabilities import n_places
from racing.ratings.catalog import MARKET, RATINGS, RESULT, REVISION_DAYS, TIME, Rating
from racing.ratings.effects import Courses
from racing.ratings.levels import OPEN_DAYS, changes_on_mornings
from racing.ratings.performances import Performances, observe
from racing.ratings.posterior import Kernel, Observations, Posterior, condition
from racing.ratings.replay import History, Replay, replay

STATE_ONLY = Kernel(
    debut=0.9, day=0.003, run=0.02, track=0.0, course=0.0, distance=0.0, distance_scale=1.0, zone=0.0
)


def runs_of(records: list[dict[str, Any]]) -> Runs:
    """Return records, one a run, as :class:`Runs`; missing columns are NaN."""
    integers = {"run_id", "race_id", "dog_id", "day", "track_id", "number"}
    columns: dict[str, Any] = {}
    for name in (f.name for f in fields(Runs)):
        if name in integers:
            columns[name] = np.array([record.get(name, -1) for record in records], np.int64)
        else:
            values = [record.get(name) for record in records]
            columns[name] = np.array([np.nan if v is None else v for v in values], np.float64)
    return Runs(**columns)


def make_runs(days: list[int], **columns: list[float]) -> Runs:
    """Return runs of one dog, one a day."""
    records = [
        {"run_id": i, "race_id": i, "dog_id": 1, "day": day, "track_id": 3, "distance_m": 400, "box": 4}
        | {name: values[i] for name, values in columns.items()}
        for i, day in enumerate(days)
    ]
    return runs_of(records)


def next_race(runs: Runs, day: int) -> Entries:
    return replace(entries_of(runs.take([len(runs) - 1])), day=np.array([day]))


def ability_on(
    day: int, runs: Runs, adjusted: list[float], noise: list[float], shift: list[float] | None = None
) -> Posterior:
    """Return the ability of a dog on a day, given its runs and their performances, never revised."""
    columns = (np.array(values)[:, None] for values in (adjusted, noise))
    nothing = np.full(len(runs), np.nan)
    performances = Performances(*columns, np.array(shift or [0.0] * len(runs)), nothing, np.zeros(len(runs)))
    index = np.arange(len(runs) - 1, -1, -1)[None, :]
    form, entry = Form.gathered(runs.columns | performances.columns(MARKET), index), next_race(runs, day)
    return condition(observe(form, entry, MARKET), entry, STATE_ONLY)


def test_the_posterior_is_that_of_the_kalman_filter() -> None:
    days, adjusted, noise = [0, 5, 12, 40], [0.3, -0.2, 0.6, 0.1], [0.05, 0.02, 0.3, 0.04]
    found = ability_on(47, make_runs(days), adjusted, noise)

    mean, variance = 0.0, STATE_ONLY.debut
    for day, following, p, r in zip(days, [*days[1:], 47], adjusted, noise, strict=True):
        gain = variance / (variance + r)
        mean, variance = mean + gain * (p - mean), variance * (1 - gain)
        variance += STATE_ONLY.day * (following - day) + STATE_ONLY.run
    np.testing.assert_allclose([found.mean[0], found.variance[0]], [mean, variance], rtol=1e-9)


def test_a_dog_without_observations_is_at_its_prior() -> None:
    found = ability_on(9, make_runs([0, 5]), [np.nan] * 2, [np.nan] * 2)
    np.testing.assert_allclose([found.mean[0], found.loading[0]], [0.0, 1.0], atol=1e-4)
    assert not found.is_known[0]


def test_a_shift_after_the_last_run_moves_the_ability_by_as_much() -> None:
    runs = make_runs([0, 5])
    still = ability_on(9, runs, [0.4, 0.4], [1e-6, 1e-6])
    moved = ability_on(9, runs, [0.4, 0.4], [1e-6, 1e-6], [0.0, 0.25])
    np.testing.assert_allclose(moved.mean - still.mean, 0.25, atol=1e-3)


def test_windows_hold_earlier_days_only_newest_first() -> None:
    dog = np.array([1, 2, 1, 1, 1])
    day = np.array([0, 0, 3, 3, 9])
    assert windows(dog, day, 3).tolist() == [[-1] * 3, [-1] * 3, [0, -1, -1], [0, -1, -1], [3, 2, 0]]


def test_later_runs_are_windows_of_time_turned_round() -> None:
    dog = np.array([1, 2, 1, 1, 1])
    day = np.array([0, 0, 3, 3, 9])
    assert later_runs(dog, day, 3).tolist() == [[2, 3, 4], [-1] * 3, [4, -1, -1], [4, -1, -1], [-1] * 3]


def test_ability_between_two_runs_is_that_of_the_smoother() -> None:
    # A Brownian state seen at day 0 and at day 20, wanted at day 5: the textbook's conditional Gaussian.
    runs = make_runs([0, 20])
    entry = replace(entries_of(runs.take([0])), day=np.array([5]))
    form = Form.gathered(runs.columns, np.array([[0, 1]]))
    ago = np.array([[5.0, -15.0]])
    seen = Observations(form, ago, np.array([[1.0, -1.0]]), np.array([[0.5, -0.3]]), np.array([[0.1, 0.2]]))
    kernel = STATE_ONLY
    at = [0.0, kernel.day * 20 + kernel.run * 2]
    queried = kernel.day * 5 + kernel.run
    between = kernel.debut + np.minimum.outer(at, at) + np.diag([0.1, 0.2])
    gain = np.linalg.solve(between, kernel.debut + np.minimum(at, queried))
    np.testing.assert_allclose(condition(seen, entry, kernel).mean, gain @ [0.5, -0.3], rtol=1e-9)


def two_pools() -> Runs:
    """Return races of strangers: dogs 0-5 meet on day 0, then 0 alone meets weak dogs, 1-5 beat good ones."""
    fields = {
        0: [0, 1, 2, 3, 4, 5],
        3: [1, 10, 11, 12], 4: [2, 10, 11, 12], 5: [3, 10, 11, 12], 6: [4, 10, 11, 12], 7: [5, 10, 11, 12],
        60: [0, 20, 21, 22],
    }  # fmt: skip
    strength = {0: 0.0, **dict.fromkeys(range(1, 6), 0.0), **dict.fromkeys(range(10, 13), -1.5)}
    records = []
    for day, dogs in fields.items():
        share = np.exp([strength.get(dog, 0.0) for dog in dogs])
        for box, (dog, p) in enumerate(zip(dogs, share / share.sum(), strict=True), start=1):
            records.append(
                {"run_id": len(records), "race_id": day, "dog_id": dog, "day": day, "track_id": 1,
                 "distance_m": 400, "box": box, "market_share": p, "grade": 5,
                 "won": float(box == 1), "placed": float(box <= 3)}
            )  # fmt: skip
    return runs_of(records)


def result_replay(runs: Runs) -> Replay:
    return replay(History.of(runs), RESULT, Courses.seen_in(runs.track_id, runs.distance_m))


def market_replay(runs: Runs) -> Replay:
    return replay(History.of(runs), MARKET, Courses.seen_in(runs.track_id, runs.distance_m))


def test_rivals_that_did_well_since_make_a_run_worth_more() -> None:
    played = market_replay(two_pools())
    assert played.newest_change is not None
    assert played.newest_change[0] < -0.05  # the level of the first race, which is taken off


def test_an_evening_knows_what_a_replay_to_that_evening_knows() -> None:
    runs = two_pools()
    whole = market_replay(runs).evenings
    for number, evening in enumerate(whole):
        then = market_replay(runs.take(runs.day <= evening.day)).evenings[number]
        np.testing.assert_array_equal(then.race_id, evening.race_id)
        np.testing.assert_array_equal(then.change, evening.change)


def test_levels_stay_once_a_race_is_open_no_more() -> None:
    runs = two_pools()
    later = replace(runs, day=np.where(runs.day == 60, OPEN_DAYS + 2, runs.day))
    *_, before, last = market_replay(later).evenings
    assert 0 in before.race_id
    assert last.race_id.tolist() == [3, 4, 5, 6, 7, 60]  # that of day 0 is closed
    change = market_replay(later).performances.change
    np.testing.assert_array_equal(change[:6], np.float64(before.change[0]))
    assert np.isnan(change[later.race_id >= 2]).all()


def test_a_revision_uses_runs_of_earlier_days_only() -> None:
    runs = two_pools()
    whole = result_replay(runs).performances.adjusted
    assert len(np.unique(whole[0])) == 1 + len(REVISION_DAYS)
    for revision, days in enumerate(REVISION_DAYS, start=1):
        known = runs.take(runs.day < days)
        np.testing.assert_array_equal(
            result_replay(known).performances.adjusted[:6, revision], whole[:6, revision]
        )


def test_the_newest_changes_are_what_the_next_morning_knows() -> None:
    runs = two_pools()
    played = market_replay(runs)
    index = np.array([[0, len(runs) - 1, -1]])
    known = changes_on_mornings(
        np.array([61]), index, runs.race_id, played.performances.change, played.evenings
    )
    assert played.newest_change is not None
    np.testing.assert_array_equal(known[0], [*played.newest_change[[0, -1]], 0.0])


def test_replay_finds_ability_apart_from_the_opposition() -> None:
    # Dogs 0-3 meet dogs 0-3, dogs 4-7 meet dogs 4-7, a mixed race now and then tells the pools apart.
    rng = np.random.default_rng(5)
    ability = np.array([1.5, 1.2, 1.0, 0.8, -0.8, -1.0, -1.2, -1.5])
    records = []
    for day in range(0, 240, 3):
        pools = [[0, 1, 2, 3], [4, 5, 6, 7]] if day % 4 else [[0, 2, 4, 6], [1, 3, 5, 7]]
        for pool in pools:
            seen = ability[pool] + rng.normal(0, 0.2, 4)
            share = np.exp(seen) / np.exp(seen).sum()
            race = len(records)
            for box, (dog, p) in enumerate(zip(pool, share, strict=True), start=1):
                records.append(
                    {"run_id": len(records), "race_id": race, "dog_id": dog, "day": day, "track_id": 1,
                     "distance_m": 400, "box": box, "market_share": p, "grade": 5}
                )  # fmt: skip
    runs = runs_of(records)
    played = replay(History.of(runs), MARKET, Courses.seen_in(runs.track_id, runs.distance_m))
    last_day = runs.day == runs.day.max()
    entries = entries_of(runs.take(last_day))
    columns = runs.columns | played.performances.columns(MARKET)
    index = windows(runs.dog_id, runs.day)[last_day]
    final = played.performances.change
    change = changes_on_mornings(entries.day, index, runs.race_id, final, played.evenings)
    form = Form.gathered(columns, index, {"market_change": change})
    found = condition(observe(form, entries, MARKET), entries, MARKET.kernel)
    order = np.argsort(runs.dog_id[last_day])
    centred = found.mean[order] - found.mean.mean()
    np.testing.assert_allclose(centred, ability, atol=0.35)


def test_a_slow_track_makes_no_slow_dog() -> None:
    # The same dogs run 5 % slower on a heavy day; their adjusted performances stay.
    records = [
        {"run_id": day * 8 + dog, "race_id": day, "dog_id": dog, "day": day * 7, "track_id": 1,
         "distance_m": 400, "box": dog + 1, "time_s": 23.0 * (1.05 if day == 9 else 1.0) * (1 + 0.004 * dog)}
        for day in range(12)
        for dog in range(8)
    ]  # fmt: skip
    runs = runs_of(records)
    courses = Courses.seen_in(runs.track_id, runs.distance_m)
    adjusted = replay(History.of(runs), TIME, courses).performances.adjusted[:, 0]
    heavy, usual = adjusted[runs.day == 63], adjusted[runs.day == 56]
    np.testing.assert_allclose(heavy, usual, atol=1.5)  # of a slowdown of 4.9 per cent


@pytest.mark.parametrize("rating", RATINGS, ids=lambda rating: rating.name)
def test_an_empty_history_is_replayed_to_nothing(rating: Rating) -> None:
    played = replay(History.of(runs_of([])), rating, Courses())
    assert len(played.performances.adjusted) == 0
    assert played.tables == ()


def test_grades_of_both_vocabularies_fall_into_the_same_classes() -> None:
    pairs = [
        ("Mdn", "Maiden"),
        ("Gr5", "Grade 5"),
        ("Gr4/5", "Mixed 4/5"),
        ("FFA", "Free For All"),
        ("Nvce", "NOV"),
    ]
    assert [grade_class(one) for one, _ in pairs] == [grade_class(other) for _, other in pairs]
    assert grade_class("Grp1") > grade_class("Gr5") > grade_class("Mdn") > grade_class(None)


def test_places_paid_follow_the_size_of_the_field() -> None:
    assert n_places(np.array([4.0, 5.0, 7.0, 8.0])).tolist() == [1, 2, 2, 3]
