"""How near the truth of a simulated season anyone could come: the best guess of one who knows how it is made.

A runner's strength is a sum of normal effects, of its dog and of the day, whose variances the simulator sets,
and what is seen of earlier runs is their strength with normal noise. So nobody can guess better than the
posterior of Gaussian process regression (Rasmussen and Williams, 2006, chapter 2) with those very variances.
This one is even given more than a season shows: the mean ability of each field, of which a grade tells
roughly; how much each box helps; and past strengths nearer than a single price has them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing.probabilities import share_within_race
from racing.simulation import season as made
from racing.simulation.season import Season
from racing.simulation.world import STATES, TRACKS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRICE_ERROR = 0.10
"""Standard deviation of what all prices of a past run together tell of its strength; BSP alone has 0.20."""
FIELD_ERROR = 1.04
"""Of a runner's ability about its field's mean: the grader's error, and the width of a grade."""
_DRAWS = 400


def best_guess(season: Season, first_day: int, *, seed: int = 0) -> Floats:
    """Return the probability of each run from a day on, guessed from earlier days; NaN before.

    Parameters
    ----------
    first_day : int
        0 is the season's first day.
    """
    runs = _Runs.of(season, np.random.default_rng(seed))
    mean, variance = np.full(len(season), np.nan), np.full(len(season), np.nan)
    for state in range(len(STATES)):
        dogs = _Dogs(runs, np.flatnonzero(runs.state == state))
        for day in np.unique(season.day[(runs.state == state) & (season.day >= first_day)]).tolist():
            levels = dogs.levels(day)
            for now, guessed, unsure in dogs.guesses(day, levels):
                mean[now], variance[now] = guessed, unsure
    later = season.day >= first_day
    p = np.full(len(season), np.nan)
    p[later] = _mean_shares(mean[later], variance[later], season.race[later], seed)
    return p


@dataclass(frozen=True, slots=True)
class _Runs:
    """What is known of each run, arrays of one entry a run."""

    race: Ints
    day: Ints
    dog: Ints
    state: Ints
    places: tuple[Ints, ...]
    """Of distance, track and box: two runs of a dog share an effect where they are equal."""
    seen: Floats
    """Strength as its prices tell it, without the box's help; on a scale of each race's own."""
    helped: Floats
    field_ability: Floats

    @classmethod
    def of(cls, season: Season, rng: np.random.Generator) -> "_Runs":
        race = season.race
        states = np.array([STATES.index(track.state) for track in TRACKS])
        bias = np.array([track.inside_bias for track in TRACKS])
        helped = bias[season.track] * made.box_help(season.box)
        log_shares = np.log(
            share_within_race(season.strength + PRICE_ERROR * rng.normal(size=len(race)), race)
        )
        return cls(
            race=race,
            day=season.day,
            dog=season.dog,
            state=states[season.track],
            places=(_bands(season), season.track, made.zone_of(season.box)),
            seen=log_shares - helped,
            helped=helped,
            field_ability=(np.bincount(race, season.ability) / np.bincount(race))[race],
        )

    def covariance(self, some: Ints, others: Ints) -> Floats:
        """Return that of the strengths of runs of one dog, apart from what a single day brings."""
        apart = np.abs(self.day[some][:, None] - self.day[others][None, :])
        total = _ABILITY + _OF_EARLY_SPEED + made.FORM_SD**2 * np.exp(-apart / made.FORM_DAYS)
        for place, deviation in zip(self.places, (made.BAND_SD, made.TRACK_SD, made.ZONE_SD), strict=True):
            total += deviation**2 * (place[some][:, None] == place[others][None, :])
        return total


_ABILITY = made.ABILITY_SD**2
_OF_EARLY_SPEED = (made.EARLY_HELP * made.EARLY_SD) ** 2
_OF_A_DAY = made.DAY_SD**2 + (made.HELP_OF_A_KG * made.WEIGHT_SD_KG) ** 2


class _Dogs:
    """The dogs of a state, who meet nobody else: their runs, and what earlier days tell of them."""

    def __init__(self, runs: _Runs, of_state: Ints) -> None:
        self._runs = runs
        order = of_state[np.argsort(runs.dog[of_state], kind="stable")]
        self._runs_of = np.split(order, np.flatnonzero(np.diff(runs.dog[order])) + 1)
        self._races = np.unique(runs.race[of_state])
        self._precision: dict[int, tuple[int, Floats]] = {}

    def levels(self, day: int) -> Floats:
        """Return the level of each race before a day, which its prices do not tell, by least squares."""
        information = np.zeros((len(self._races), len(self._races)))
        right_side = np.zeros(len(self._races))
        for dog, runs in enumerate(self._runs_of):
            past = runs[self._runs.day[runs] < day]
            if len(past):
                weights = self._precision_of(dog, past)[: len(past)]
                races = self._race_places(past)
                information[np.ix_(races, races)] += weights[:, : len(past)]
                right_side[races] += weights @ self._observed(past, past)
        is_past = information.diagonal() > 0
        levels = np.zeros(len(self._races))
        levels[is_past] = np.linalg.solve(information[np.ix_(is_past, is_past)], right_side[is_past])
        return levels

    def guesses(self, day: int, levels: Floats) -> Iterator[tuple[Ints, Floats, Floats]]:
        """Yield the runs of each dog on a day with the mean and variance of their strengths."""
        runs = self._runs
        for of_dog in self._runs_of:
            past, now = of_dog[runs.day[of_dog] < day], of_dog[runs.day[of_dog] == day]
            if len(now):
                fields = np.append(past, now)
                observed = self._observed(past, fields)
                observed[: len(past)] -= levels[self._race_places(past)]
                with_ability = np.full((len(now), len(fields)), _ABILITY)
                shared = np.hstack([runs.covariance(now, past), with_ability])
                weights = shared @ np.linalg.inv(self._covariance_seen(past, fields))
                own = runs.covariance(now, now).diagonal() + _OF_A_DAY
                yield now, weights @ observed + runs.helped[now], own - (weights * shared).sum(axis=1)

    def _precision_of(self, dog: int, past: Ints) -> Floats:
        n, found = self._precision.get(dog, (0, np.zeros((0, 0))))
        if n != len(past):
            found = np.linalg.inv(self._covariance_seen(past, past))
            self._precision[dog] = len(past), found
        return found

    def _covariance_seen(self, past: Ints, fields: Ints) -> Floats:
        """Return that of past strengths as seen, followed by what each field's mean tells of the ability."""
        n = len(past)
        covariance = np.full((n + len(fields), n + len(fields)), _ABILITY)
        covariance[:n, :n] = self._runs.covariance(past, past)
        noise = np.repeat([_OF_A_DAY + PRICE_ERROR**2, FIELD_ERROR**2], [n, len(fields)])
        return covariance + np.diag(noise)

    def _observed(self, past: Ints, fields: Ints) -> Floats:
        return np.append(self._runs.seen[past], self._runs.field_ability[fields])

    def _race_places(self, runs: Ints) -> Ints:
        return np.searchsorted(self._races, self._runs.race[runs])


def _bands(season: Season) -> Ints:
    """Return which of its track's distances each run is over: short, middle or long."""
    bands = np.zeros(len(season), np.int64)
    for number, track in enumerate(TRACKS):
        here = season.track == number
        bands[here] = np.searchsorted(track.distances_m, season.distance_m[here])
    return bands


def _mean_shares(mean: Floats, variance: Floats, race: Ints, seed: int) -> Floats:
    """Return the mean chance of each runner over what its strength may be."""
    rng, deviation = np.random.default_rng(seed), np.sqrt(variance)
    number = np.unique(race, return_inverse=True)[1]
    total = np.zeros(len(mean))
    for _ in range(_DRAWS):
        total += share_within_race(mean + deviation * rng.normal(size=len(mean)), number)
    return total / _DRAWS
