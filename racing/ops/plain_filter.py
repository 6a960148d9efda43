"""The steps of the rating filter in numpy: what each means, and what runs where no C compiler was at hand.

``_filter.c`` gives the same numbers bit for bit: every sum is taken term by term, in the same order.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MAX_RUNS = 32
_LEAST_KNOWN = 0.02
_KNOWN_BELOW = 0.98


def abilities(
    places: Ints,
    n_before: int,
    n_after: int,
    until: float,
    as_of: float,
    around: Ints,
    facts: Floats,
    performed: Floats,
    revision_days: Floats,
    kernel: Floats,
    alike: Floats,
    /,
) -> tuple[Floats, Floats, Floats]:
    """Return mean, loading and variance of each runner's ability, given its dog's runs around it.

    What :func:`racing.ops.condition` does for a form, this does for rows of history: see
    :mod:`racing.ratings.posterior` for the model.

    Parameters
    ----------
    places
        The rows of the runs whose abilities are wanted, shape (n,).
    n_before
        How many of the dog's runs on days before are looked at, and with ``n_after`` on days after, those
        before the day ``until``.
    as_of
        The day by which performances are taken as revised.
    around
        One row a run, dog by dog and day by day: where its dog's runs begin, where those of its day begin and
        end, where its dog's end; shape (n_runs, 4).
    facts
        Day, track, zone and the number of the distance; shape (n_runs, 4).
    performed
        Adjusted performances by revision, their noises, the shift; shape (n_runs, 2 * n_revisions + 1).
    alike
        The covariance of ability over two distances, by their numbers.
    """
    dog_start, day_start, day_end, dog_end = around.T
    day, track, zone = facts[:, :3].T
    distance = facts[:, 3].astype(np.int64)
    n_revisions = performed.shape[1] // 2
    adjusted, noises, shift = (
        performed[:, :n_revisions], performed[:, n_revisions:-1], performed[:, -1],
    )  # fmt: skip
    if n_before + n_after > _MAX_RUNS:
        raise ValueError(f"shapes do not fit, or there are more than {_MAX_RUNS} runs a dog")
    debut, by_day, by_run, by_track, by_course, by_distance, _, by_zone = kernel.tolist()
    before = day_start[places, None] - np.arange(1, n_before + 1)
    after = day_end[places, None] + np.arange(n_after)
    runs = np.concatenate([before, after], axis=1)
    there = (runs >= dog_start[places, None]) & (runs < dog_end[places, None])
    runs = np.where(there, runs, 0)
    there[:, n_before:] &= day[runs[:, n_before:]] < until
    runs_ago = np.concatenate([np.arange(1.0, n_before + 1), -np.arange(1.0, n_after + 1)])
    drift = np.where(there, by_day * (day[places][:, None] - day[runs]) + by_run * runs_ago, 0.0)
    shifts, own = np.where(there, shift[runs], 0.0), shift[places][:, None]
    since, later = np.cumsum(shifts[:, :n_before], axis=1), np.cumsum(shifts[:, n_before:], axis=1)
    moved = np.concatenate([since, *([-own, -own - later[:, :-1]] if n_after else [])], axis=1)
    revision = np.zeros(runs.shape, np.int64)
    for newer, days in enumerate(revision_days[: adjusted.shape[1] - 1], start=1):
        revision[as_of - day[runs] >= days] = newer
    observed = np.where(there, adjusted[runs, revision] + moved, np.nan)
    silent = np.isnan(observed)
    since_oldest = np.maximum(drift.max(axis=1, initial=0.0), 0.0)
    state = since_oldest[:, None] - drift

    def covariance(state: Floats, one: Any, other: Any) -> Floats:
        on_track, (d1, d2) = track[one] == track[other], (distance[one], distance[other])
        found: Floats = (
            debut
            + state
            + np.where(on_track, by_track, 0.0)
            + np.where(on_track & (d1 == d2), by_course, 0.0)
            + alike[d1, d2]
            + np.where(zone[one] == zone[other], by_zone, 0.0)
        )
        return found

    # Column by column, one entry a runner; what is silent is 0 beside 1 on the diagonal, and changes nothing.
    n_runs = runs.shape[1]
    a: dict[tuple[int, int], Floats] = {}
    gain, to_card = [], []
    for c in range(n_runs):
        own_variance = (
            debut
            + state[:, c]
            + by_track
            + by_course
            + by_distance
            + by_zone
            + noises[runs[:, c], revision[:, c]]
        )
        a[c, c] = np.where(silent[:, c], 1.0, own_variance)
        for r in range(c + 1, n_runs):
            between = covariance(np.minimum(state[:, r], state[:, c]), runs[:, r], runs[:, c])
            a[c, r] = np.where(silent[:, r] | silent[:, c], 0.0, between)
        card = covariance(np.minimum(state[:, c], since_oldest), runs[:, c], places)
        to_card.append(np.where(silent[:, c], 0.0, card))
        gain.append(to_card[c])
    for c in range(n_runs):
        for k in range(c):
            for r in range(c, n_runs):
                a[c, r] = a[c, r] - a[k, r] * a[k, c]
        a[c, c] = np.sqrt(a[c, c])
        for r in range(c + 1, n_runs):
            a[c, r] = a[c, r] / a[c, c]
    for k in range(n_runs):
        gain[k] = gain[k] / a[k, k]
        for r in range(k + 1, n_runs):
            gain[r] = gain[r] - a[k, r] * gain[k]
    for r in reversed(range(n_runs)):
        for k in range(r + 1, n_runs):
            gain[r] = gain[r] - a[r, k] * gain[k]
        gain[r] = gain[r] / a[r, r]
    mean, known, explained = (np.zeros(len(places)) for _ in range(3))
    for k in range(n_runs):
        mean = mean + gain[k] * np.where(silent[:, k], 0.0, observed[:, k])
        known = known + gain[k]
        explained = explained + gain[k] * to_card[k]
    widest = debut + since_oldest + by_track + by_course + by_distance + by_zone
    return mean, 1.0 - known, widest - explained


def explain(
    group: Ints,
    n_groups: int,
    known: tuple[Floats, Floats, Floats],
    measured: Floats,
    noise: Floats,
    box: Floats,
    level: Floats,
    overall: float,
    debut: float,
    level_variance: float,
    alone_variance: float,
    outlier_sd: float,
    has_opposition: bool,
    /,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return adjusted performance, its noise, level and innovation of each run of a day.

    Parameters
    ----------
    group
        0 to ``n_groups`` - 1: runs of one number share their level.
    known
        Mean, loading and variance of the runners' abilities that morning.
    level
        What the level usually is, by course or class; NaN where nothing is known of it, ``overall`` then.
    debut
        Where an unknown dog starts, above its known rivals; NaN: at 0, the mean of all dogs.
    has_opposition
        Whether the level is the opposition: a group of unknown dogs is then taken to be as usual.
    """
    mean, loading, variance = known

    def total(values: Any) -> Floats:
        return np.bincount(group, values, n_groups).astype(np.float64)

    is_known = loading < _KNOWN_BELOW
    known_by = np.maximum(1.0 - loading, _LEAST_KNOWN)
    weight = np.where(is_known, known_by / variance, 0.0)
    rivals = total(weight * (mean / known_by)) / np.maximum(total(weight), 1e-9)
    prior = np.zeros(len(mean)) if np.isnan(debut) else rivals[group] + debut
    precision = 1.0 / (variance + noise)
    left_over = measured - box - (mean + loading * prior)

    n_runs = np.maximum(np.bincount(group, minlength=n_groups), 1)
    expected = total(np.where(np.isnan(level), np.nan_to_num(overall), level)) / n_runs
    first = np.zeros(n_groups, np.int64)
    first[group[::-1]] = np.arange(len(group))[::-1]
    is_level_known = ~np.isnan(level[first]) if len(level) else np.zeros(n_groups, bool)
    spread = np.where(is_level_known, level_variance, 1e4)
    if has_opposition:  # a race of strangers is taken to be one of its class
        spread = np.where(total(is_known) == 0, alone_variance, np.maximum(spread, level_variance))
    weights = total(precision) + 1.0 / spread
    found = ((total(precision * left_over) + expected / spread) / weights)[group]

    innovation = left_over - found
    beyond = np.abs(innovation) * np.sqrt(precision) / outlier_sd
    # A fall or a check says little of a dog: beyond so many sd the noise grows with the square (Huber, 1964).
    grown = noise * np.maximum(1.0, beyond) ** 2
    return measured - box - found, grown + 1.0 / weights[group], found, innovation


def settle(
    windows: Ints,
    race: Ints,
    facts: Floats,
    worth: Floats,
    performed: Floats,
    change: Floats,
    first_open: int,
    debut: float,
    by_day: float,
    by_run: float,
    /,
) -> None:
    """Work out anew how far the levels of the open races have moved since their day: one step of all at once.

    Each dog's ability is a random walk, seen through the runs of its window. What the *other* runs of the
    window say of a run (the filter forward and the information filter backward; Fraser and Potter, 1969) is
    what the dog brought to that race; what it was worth beyond that is the race's. A race's change is the
    precision-weighted mean of that over its runners, rounded to single precision, in which it is stored.

    Parameters
    ----------
    windows
        Where the last runs of each dog begin and end; shape (n_dogs, 2).
    race
        The number of each run's race, shape (n_runs,); races from ``first_open`` on are open.
    facts
        As :func:`abilities` takes them; shape (n_runs, 4).
    worth
        Adjusted performances as they were on their day; shape (n_runs,).
    performed
        Adjusted performances as known now, their noises, the shifts; shape (n_runs, 3). The first column of
        runs of open races is written anew.
    change
        By race, what is to be taken off ``worth``; shape (n_races,). Open ones are written anew.
    """
    begin, end = windows.T
    n_own = end - begin
    longest = int(n_own.max(initial=0))
    there = np.arange(longest) < n_own[:, None]
    runs = np.where(there, begin[:, None] + np.arange(longest), 0)
    day, (now, noise, shift) = facts[runs, 0], (performed[runs, column] for column in range(3))
    is_seen = there & ~np.isnan(now)
    mean, variance = np.zeros(len(windows)), np.full(len(windows), debut)
    before, spread = np.empty(runs.shape), np.empty(runs.shape)
    for k in range(longest):
        if k:
            mean = mean + shift[:, k - 1]
            variance = variance + (by_day * (day[:, k] - day[:, k - 1]) + by_run)
        before[:, k], spread[:, k] = mean, variance
        gain = variance / (variance + noise[:, k])
        mean = np.where(is_seen[:, k], mean + gain * (now[:, k] - mean), mean)
        variance = np.where(is_seen[:, k], variance * (1.0 - gain), variance)
    known, total = np.zeros(len(windows)), np.zeros(len(windows))
    expected, uncertain = np.empty(runs.shape), np.empty(runs.shape)
    for k in reversed(range(longest)):
        precision = 1.0 / spread[:, k] + known
        expected[:, k], uncertain[:, k] = (before[:, k] / spread[:, k] + total) / precision, 1.0 / precision
        known = np.where(is_seen[:, k], known + 1.0 / noise[:, k], known)
        total = np.where(is_seen[:, k], total + now[:, k] / noise[:, k], total)
        if k:
            drift = by_day * (day[:, k] - day[:, k - 1]) + by_run
            has_later = there[:, k] & (known > 0.0)
            after = total / np.where(has_later, known, 1.0) - shift[:, k - 1]
            known = np.where(has_later, known / (1.0 + drift * known), known)
            total = np.where(has_later, known * after, total)
    is_open = is_seen & (race[runs] >= first_open)
    newest_first = np.s_[:, ::-1]
    weight = 1.0 / (uncertain + noise)
    left = weight * (worth[runs] - expected)
    opened = (race[runs] - first_open)[newest_first][is_open[newest_first]]
    n_open = max(len(change) - first_open, 0)
    sums, weights = (
        np.bincount(opened, values[newest_first][is_open[newest_first]], n_open) for values in (left, weight)
    )
    has_any = weights > 0.0
    found = sums[has_any] / weights[has_any]
    change[first_open:][has_any] = found.astype(np.float32)
    of_open = runs[there & (race[runs] >= first_open)]
    performed[of_open, 0] = worth[of_open] - change[race[of_open]]
