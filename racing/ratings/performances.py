"""Adjusted performances: what each run shows of its dog's ability by one rating, apart from box and level.

A run's *adjusted performance* is its measurement (the market's share, the time ...) less what the box adds at
that course and less the level it ran against (the opposition, or the going). It is worked out by
:mod:`racing.ratings.replay` for the runs of history and by :mod:`racing.ratings.single_run` for a run that a
card brings, and is stored in :class:`racing.database.tables.RunWorth`, whose columns call it ``worth``:
fresh, and as revised after each of :data:`REVISION_DAYS`.

A rating whose levels are settled (:mod:`racing.ratings.levels`) has the fresh one, and the change of the
level that is to be taken off it.

Everywhere it is read from columns of these names: of history one value a run, of a form (n, K). In a form the
change is that which was known on the morning of the entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from racing.domain.runs import Entries, Flags, Floats, Form
from racing.ops import running_total
from racing.ratings.catalog import RATINGS, REVISION_DAYS, Rating
from racing.ratings.posterior import Observations


@dataclass(frozen=True, slots=True)
class Performances:
    """One rating's adjusted performances of runs; one row a run, NaN where the run says nothing."""

    adjusted: Floats
    """Shape (n_runs, n_revisions): when fresh, then after each of ``REVISION_DAYS``; or (n_runs, 1)."""
    noise: Floats
    """Variance; of the same shape."""
    shift: Floats
    """Shape (n_runs,): what the result adds to the dog's ability once the run is over."""
    innovation: Floats
    """Shape (n_runs,): the measurement less what was expected of it that morning; NaN where nobody knows."""
    change: Floats
    """Shape (n_runs,): how far the level of the run's race has moved since its day; of a rating whose levels
    are settled, NaN while the race is open (:mod:`racing.ratings.levels`)."""

    @classmethod
    def none(cls, n_runs: int, rating: Rating) -> "Performances":
        """Return those of runs that say nothing yet."""
        shape = (n_runs, rating.n_revisions)
        unknown = np.full(n_runs, np.nan)
        return cls(np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(n_runs), unknown, unknown.copy())

    @classmethod
    def of_columns(cls, columns: Mapping[str, Floats], rating: Rating) -> "Performances":
        """Return one rating's performances from named columns of one value a run."""
        adjusted, noise = (np.stack([columns[name] for name in names], axis=1) for names in names_of(rating))
        shift = columns.get(f"{rating.name}_shift", np.zeros(len(adjusted)))
        unknown = np.full(len(adjusted), np.nan)
        innovation = columns.get(f"{rating.name}_innovation", unknown)
        change = columns.get(f"{rating.name}_change", unknown)
        return cls(adjusted, noise, np.nan_to_num(shift), innovation, change)

    def without(self, rows: Flags) -> "Performances":
        """Return them where some runs say nothing yet."""
        several = rows[:, None]
        return Performances(
            np.where(several, np.nan, self.adjusted),
            np.where(several, np.nan, self.noise),
            np.where(rows, 0.0, self.shift),
            np.where(rows, np.nan, self.innovation),
            np.where(rows, np.nan, self.change),
        )

    def columns(self, rating: Rating) -> dict[str, Floats]:
        """Return them as named columns, views of one value a run: performances, noises, then the others."""
        adjusted, noises = names_of(rating)
        columns = dict(zip(adjusted, self.adjusted.T, strict=True))
        columns |= dict(zip(noises, self.noise.T, strict=True))
        if rating.shift is not None:
            columns[f"{rating.name}_shift"] = self.shift
        if rating.has_innovation:
            columns[f"{rating.name}_innovation"] = self.innovation
        if rating.is_settled:
            columns[f"{rating.name}_change"] = self.change
        return columns


PerformancesByRating = dict[str, Performances]
"""The performances of some runs, by name of rating."""


def columns_of(performances: Mapping[str, Performances]) -> dict[str, Floats]:
    """Return the performances of all ratings as columns."""
    columns: dict[str, Floats] = {}
    for rating in RATINGS:
        columns |= performances[rating.name].columns(rating)
    return columns


def names_of(rating: Rating) -> tuple[list[str], list[str]]:
    """Return the columns of a rating's performances and of their noises: fresh, then as revised."""
    suffixes = ["", *(f"_{days}" for days in REVISION_DAYS)][: rating.n_revisions]
    adjusted, noises = (
        [f"{rating.name}_{part}{suffix}" for suffix in suffixes] for part in ("worth", "noise")
    )
    return adjusted, noises


def observe(form: Form, entries: Entries, rating: Rating) -> Observations:
    """Return what the runs of each entry's form show of its ability, as known on the entry's morning."""
    days_ago = np.where(form.known, entries.day[:, None] - form.day, 0.0)
    adjusted, noise = as_known(form, rating, days_ago)
    if rating.shift is not None:
        adjusted = adjusted + running_total(form[f"{rating.name}_shift"])
    runs_ago = np.where(form.known, np.arange(1.0, form.known.shape[1] + 1), 0.0)
    return Observations(form, days_ago, runs_ago, adjusted, noise)


def as_known(form: Form, rating: Rating, days_later: Floats) -> tuple[Floats, Floats]:
    """Return each run's adjusted performance and its noise as they are known so many days after it."""
    adjusted, noises = (_as_revised([form[name] for name in names], days_later) for names in names_of(rating))
    if rating.is_settled:
        adjusted = adjusted - form[f"{rating.name}_change"]
    return adjusted, noises


def _as_revised(values: list[Floats], days_later: Floats) -> Floats:
    newest = values[0]
    for days, revised in zip(REVISION_DAYS, values[1:], strict=False):
        newest = np.where(days_later >= days, revised, newest)
    return newest
