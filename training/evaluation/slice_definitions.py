"""The ways to cut races into slices, each by a name: those of ``greyhound evaluate --by NAME``.

A slicing gives the rows of each of its slices, in the order in which they are shown. Rows whose slice is
unknown, since the table lacks its feature, are in no slice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing.race_table import RaceTable

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]

OUTSIDER_BELOW = 0.05

_CLASSES = (
    "maiden", "restricted", "grade 6", "masters", "grade 5", "grade 6/7", "grade 5/6", "other",
    "grade 4", "heat", "grade 4/5", "final", "grades 1 to 3", "free for all", "group",
    *(f"like A{number}" for number in range(10, 0, -1)), "open 3", "open", "open 1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JudgedRaces:
    """Whole races with the probabilities to judge: the input of every slicing."""

    table: RaceTable
    probabilities: Floats
    feature_names: Sequence[str]

    def feature(self, name: str) -> Floats:
        """Return a feature, NaN where the table does not have it."""
        if name not in self.feature_names:
            return np.full(len(self.table), np.nan)
        column = self.table.features[:, list(self.feature_names).index(name)]
        return np.asarray(column, np.float64)


@dataclass(frozen=True, slots=True)
class Slicing:
    """A way to cut races, or the runners of races, into slices."""

    name: str
    description: str
    is_of_races: bool
    cut: Callable[[JudgedRaces], Mapping[str, Rows]]


SLICINGS: dict[str, Slicing] = {}
"""All slicings by name, in the order of their definition."""


def _slicing(name: str, *, is_of_races: bool) -> Callable[..., Callable[[JudgedRaces], Mapping[str, Rows]]]:
    """Enter a function under a name, described by its docstring's line."""

    def enter(
        cut: Callable[[JudgedRaces], Mapping[str, Rows]],
    ) -> Callable[[JudgedRaces], Mapping[str, Rows]]:
        SLICINGS[name] = Slicing(name, (cut.__doc__ or "").splitlines()[0], is_of_races, cut)
        return cut

    return enter


@_slicing("overall", is_of_races=True)
def _overall(judged: JudgedRaces) -> Mapping[str, Rows]:
    """All races: what the parts are held against."""
    return {"all races": np.ones(len(judged.table), np.bool_)}


@_slicing("favourites", is_of_races=False)
def _favourites(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The model's order in the race; an outsider has less than .05."""
    p, race = judged.probabilities, judged.table.race
    order = np.lexsort((-p, race))
    rank = np.empty(len(p), np.int64)
    rank[order] = np.arange(len(p)) - np.searchsorted(race, race) + 1
    is_outsider = (p < OUTSIDER_BELOW) & (rank > 1)
    picks = {1: "favourite", 2: "second", 3: "third"}
    picked = {name: (rank == place) & ~is_outsider for place, name in picks.items()}
    return picked | {"others": (rank > 3) & ~is_outsider, "outsider": is_outsider}


@_slicing("probability", is_of_races=False)
def _probability(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The model's probability, in bands."""
    return _bands(judged.probabilities, (0.02, 0.05, 0.1, 0.2, 0.3, 0.45))


@_slicing("state", is_of_races=True)
def _state(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The state of the track."""
    state = judged.table.state
    return _each(np.where(state == "", "unknown", state))


@_slicing("track", is_of_races=True)
def _track(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The track."""
    return _each(judged.table.track)


@_slicing("field", is_of_races=True)
def _field(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The number of runners."""
    size = np.bincount(judged.table.race)[judged.table.race]
    fields = {f"{n} runners": size == n for n in range(5, 9)}
    return {"4 or fewer": size <= 4, **fields, "9 or more": size >= 9}


@_slicing("distance", is_of_races=True)
def _distance(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The distance of the race, in metres."""
    return _bands(judged.table.distance_m, (350, 450, 550, 650))


@_slicing("class", is_of_races=True)
def _class(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The class of the race, by its grade."""
    grade = judged.feature("grade_class")
    classes = {name: grade == number for number, name in enumerate(_CLASSES, start=1)}
    unknown = np.isnan(grade) & ("grade_class" in judged.feature_names)
    return classes | {"unknown": unknown}


@_slicing("month", is_of_races=True)
def _month(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The month of the race."""
    return _each(judged.table.date.astype("datetime64[M]").astype(str))


@_slicing("week", is_of_races=True)
def _week(judged: JudgedRaces) -> Mapping[str, Rows]:
    """Seven days from each: how the model ages."""
    day = judged.table.date.astype("datetime64[D]")
    first = day.min()
    return _each((first + (day - first) // np.timedelta64(7, "D") * np.timedelta64(7, "D")).astype(str))


@_slicing("prior-runs", is_of_races=False)
def _prior_runs(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The runner's known runs before race day."""
    n = judged.table.n_prior_runs
    return {
        "none known": n == 0,
        "1 or 2": (n == 1) | (n == 2),
        "3 to 5": (n >= 3) & (n <= 5),
        "6 or more": n >= 6,
    }


@_slicing("layoff", is_of_races=False)
def _layoff(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The days since the runner's last run."""
    days = judged.feature("days_since_last_run")
    return _bands(days, (8, 15, 31, 61))


@_slicing("new-track", is_of_races=False)
def _new_track(judged: JudgedRaces) -> Mapping[str, Rows]:
    """How often a runner with form has run at the track."""
    return _newness(judged, "runs_at_track")


@_slicing("new-distance", is_of_races=False)
def _new_distance(judged: JudgedRaces) -> Mapping[str, Rows]:
    """How often a runner with form has run about the distance."""
    return _newness(judged, "runs_at_distance")


@_slicing("box", is_of_races=False)
def _box(judged: JudgedRaces) -> Mapping[str, Rows]:
    """The box; unknown for a reserve."""
    box = judged.table.box
    boxes: dict[str, Rows] = {f"box {n}": box == n for n in range(1, 9)}
    return boxes | {"unknown": (box < 1) | (box > 8)}


def _newness(judged: JudgedRaces, feature: str) -> Mapping[str, Rows]:
    n, has_run = judged.feature(feature), judged.table.n_prior_runs > 0
    return {
        "never": has_run & (n == 0),
        "1 or 2": has_run & (n >= 1) & (n <= 2),
        "3 or more": has_run & (n >= 3),
    }


def _bands(values: NDArray[Any], edges: Sequence[float]) -> dict[str, Rows]:
    """Return the bands below, between and from the edges, each without its upper end; NaN is in none."""
    return {
        f"below {edges[0]}": values < edges[0],
        **{f"{low} to {high}": (values >= low) & (values < high) for low, high in pairwise(edges)},
        f"from {edges[-1]}": values >= edges[-1],
    }


def _each(names: NDArray[np.str_]) -> dict[str, Rows]:
    """Return one slice for each name, in order."""
    return {str(name): names == name for name in np.unique(names)}
