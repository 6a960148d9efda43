"""Worths of runs as the columns of :class:`racing.database.tables.RunWorth`, and back."""

from collections.abc import Mapping

import numpy as np

from racing.domain.runs import Floats
from racing.ratings.catalog import RATINGS, Rating
from racing.ratings.posterior import REVISION_DAYS, Worths

RatedWorths = dict[str, Worths]
"""The worths of some runs, by name of rating."""


def worths_of(columns: Mapping[str, Floats], rating: Rating) -> Worths:
    """Return the worths of one rating from columns of the table of worths."""
    worth, noise = (np.stack([columns[name] for name in names], axis=1) for names in names_of(rating))
    shift = columns.get(f"{rating.name}_shift", np.zeros(len(worth)))
    innovation = columns.get(f"{rating.name}_innovation", np.full(len(worth), np.nan))
    return Worths(worth, noise, np.nan_to_num(shift), innovation)


def columns_of(worths: Mapping[str, Worths]) -> dict[str, Floats]:
    """Return the worths of all ratings as columns; each rating's worths stand together, as its noises do."""
    columns: dict[str, Floats] = {}
    for rating in RATINGS:
        of_rating, names = worths[rating.name], names_of(rating)
        columns |= dict(zip(names[0], of_rating.worth.T, strict=True))
        columns |= dict(zip(names[1], of_rating.noise.T, strict=True))
        if rating.shift is not None:
            columns[f"{rating.name}_shift"] = of_rating.shift
        if rating.is_revised:
            columns[f"{rating.name}_innovation"] = of_rating.innovation
    return columns


def names_of(rating: Rating) -> tuple[list[str], list[str]]:
    """Return the columns of a rating's worths and of their noises: fresh, then as revised."""
    suffixes = ["", *(f"_{days}" for days in REVISION_DAYS)][: rating.n_revisions]
    worths, noises = ([f"{rating.name}_{part}{suffix}" for suffix in suffixes] for part in ("worth", "noise"))
    return worths, noises
