"""How raw features become numbers that a net can learn from: what is taken off, divided by, or embedded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

MAX_CODE = 255

_SKEWED = 3.0  # of a column that is never negative: its logarithm is taken
_MIN_SHARE = 0.002  # of rows that lack a value, or have it: rarer is not learnt from
_MAX_FLAGS = 40
_ROWS = 100_000  # the latest rows say enough of means and deviations


@dataclass(frozen=True, slots=True)
class Scales:
    """What is known of some columns before a net is fitted; one entry a column of ``amounts``.

    An amount x becomes (x - ``mean``) * ``factor``, clipped, 0 where it is unknown; where
    ``is_log`` holds, x stands for ln(1 + x).
    """

    amounts: Ints
    """Columns of amounts that vary."""
    is_log: Floats
    """1 or 0."""
    mean: Floats
    factor: Floats
    flags: Ints
    """Columns of which the net sees where they are unknown: one of each pattern of missing values."""
    codes: Ints
    """Columns that hold whole numbers to be embedded."""
    n_codes: tuple[int, ...]
    """By column of ``codes``: its numbers are 0 to this, less 1; what is unknown or greater is 0."""

    @property
    def width(self) -> int:
        """Return how many numbers amounts and flags become."""
        return len(self.amounts) + len(self.flags)


def learn_scales(rows: Floats, codes: Sequence[int] = ()) -> Scales:
    """Return the scales of columns, given rows of shape (n, n_columns), NaN unknown."""
    rows = rows[-_ROWS:]
    is_code = np.zeros(rows.shape[1], bool)
    is_code[list(codes)] = True
    amounts, is_log, means, factors = [], [], [], []
    for column in np.flatnonzero(~is_code):
        known = rows[:, column].astype(np.float64)
        known = known[np.isfinite(known)]
        if len(known) < 2 or known.std() < 1e-6:
            continue
        is_skewed = known.min() >= 0 and _skewness(known) > _SKEWED
        values = np.log1p(known) if is_skewed else known
        amounts.append(int(column))
        is_log.append(float(is_skewed))
        means.append(float(values.mean()))
        factors.append(1 / max(float(values.std()), 1e-6))
    sizes = [1 + int(np.clip(np.nan_to_num(rows[:, column]).max(initial=0), 0, MAX_CODE)) for column in codes]
    return Scales(
        amounts=np.array(amounts, np.int64),
        is_log=np.array(is_log, np.float32),
        mean=np.array(means, np.float32),
        factor=np.array(factors, np.float32),
        flags=_flags(np.isnan(rows)),
        codes=np.array(codes, np.int64),
        n_codes=tuple(sizes),
    )


def _skewness(values: NDArray[np.float64]) -> float:
    away = (values - values.mean()) / values.std()
    return float((away**3).mean())


def _flags(is_unknown: NDArray[np.bool_]) -> Ints:
    """Return the first column of each pattern of missing values, the commonest patterns first."""
    share = is_unknown.mean(axis=0)
    first: dict[bytes, int] = {}
    for column in np.flatnonzero((share > _MIN_SHARE) & (share < 1 - _MIN_SHARE)):
        first.setdefault(is_unknown[:, column].tobytes(), int(column))
    found = sorted(first.values(), key=lambda column: (-share[column], column))[:_MAX_FLAGS]
    return np.array(sorted(found), np.int64)
