"""What a price is worth by the model's chance, and the stake of a fractional Kelly.

The edge of a price is what a stake of 1 returns on average if the model's chance is right, less the stake:
chance x price - 1. Kelly (1956, "A new interpretation of information rate") stakes edge / (price - 1) of the
bank, which makes it grow fastest in the long run if the chances are right. Nobody's are, so people stake a
fraction of that, and no more than :data:`LARGEST_SHARE` of the bank on one runner.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

LARGEST_SHARE = 0.05
MAX_BANK = 1e9


@dataclass(frozen=True, slots=True)
class Staking:
    """The fraction of Kelly's stake that somebody wants to see, and the bank that it is of."""

    fraction: float
    """Above 0, to 1."""
    bank: float

    def stake(self, win_probability: float, price: float | None) -> float | None:
        """Return the stake on a runner: 0 where the edge is none; None without a price."""
        value = edge(win_probability, price)
        if value is None or price is None:
            return None
        share = self.fraction * max(value, 0.0) / (price - 1)
        return self.bank * min(share, LARGEST_SHARE)


def edge(win_probability: float, price: float | None) -> float | None:
    """Return chance x price - 1; None without a price."""
    return None if price is None or price <= 1 else win_probability * price - 1


def staking_of(form: Mapping[str, str]) -> Staking | None:
    """Return the staking that an address or a form wants, ``kelly=0.25&bank=1000``; None if it wants none."""
    fraction, bank = _number(form.get("kelly", "")), _number(form.get("bank", "") or "100")
    is_one = fraction is not None and 0 < fraction <= 1 and bank is not None and 0 < bank <= MAX_BANK
    return Staking(fraction, bank) if is_one and fraction is not None and bank is not None else None


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().replace(",", ".")[:20])
    except ValueError:
        return None
    return value if math.isfinite(value) else None
