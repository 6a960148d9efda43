"""The bets on the order of finish: how many runners each names, and whether in their order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

DEFAULT_TOP = 20
MAX_TOP = 200
"""Combinations of a bet that are listed: more of three or four runners nobody reads; pairs are 90 at most."""


@dataclass(frozen=True, slots=True)
class Bet:
    """A bet that names the first runners of a race; a field needs at least as many starters."""

    name: str
    title: str
    n_picks: int
    is_ordered: bool


BETS: Mapping[str, Bet] = MappingProxyType(
    {
        bet.name: bet
        for bet in (
            Bet("exacta", "Exacta", 2, is_ordered=True),
            Bet("quinella", "Quinella", 2, is_ordered=False),
            Bet("trifecta", "Trifecta", 3, is_ordered=True),
            Bet("first_four", "First four", 4, is_ordered=True),
        )
    }
)


def bets_of(names: Iterable[str]) -> tuple[Bet, ...]:
    """Return the bets of some names, each once, in the order of the names.

    A name may be several with commas between.

    Raises
    ------
    ValueError
        If one is not known; the message has the rule and the value.
    """
    each = [name.strip() for some in names for name in some.split(",")]
    unknown = next((name for name in each if name not in BETS), None)
    if unknown is not None:
        raise ValueError(f"a bet is one of {', '.join(BETS)}, got {unknown[:40]!r}")
    return tuple(BETS[name] for name in dict.fromkeys(each))
