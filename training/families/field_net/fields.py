"""Races in batches: rows of a table laid out as (races, places), padded to the largest field of the batch."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def places_of(race: Ints) -> tuple[Ints, Ints]:
    """Return the first row and the number of runners of each race; races are contiguous."""
    first = np.flatnonzero(np.diff(race, prepend=race[:1] - 1))
    return first, np.diff(np.append(first, len(race)))


def rows_of(first: Ints, size: Ints, races: Ints) -> Ints:
    """Return the rows of some races, of shape (n_races, largest field), -1 where there is no runner."""
    place = np.arange(size[races].max(initial=1))
    return np.where(place < size[races][:, None], first[races][:, None] + place, -1)


def batches(size: Ints, n_races: int, draw: np.random.Generator) -> Iterator[Ints]:
    """Yield every race once in random batches, those of like fields together so that little is padded."""
    order = draw.permutation(len(size))
    n_batches = max(1, round(len(order) / n_races))
    # Shuffled, then sorted by size within a few batches: batches differ each time, and are nearly even.
    near = 8 * n_races
    parts = [order[start : start + near] for start in range(0, len(order), near)]
    order = np.concatenate([part[np.argsort(size[part], kind="stable")] for part in parts])
    cut = np.array_split(order, n_batches)
    for place in draw.permutation(n_batches):
        yield cut[place]
