"""An axis: from a value to its share of the width or height, with round ticks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_ROUND_STEPS = (0.5, 1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """A range with its ticks, each with the words beside it."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()
    is_log: bool = False

    def share(self, value: float) -> float:
        """Return where a value stands, 0 at the low end and 1 at the high end, never beyond."""
        low, high, at = (math.log(v) if self.is_log else v for v in (self.low, self.high, value))
        return min(max((at - low) / (high - low), 0.0), 1.0)


def axis_over(values: Iterable[float], *, n_ticks: int = 4, pad: float = 0.06) -> Axis:
    """Return an axis that holds all values that are known, with some room and about ``n_ticks`` ticks."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    width = (high - low) or abs(high) or 1.0
    low, high = low - pad * width, high + pad * width
    return Axis(low, high, round_ticks(low, high, n_ticks))


def round_ticks(low: float, high: float, n_ticks: int) -> tuple[tuple[float, str], ...]:
    """Return round values within a range, with as many decimals as their step needs."""
    rough = (high - low) / max(n_ticks, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((power * factor for factor in _ROUND_STEPS), key=lambda s: abs(_count(low, high, s) - n_ticks))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = _decimals(step)
    # "+ 0.0" turns -0.0 into 0.0
    return tuple((number * step, f"{number * step + 0.0:.{decimals}f}") for number in range(first, last + 1))


def _count(low: float, high: float, step: float) -> int:
    return math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) + 1


def _decimals(step: float) -> int:
    return next((n for n in range(7) if abs(step * 10**n - round(step * 10**n)) < 1e-6), 7)
