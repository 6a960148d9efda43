"""Adjusted performances of runs whose race or meeting is not known: those that a card brings.

The level of such a run (its opposition, or the going) is what its class or its course has had of late, and as
uncertain as such levels are: its variance is added to the noise.  That is the same Gaussian model as in
:mod:`racing.ratings.replay`, with nothing but the prior for the level.
"""

from typing import Any

import numpy as np

from racing.domain.classes import N_CLASSES
from racing.domain.runs import Floats, Form
from racing.ops import usual_at
from racing.ratings.catalog import RATINGS, Rating
from racing.ratings.effects import EffectBook
from racing.ratings.performances import names_of


def performance_columns(rating: Rating, runs: Form, box: Floats, level: Floats) -> dict[str, Floats]:
    """Return the columns of :mod:`racing.ratings.performances` of runs, each judged by itself.

    ``box`` and ``level`` are what those usually are for each run; nothing is ever revised.
    """
    measured = rating.measure(runs)
    adjusted, noises = names_of(rating)
    columns = dict.fromkeys(adjusted, measured - box - level)
    columns |= dict.fromkeys(noises, rating.noise(measured) + rating.lone_variance)
    if rating.shift is not None:
        columns[f"{rating.name}_shift"] = np.where(np.isnan(measured), 0.0, rating.shift(runs))
    if rating.has_innovation:
        columns[f"{rating.name}_innovation"] = measured * np.nan
    if rating.is_settled:
        columns[f"{rating.name}_change"] = measured * 0.0
    return columns


class UsualEffects:
    """What box and level usually are, by rating, for runs of some month, course, box and class."""

    LEVEL_COLUMNS = tuple(f"{rating.name}_level" for rating in RATINGS)
    COLUMNS = (*(f"{rating.name}_box" for rating in RATINGS), *LEVEL_COLUMNS)

    def __init__(self, effects: EffectBook) -> None:
        n = len(RATINGS)
        if not len(effects.months):  # boxes have no effect then, and nothing is known of levels
            nothing = np.full((1, 1, n), np.nan)
            self.tables = np.zeros(1), np.zeros((1, 1, 1, n)), nothing, nothing
            return
        by_rating = [effects.by_rating[rating.name] for rating in RATINGS]
        shape = (len(effects.months), len(effects.courses), n)
        by_course, by_class = np.full(shape, np.nan), np.full((shape[0], N_CLASSES, n), np.nan)
        for r, (rating, months) in enumerate(zip(RATINGS, by_rating, strict=True)):
            for row, month in enumerate(months):
                if rating.by_meeting:  # no level of an unknown course
                    by_course[row, :, r] = month.level
                else:  # a class that is unknown is any class, as one that came after the tables
                    by_class[row, :, r] = month.overall
                    of_class = by_class[row, : len(month.level), r]
                    of_class[:] = np.where(np.isnan(month.level), month.overall, month.level)
        by_box = np.stack([[month.box for month in months] for months in by_rating], axis=-1)
        self.tables = effects.months.astype(np.float64), by_box, by_course, by_class
        """What :func:`racing.ops.usual_at` takes, contiguous."""

    def of(self, month: Any, course: Any, box: Any, grade: Any) -> tuple[Floats, Floats]:
        """Return the effects of boxes and the levels, each of shape (n, len(RATINGS)).

        Months count from 1970-01, course is a row of the book's courses, box and class are 0 or NaN where
        unknown.
        """
        return usual_at(month, course, box, grade, *self.tables)
