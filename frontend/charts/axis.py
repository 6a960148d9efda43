"""A linear axis: from a value to a place on paper, with round ticks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A value that has a line, where it stands, and how it is written."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Values ``low`` to ``high`` drawn from ``start`` to ``end`` (units of the drawing), either way round."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value stands; one beyond the axis stands at its end."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 2)

    def ticks(self, n: int = 4, *, as_percent: bool = False) -> tuple[Tick, ...]:
        """Return about ``n`` round values with as many decimals as their step needs."""
        rough = (self.high - self.low) / max(n, 1)
        power = 10.0 ** math.floor(math.log10(rough))
        step = min((power * one for one in _ROUND_STEPS), key=lambda one: abs(one - rough))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        scale, sign = (100, "\u202f%") if as_percent else (1, "")
        decimals = max(0, -math.floor(math.log10(step * scale) + 1e-9))
        decimals += (step * scale * 10**decimals) % 1 > 1e-6  # a step of 2.5 takes one more
        values = [number * step + 0.0 for number in range(first, last + 1)]
        return tuple(Tick(self.at(value), f"{value * scale:.{decimals}f}{sign}") for value in values)


def axis_over(
    values: Iterable[float | None], start: float, end: float, *, pad: float = 0.06, least: float | None = None
) -> Axis:
    """Return an axis that holds all values that are known, with some room; from ``least`` if given."""
    known = [value for value in values if value is not None and math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = pad * ((high - low) or abs(high) or 1.0)
    return Axis(low - room if least is None else least, high + room, start, end)
