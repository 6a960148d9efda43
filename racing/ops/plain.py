"""The loops in numpy: what each means, and what runs where no C compiler was at hand.

Arrays over a form have shape (n, k), newest run first, NaN for no run or unknown; arrays over runners have
shape (n,), with ``race`` the race of each, contiguous. Sums run in order, term by term, so that a result
never depends on the batch that it stands in.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "best", "best_rival", "condition", "fill_nan", "log_mean_odds", "n_known", "number", "placed_in_race",
    "rank_in_race", "ratio", "read_card", "running_total", "select", "share_in_race", "sum_in_race", "total",
    "usual_at", "value_at",
]  # fmt: skip

Floats = NDArray[Any]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
_ORDINAL_OF_EPOCH = 719_163  # 1970-01-01


def fill_nan(value: Floats, other: Any) -> Floats:
    """Return the value, or the other where it is unknown."""
    return np.where(np.isnan(value), other, value)


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Return the numerator by the denominator where that is above 0, else unknown."""
    is_positive = denominator > 0
    return np.where(is_positive, numerator / np.where(is_positive, denominator, 1.0), np.nan)


def select(condition: Flags, one: Any, other: Any) -> Floats:
    """Return one where the condition holds, else the other."""
    return np.where(condition, one, other).astype(np.float64)


def number(flag: Flags) -> Floats:
    """Return 1 for true, 0 for false."""
    return np.asarray(flag).astype(np.float64)


def total(form: Floats) -> Floats:
    """Return the sum of what is known: (n, k) -> (n,)."""
    result = np.zeros(len(form))
    known = fill_nan(form, 0.0)
    for column in range(form.shape[1]):
        result += known[:, column]
    return result


def n_known(form: Floats) -> Floats:
    """Return how many values are known: (n, k) -> (n,)."""
    return (~np.isnan(form)).sum(axis=1).astype(np.float64)


def best(form: Floats) -> Floats:
    """Return the greatest known value: (n, k) -> (n,)."""
    return np.fmax.reduce(form, axis=1)


def running_total(form: Floats) -> Floats:
    """Return the sum of what is known up to each run, the newest first: (n, k) -> (n, k)."""
    return np.cumsum(fill_nan(form, 0.0), axis=1)


def sum_in_race(value: Floats, race: Ints) -> Floats:
    """Return for each runner the sum over its race of what is known."""
    return np.bincount(race, fill_nan(value, 0.0))[race].astype(np.float64)


def rank_in_race(value: Floats, race: Ints) -> Floats:
    """Return 1 for the greatest of the race's known values; ties share their best rank."""
    order = np.lexsort((-fill_nan(value, -np.inf), race))
    ordered, race_ordered = value[order], race[order]
    position = np.arange(len(value))
    new_race = np.diff(race_ordered, prepend=-1) != 0
    start = np.maximum.accumulate(np.where(new_race, position, 0))
    tied = ~new_race & (ordered == np.roll(ordered, 1))
    reached = np.maximum.accumulate(np.where(tied, 0, position))
    ranks = np.empty(len(value))
    ranks[order] = reached - start + 1
    return np.where(np.isnan(value), np.nan, ranks)


def best_rival(value: Floats, race: Ints) -> Floats:
    """Return the greatest known value of each runner's rivals, NaN where none is known."""
    n_races = int(race[-1]) + 1
    known = fill_nan(value, -np.inf)
    top = np.full(n_races, -np.inf)
    np.maximum.at(top, race, known)
    is_top = known == top[race]
    runner_up = np.full(n_races, -np.inf)
    np.maximum.at(runner_up, race[~is_top], known[~is_top])
    second = np.where(np.bincount(race, is_top, n_races) > 1, top, runner_up)
    rival = np.where(is_top, second[race], top[race])
    return np.where(np.isfinite(rival), rival, np.nan)


def value_at(value: Floats, wanted: Floats, box: Floats, race: Ints) -> Floats:
    """Return the value of the runner in the box that is wanted, of the same race; NaN where there is none."""
    n_boxes = 16
    by_box = np.full((int(race[-1]) + 1, n_boxes), np.nan)
    is_known = ~np.isnan(box)
    by_box[race[is_known], box[is_known].astype(np.int64)] = value[is_known]
    at = fill_nan(wanted, -1.0).astype(np.int64)
    is_box = (at >= 0) & (at < n_boxes)
    return np.where(is_box, by_box[race, np.where(is_box, at, 0)], np.nan)


def share_in_race(log_odds: Floats, race: Ints) -> Floats:
    """Return the softmax within each race; one unknown value makes the whole race unknown."""
    starts, sizes = _blocks(race)
    odds = np.exp(log_odds - np.repeat(np.maximum.reduceat(log_odds, starts), sizes))
    return odds / np.repeat(np.add.reduceat(odds, starts), sizes)


def log_mean_odds(log_odds: Floats, race: Ints) -> Floats:
    """Return for each runner the log of its race's mean odds."""
    starts, sizes = _blocks(race)
    top = np.maximum.reduceat(log_odds, starts)
    level = top + np.log(np.add.reduceat(np.exp(log_odds - np.repeat(top, sizes)), starts) / sizes)
    return np.repeat(level, sizes)


def placed_in_race(p: Floats, discounts: Floats, places: Ints, race: Ints) -> Floats:
    """Return the probabilities to be placed, ``places`` being those that each runner's race pays."""
    placed = np.full(len(p), np.nan)
    starts, sizes = _blocks(race)
    paid = places[starts]
    for n, k in {(int(n), int(k)) for n, k in zip(sizes, paid, strict=True)}:
        rows = starts[(sizes == n) & (paid == k), None] + np.arange(n)
        placed[rows] = _placed_in_fields(p[rows], k, discounts)
    return placed


def usual_at(
    month: Floats,
    course: Floats,
    box: Floats,
    grade: Floats,
    months: Floats,
    by_box: Floats,
    by_course: Floats,
    by_grade: Floats,
) -> tuple[Floats, Floats]:
    """Return the usual effect of the box and the usual level, by rating, each of shape (n, r).

    ``months`` (m,) ascend; the first stands for any before. ``by_box`` has shape (m, courses, boxes, r),
    ``by_course`` (m, courses, r), ``by_grade`` (m, grades, r); a level that is unknown by course is the one
    by grade. A course, box or grade that is NaN or too great is 0.
    """

    def within(value: Floats, below: int) -> Ints:
        return np.where((value > 0) & (value < below), value, 0).astype(np.int64)

    row = np.maximum(np.searchsorted(months, month, side="right") - 1, 0)
    place = within(course, by_box.shape[1])
    level = by_course[row, place]
    boxes = by_box[row, place, within(box, by_box.shape[2])]
    return boxes, np.where(np.isnan(level), by_grade[row, within(grade, by_grade.shape[1])], level)


def read_card(
    runners: list[Any],
    dogs: list[tuple[Floats, int, int | None]],
    race: tuple[float, ...],
    names_of_runner: tuple[str, ...],
    names_of_run: tuple[str, ...],
    courses: dict[tuple[str, int], tuple[float, float]],
    grades: dict[str | None, float],
    usual: tuple[Floats, Floats, Floats, Floats],
    window: int,
    card: Floats,
    stored: Floats,
    brought: Floats,
    counts: Ints,
) -> Any:
    """Write a card into blocks of numbers, and return the first run that cannot be read yet, or None.

    That is one whose course or class is not known: it is to be entered, and the card read again.

    Parameters
    ----------
    runners, dogs
        Objects as :class:`racing.domain.cards.Runner`, and of each one's dog the stored runs before the race,
        oldest first, by columns of which the first is the day; how many runs they are the last of; and the
        day of the first of all.
    race
        Month, course and the five facts that stand in ``card``: day, track, distance, class, track's number.
    names_of_runner
        Four attributes that are read as they are, of which the first is the box, and that of the form.
    names_of_run
        Date, track, distance, class, box, calls; then those that are read as they are.
    courses, grades
        The two numbers of a track and distance, track and row of the course, and that of a class.
    usual
        The tables of :func:`usual_at`.
    window
        So many runs at most are stored of a dog.

    Returns in the blocks
    ---------------------
    card : (n, 11 + 2 ratings)
        The four attributes, career runs, day of the first run, five facts of the race, usual box and level.
        A reserve's box (above 8) is not known.
    stored, brought : (n, k, ...)
        The runs before the race, newest first: place by place either a stored one, as it is, or one that the
        card brings: day, month, track, course, class, box, position at the first call, then what is read as
        it is, usual box and level. NaN is unknown, or no run. A single digit is no call: sources that know
        none write the finishing position there. A run that both hold, or that is brought twice, counts once.
    counts : (n, 2)
        How many runs before the race there are in all, and how many brought ones are left out as later.
    """
    stored.fill(np.nan)
    brought.fill(np.nan)
    n_ratings = usual[1].shape[-1]
    n_read = 1 + len(names_of_run)

    def write_usual(row: Floats, month: float, course: float, box: float, grade: float) -> None:
        where = np.array([[month], [course], [box], [grade]], np.float64)
        boxes, levels = usual_at(where[0], where[1], where[2], where[3], *usual)
        row[:n_ratings], row[n_ratings:] = boxes[0], levels[0]

    for i, (runner, (runs, n_runs, first_day)) in enumerate(zip(runners, dogs, strict=True)):
        *as_they_are, form_name = names_of_runner
        card[i, :4] = [getattr(runner, name) for name in as_they_are]
        card[i, 0] = card[i, 0] if card[i, 0] <= 8 else np.nan
        card[i, 6:11] = race[2:]
        write_usual(card[i, 11:], race[0], race[1], card[i, 0], race[5])
        form = getattr(runner, form_name)
        n_before, newest_first = _newest_first(form, runs[:, 0].tolist(), race[2])
        days = [day for day, is_brought, _ in newest_first if is_brought]
        # Of a run older than the stored ones at hand nobody knows whether it is among those counted.
        n_newer = len(days) if len(runs) < window else sum(day > runs[0, 0] for day in days)
        known_days = days if first_day is None else [*days, first_day]
        card[i, 4:6] = n_runs + n_newer, min(known_days, default=race[2])
        for place, (_, is_brought, row) in enumerate(newest_first[: stored.shape[1]]):
            if not is_brought:
                stored[i, place] = runs[row]
                continue
            run = form[row]
            course, grade = courses.get((run.track, run.distance_m)), grades.get(run.grade)
            if course is None or grade is None:
                return run
            read = brought[i, place]
            read[:n_read] = _read(run, names_of_run, course, grade)
            write_usual(read[n_read:], read[1], read[3], read[5], grade)
        counts[i] = len(newest_first), len(form) - n_before
    return None


def _newest_first(
    form: Sequence[Any], stored_days: list[float], race_day: float
) -> tuple[int, list[tuple[float, int, int]]]:
    """Return how many runs of a form are before the race, and those that count: day, if brought, row."""
    brought: dict[float, int] = {}
    n_before = 0
    for row, run in enumerate(form):
        day = run.date.toordinal() - _ORDINAL_OF_EPOCH
        if day < race_day:
            n_before += 1
            brought.setdefault(day, row)
    runs = [(day, 0, row) for row, day in enumerate(stored_days)]
    runs += [(day, 1, row) for day, row in brought.items() if day not in stored_days]
    return n_before, sorted(runs, reverse=True)


def _read(run: Any, names: tuple[str, ...], course: tuple[float, float], grade: float) -> list[Any]:
    date, box, calls = run.date, run.box, run.position_in_running or ""
    return [
        date.toordinal() - _ORDINAL_OF_EPOCH,
        date.year * 12 + date.month - (1970 * 12 + 1),
        *course,
        grade,
        np.nan if box is None or box > 8 else box,
        int(calls[0]) if len(calls) > 1 and calls[0] in "12345678" else np.nan,
        *(getattr(run, name) for name in names[6:]),
    ]


def condition(
    observed: Floats,
    noise: Floats,
    days_ago: Floats,
    runs_ago: Floats,
    log_distance: Floats,
    track: Floats,
    zone: Floats,
    card_log_distance: Floats,
    card_track: Floats,
    card_zone: Floats,
    kernel: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Return mean, loading and variance of each dog's ability; see :mod:`racing.ratings.posterior`.

    Arrays over observations have shape (n, k); one whose ``observed`` is NaN counts for nothing. ``kernel``
    holds the variances debut, day, run, track, course and distance, the scale of distances, and the variance
    zone.
    """
    debut, day, run, by_track, by_course, by_distance, scale, by_zone = kernel.tolist()
    silent = np.isnan(observed)
    drift = day * days_ago + run * runs_ago
    since_oldest = drift.max(axis=1, initial=0.0)
    state = since_oldest[:, None] - drift

    def alike(one: Floats, other: Floats) -> Floats:
        return np.exp(-np.abs(one - other) / scale)

    on_track = track[:, :, None] == track[:, None, :]
    over_distance = log_distance[:, :, None] == log_distance[:, None, :]
    between = (
        debut
        + np.minimum(state[:, :, None], state[:, None, :])
        + by_track * on_track
        + by_course * (on_track & over_distance)
        + by_distance * alike(log_distance[:, :, None], log_distance[:, None, :])
        + by_zone * (zone[:, :, None] == zone[:, None, :])
    )
    on_card_track = track == card_track[:, None]
    to_card = (
        debut
        + np.minimum(state, since_oldest[:, None])
        + by_track * on_card_track
        + by_course * (on_card_track & (log_distance == card_log_distance[:, None]))
        + by_distance * alike(log_distance, card_log_distance[:, None])
        + by_zone * (zone == card_zone[:, None])
    )
    to_card = np.where(silent, 0.0, to_card)
    between = np.where(silent[:, :, None] | silent[:, None, :], 0.0, between)
    diagonal = np.arange(observed.shape[1])
    between[:, diagonal, diagonal] += np.where(silent, 1.0, noise)
    gain = np.linalg.solve(between, to_card[:, :, None])[:, :, 0]
    prior = debut + since_oldest + by_track + by_course + by_distance + by_zone
    return (
        total(gain * fill_nan(observed, 0.0)),
        1.0 - total(gain),
        prior - total(gain * to_card),
    )


def _blocks(race: Ints) -> tuple[Ints, Ints]:
    """Return where each race starts and how many runners it has."""
    starts = np.concatenate([[0], np.flatnonzero(race[1:] != race[:-1]) + 1])
    return starts, np.diff(starts, append=len(race))


def _placed_in_fields(p: Floats, places: int, discounts: Floats) -> Floats:
    """Return place probabilities of fields of the same size; ``p`` has shape (n_races, n_runners)."""
    n = p.shape[1]
    if places >= n:
        return np.where(np.isnan(p), np.nan, 1.0)
    p = np.maximum(p, 1e-12)
    p = p / p.sum(axis=1, keepdims=True)
    placed = p
    if places == 1:
        return placed
    # Sums over the others never come from a subtraction: with p near 1 it loses all digits.
    others = 1.0 - np.eye(n)
    second = p ** discounts[1]
    first = p / (second @ others)
    placed = p + second * (first @ others)
    if places == 2:
        return placed
    third = p ** discounts[2]
    apart = (others[:, :, None] * others[:, None, :] * others[None, :, :]).reshape(n, n * n)
    left = (third @ apart).reshape(-1, n, n) + np.eye(n)
    pairs = first[:, :, None] * second[:, None, :] * others / left
    return placed + third * (pairs.reshape(-1, n * n) @ apart.T)
