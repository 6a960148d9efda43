"""Run a season: who meets whom on which day, how strong each runner truly is, and what comes of it.

A runner's *strength* is known; its performance is strength plus standard Gumbel noise, so that the true
probability of a win is exactly softmax(strength) within the race and the finishing order is Plackett-Luce's
(Yellott, 1977).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing.simulation.world import N_BOXES, STATES, TRACKS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RACES_A_MEETING = 11
FIELD_SIZES, FIELD_SHARES = (4, 5, 6, 7, 8), (0.01, 0.06, 0.17, 0.24, 0.52)
MEAN_REST_DAYS = 8.5
RETIREMENT_A_DAY = 1 / 220
# Standard deviations, in units of strength. With them the log losses of RESEARCH.md come out.
ABILITY_SD, BAND_SD, TRACK_SD, ZONE_SD, FORM_SD, DAY_SD = 1.75, 0.45, 0.25, 0.25, 0.40, 0.30
EARLY_SD, EARLY_HELP = 0.6, 0.35  # of early speed, in units of its own, and what one of them adds to strength
WEIGHT_SD_KG, HELP_OF_A_KG = 0.25, -0.2  # about the dog's own weight
FORM_DAYS = 45.0  # the form's memory
GRADING_SD = 0.85  # how far a grader's view of a dog is off
RESERVE_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A season's runs, one entry a run in every array, races contiguous and in order of day and meeting."""

    race: Ints
    day: Ints
    """0 is the season's first day."""
    track: Ints
    """Index into :data:`~racing.simulation.world.TRACKS`."""
    distance_m: Ints
    race_number: Ints
    grade: Ints
    """7 the weakest .. 1, 0 free for all, 8 maiden (mostly dogs without a win)."""
    dog: Ints
    box: Ints
    rug: Ints
    weight_kg: Floats
    ability: Floats
    """The dog's own, the part of its strength that it has in every race."""
    early_speed: Floats
    """The dog's own, apart from its strength."""
    going: Floats
    """That meeting's, as a share of the time."""
    strength: Floats
    performance: Floats
    is_bitch: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.race)


class _Kennel:
    """All dogs so far; arrays grow as dogs make their first start, by half at a time."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._n = 0
        self._columns: dict[str, NDArray[Any]] = {
            "traits": np.zeros((0, 4 + 3 + len(TRACKS) + 3)),
            **{name: np.zeros(0, np.int64) for name in ("state", "next_day", "n_wins")},
            "active": np.zeros(0, bool),
            **{name: np.zeros(0) for name in ("form", "weight_kg")},
        }

    def __getattr__(self, name: str) -> NDArray[Any]:
        return self._columns[name][: self._n]

    def add(self, n: int, state: int, day: int, *, spread_days: int = 0) -> Ints:
        """Add ``n`` dogs; return their numbers.

        Traits: ability, early speed, sex, distance, then those of bands, tracks and zones.
        """
        rng, first = self._rng, self._n
        scale = [ABILITY_SD, EARLY_SD, 1.0, 1.0, *[BAND_SD] * 3, *[TRACK_SD] * len(TRACKS), *[ZONE_SD] * 3]
        traits = rng.normal(size=(n, len(scale))) * scale
        new = {
            "traits": traits,
            "state": state,
            "next_day": day + rng.integers(0, spread_days + 1, n),
            "n_wins": 0,
            "active": True,
            "form": rng.normal(size=n) * FORM_SD,
            "weight_kg": np.where(traits[:, 2] > 0, 27.5, 32.5) + rng.normal(size=n) * 1.6,
        }
        if first + n > len(self._columns["state"]):
            room = (first + n) * 3 // 2
            self._columns = {name: _with_room(values, room) for name, values in self._columns.items()}
        self._n += n
        for name, values in new.items():
            self._columns[name][first : self._n] = values
        return np.arange(first, first + n)

    def pass_a_day(self) -> None:
        """Let form drift and some dogs retire."""
        rng, n = self._rng, len(self.state)
        keep = np.exp(-1.0 / FORM_DAYS)
        self.form[:] = keep * self.form + np.sqrt(1 - keep**2) * FORM_SD * rng.normal(size=n)
        self.active[:] &= rng.random(n) > RETIREMENT_A_DAY

    def enter(self, n: int, state: int, day: int) -> Ints:
        """Return ``n`` rested dogs of a state, the longest waiting first; debutants where too few."""
        rested = np.flatnonzero(self.active & (self.state == state) & (self.next_day <= day))
        rested = rested[np.lexsort((rested, self.next_day[rested]))][:n]
        if len(rested) < n:
            rested = np.append(rested, self.add(n - len(rested), state, day))
        # 5-14 days mostly, now and then a spell.
        rest = 4 + self._rng.gamma(2.0, (MEAN_REST_DAYS - 4.5) / 2.0, n).round().astype(np.int64)
        self.next_day[rested] = day + np.where(self._rng.random(n) < 0.03, rest + 30, np.maximum(rest, 3))
        return rested


def _with_room(values: NDArray[Any], n: int) -> NDArray[Any]:
    """Return values at the head of an array with room for more."""
    larger = np.empty((n, *values.shape[1:]), values.dtype)
    larger[: len(values)] = values
    return larger


def run_season(
    n_races: int, n_days: int, rng: np.random.Generator, on_progress: Callable[[int, int], None] | None = None
) -> Season:
    """Return a season of ``n_races`` over ``n_days``; the same generator state gives the same season."""
    (season,) = season_in_parts(n_races, n_days, rng, n_races, on_progress)
    return season


def season_in_parts(
    n_races: int,
    n_days: int,
    rng: np.random.Generator,
    races_at_once: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[Season]:
    """Yield a season in parts of whole days, of about as many races; races and days are counted through."""
    kennel = _Kennel(rng)
    n_dogs = n_races / n_days * 7.2 * MEAN_REST_DAYS / len(STATES)
    for state in range(len(STATES)):
        kennel.add(max(8, round(n_dogs)), state, 0, spread_days=int(MEAN_REST_DAYS))
    ends = np.linspace(0, n_races, n_days + 1).round().astype(np.int64)
    meetings: list[dict[str, NDArray[np.generic]]] = []
    n_meetings_so_far = n_yielded = 0
    for day in range(n_days):
        n_today = int(ends[day + 1] - ends[day])
        n_meetings = -(-n_today // RACES_A_MEETING)
        n_left = n_today
        for i in range(n_meetings):
            n = -(-n_left // (n_meetings - i))
            n_left -= n
            track = _track_of(n_meetings_so_far)
            n_meetings_so_far += 1
            meetings.append(_meeting(kennel, n, int(ends[day + 1]) - n_left - n, day, track, rng))
        kennel.pass_a_day()
        if on_progress:
            on_progress(day + 1, n_days)
        is_last = day + 1 == n_days
        if (
            meetings
            and (is_last or ends[day + 1] - n_yielded >= races_at_once)
            and (n_races > ends[day + 1] or is_last)
        ):
            yield Season(
                **{name: np.concatenate([meeting[name] for meeting in meetings]) for name in meetings[0]}
            )
            meetings, n_yielded = [], int(ends[day + 1])


def _track_of(n: int) -> int:
    """Return the track of the n-th meeting: the states take turns, and within a state its tracks."""
    state, turn = n % len(STATES), n // len(STATES)
    own = [i for i, track in enumerate(TRACKS) if track.state == STATES[state]]
    return own[turn % len(own)]


def _meeting(
    kennel: _Kennel, n_races: int, first_race: int, day: int, track: int, rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    sizes = rng.choice(FIELD_SIZES, n_races, p=FIELD_SHARES)
    dogs = kennel.enter(int(sizes.sum()), STATES.index(TRACKS[track].state), day)
    starts = np.cumsum(sizes) - sizes
    race = np.repeat(np.arange(n_races), sizes)
    distances = np.array(TRACKS[track].distances_m)
    # Trainers choose a distance, graders put dogs of like ability together, each seeing somewhat askew.
    band_of_race = np.sort(rng.choice(len(distances), n_races, p=_band_shares(len(distances))))
    seen = kennel.traits[dogs, 0] + GRADING_SD * rng.normal(size=len(dogs))
    by_distance = np.argsort(kennel.traits[dogs, 3], kind="stable")
    n_by_band = np.bincount(band_of_race, sizes, len(distances)).astype(np.int64)
    band = np.empty(len(dogs), np.int64)
    band[by_distance] = np.repeat(np.arange(len(distances)), n_by_band)
    dogs = dogs[np.lexsort((seen, band))]
    running_order = rng.permutation(n_races)  # the day's programme mixes distances and grades
    box = rng.permuted(np.tile(np.arange(1, N_BOXES + 1), (n_races, 1)), axis=1)
    order_in_race = np.arange(len(dogs)) - starts[race]
    box_of_run = box[race, order_in_race]
    weight = kennel.weight_kg[dogs] + WEIGHT_SD_KG * rng.normal(size=len(dogs))
    distance_band = np.minimum(band_of_race[race], 2)
    zone = zone_of(box_of_run)
    traits = kennel.traits[dogs]
    strength = (
        traits[:, 0]
        + EARLY_HELP * traits[:, 1]  # early speed keeps a dog out of trouble
        + traits[np.arange(len(dogs)), 4 + distance_band]
        + traits[:, 7 + track]
        + traits[np.arange(len(dogs)), 7 + len(TRACKS) + zone]
        + kennel.form[dogs]
        + DAY_SD * rng.normal(size=len(dogs))
        + TRACKS[track].inside_bias * box_help(box_of_run)
        + HELP_OF_A_KG * (weight - kennel.weight_kg[dogs])
    )
    performance = strength + rng.gumbel(size=len(dogs))
    winners = np.array(
        [
            start + performance[start : start + size].argmax()
            for start, size in zip(starts, sizes, strict=True)
        ]
    )
    mean_ability = np.bincount(race, traits[:, 0]) / sizes
    winless = np.bincount(race, kennel.n_wins[dogs] == 0) / sizes > 0.75
    kennel.n_wins[dogs[winners]] += 1
    grade = np.clip(5 - np.round(mean_ability * 1.6), 0, 7).astype(np.int64)
    grade = np.where(winless & (mean_ability < 0.5), 8, grade)
    number = np.argsort(running_order)
    going = rng.normal() * 0.006
    columns: dict[str, NDArray[np.generic]] = {
        "race": first_race + number[race],
        "day": np.full(len(dogs), day),
        "track": np.full(len(dogs), track),
        "distance_m": distances[band_of_race][race],
        "race_number": number[race] + 1,
        "grade": grade[race],
        "dog": dogs,
        "box": box_of_run,
        "rug": np.where(_is_reserve(race, sizes, rng), 9, box_of_run),
        "weight_kg": weight.round(1),
        "ability": traits[:, 0],
        "early_speed": traits[:, 1],
        "going": np.full(len(dogs), going),
        "strength": strength,
        "performance": performance,
        "is_bitch": traits[:, 2] > 0,
    }
    order = np.lexsort((box_of_run, columns["race"]))
    return {name: values[order] for name, values in columns.items()}


def _band_shares(n_bands: int) -> list[float]:
    return [0.45, 0.42, 0.13] if n_bands == 3 else [0.5, 0.5]


def zone_of(box: Ints) -> Ints:
    """Return 0 for boxes inside, 1 for the middle, 2 outside; each dog likes one of them more."""
    zone: Ints = np.select([box <= 2, box <= 5], [0, 1], 2)
    return zone


def box_help(box: Ints) -> Floats:
    """Return how much each box helps, as a share of the track's inside bias."""
    return np.array([0.0, 1.0, 0.3, -0.2, -0.35, -0.55, -0.3, 0.0, 0.4])[box]


def _is_reserve(race: Ints, sizes: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which runners are reserves, who wear 9 in a scratched dog's box: one a race at most."""
    chosen = (np.cumsum(sizes) - sizes) + rng.integers(0, sizes)
    is_reserve = np.zeros(len(race), bool)
    is_reserve[chosen] = rng.random(len(sizes)) < RESERVE_SHARE * 7
    return is_reserve
