"""Splits by time that keep races, and whole days, together: a part never sees a later part's days."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing.race_table import RaceTable
from training.errors import TrainingSetTooSmall

Rows = NDArray[np.int64]

MIN_RUNNERS = {"training": 200, "calibration": 60, "test": 60}
MIN_WINNERS = 8
MIN_RACES_WITHOUT_DAYS = 100
"""In the training part, where it has too few days for folds of whole days."""


@dataclass(frozen=True, slots=True)
class Split:
    """Three parts in the order of time: learn, calibrate, judge."""

    train: RaceTable
    calibration: RaceTable
    test: RaceTable
    whole: RaceTable | None = None
    """The table that the parts are slices of: no race is in memory twice. ``None``: parts of their own."""

    @property
    def before_test(self) -> RaceTable:
        """Return the races of training and calibration."""
        if self.whole is not None:
            return self.whole.take(slice(len(self.train) + len(self.calibration)))
        return self.train.followed_by(self.calibration)

    @property
    def all_races(self) -> RaceTable:
        """Return the races of all three parts."""
        return self.whole if self.whole is not None else self.before_test.followed_by(self.test)


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of one step of the walk through time: learn, then calibrate, then judge, each later."""

    train: Rows
    calibrate: Rows
    judge: Rows


def split_by_time(
    table: RaceTable,
    *,
    test_from: dt.date | None = None,
    test_share: float = 0.2,
    calibration_share: float = 0.15,
) -> Split:
    """Split a table in the order of time: training, calibration just before the test, test, the latest days.

    Parameters
    ----------
    test_from : date, optional
        First day of the test; by default the day from which ``test_share`` of the runners remain.
    calibration_share : float
        Share of the runners before the test that calibration gets.

    Raises
    ------
    TrainingSetTooSmall
        If a part has too few runners or winners.
    """
    day = table.date.astype("datetime64[D]")
    first_test = np.datetime64(test_from, "D") if test_from is not None else _day_at(day, 1 - test_share)
    is_test = day >= first_test
    earlier = day[~is_test]
    first_calibration = _day_at(earlier, 1 - calibration_share) if len(earlier) else first_test
    ends = int((day < first_calibration).sum()), int((~is_test).sum())
    parts = {
        "training": table.take(slice(0, ends[0])),
        "calibration": table.take(slice(*ends)),
        "test": table.take(slice(ends[1], len(table))),
    }
    for name, part in parts.items():
        _check(name, part, first_test)
    return Split(parts["training"], parts["calibration"], parts["test"], table)


def time_folds(table: RaceTable, n_folds: int) -> tuple[Fold, ...]:
    """Return folds with a growing training part; the last half of the days is calibrated and judged on.

    Each fold's block of days is halved: calibration is fitted on the earlier half, so that the figure of
    the later half is one that neither model nor calibration has seen. Where there are fewer than
    ``2 * n_folds + 1`` days, races in their order take the place of days: features know nothing of race day.

    Raises
    ------
    TrainingSetTooSmall
        If there are neither so many days nor :data:`MIN_RACES_WITHOUT_DAYS` races.
    """
    day = table.date.astype("datetime64[D]").astype(np.int64)
    n_days = len(np.unique(day))
    if n_days < 2 * n_folds + 1:
        day, n_races = table.race, len(np.unique(table.race_id))
        if n_races < MIN_RACES_WITHOUT_DAYS:
            rule = f"{n_folds} folds need {2 * n_folds + 1} days of races in the training part"
            raise TrainingSetTooSmall(
                f"{rule}, or {MIN_RACES_WITHOUT_DAYS} races, got {n_days} days and {n_races} races"
            )
    # 12 % a block: with three folds the first one still learns from 64 % of the runners
    shares = 1 - min(0.12, 0.6 / n_folds) * np.arange(n_folds, 0, -0.5)
    edges = np.array([_day_at(day, share) for share in shares])
    days = np.unique(day)
    places = np.searchsorted(days, edges)
    for i in range(len(places) - 1, -1, -1):  # few days: every half gets at least one
        places[i] = min(places[i], (places[i + 1] if i + 1 < len(places) else len(days)) - 1)
    for i in range(len(places)):
        places[i] = max(places[i], places[i - 1] + 1 if i else 1)
    ends = [*days[places], days[-1] + 1]
    rows = np.arange(len(day))
    return tuple(
        Fold(
            train=rows[day < ends[2 * k]],
            calibrate=rows[(day >= ends[2 * k]) & (day < ends[2 * k + 1])],
            judge=rows[(day >= ends[2 * k + 1]) & (day < ends[2 * k + 2])],
        )
        for k in range(n_folds)
    )


def latest(table: RaceTable, n_runners: int) -> RaceTable:
    """Return the latest days with about ``n_runners`` runners, all of them if there are no more."""
    if len(table) <= n_runners:
        return table
    return table.take(table.date >= table.date[-n_runners])


def _day_at(day: NDArray[Any], share: float) -> Any:
    """Return the day (or race) in which ``share`` of the runners have run."""
    if not len(day):
        raise TrainingSetTooSmall("training needs races, got none")
    place = min(max(round(share * len(day)), 0), len(day) - 1)
    return day[place]


def _check(name: str, part: RaceTable, first_test: np.datetime64) -> None:
    about = f"the {name} part (test from {first_test})"
    if len(part) < MIN_RUNNERS[name]:
        raise TrainingSetTooSmall(f"{about} needs {MIN_RUNNERS[name]} runners, got {len(part)}")
    n_winners = int(part.won.sum())
    if not MIN_WINNERS <= n_winners <= len(part) - MIN_WINNERS:
        rule = f"{about} needs {MIN_WINNERS} winners and {MIN_WINNERS} losers"
        raise TrainingSetTooSmall(f"{rule}, got {n_winners} and {len(part) - n_winners}")
