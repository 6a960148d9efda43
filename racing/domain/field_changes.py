"""What becomes of a card before the race: a runner is scratched, a reserve takes a box."""

from typing import Any

from racing.domain.cards import FIRST_RESERVE, Card, Runner, rug_of, status_of
from racing.domain.errors import CardRefused, Violation
from racing.domain.names import name_key

_FIELDS = tuple(Runner.__dataclass_fields__)


def with_scratched(card: Card, which: str) -> Card:
    """Return a card on which one runner, named by its number or its name, is scratched."""
    return _changed(card, _found(card, which), is_scratched=True)


def with_reserve(card: Card, which: str, box: int) -> Card:
    """Return a card on which a reserve, named by its number or its name, starts from a box.

    Whether that box is free, :func:`racing.domain.cards.check_card` asks.
    """
    index = _found(card, which)
    reserve = card.runners[index]
    if status_of(reserve) != "reserve":
        raise _refused(f"a reserve takes a box, and {reserve.name!r} is a {status_of(reserve)}")
    if not 1 <= box < FIRST_RESERVE:
        raise _refused(f"a box to start from must be 1..{FIRST_RESERVE - 1}, got {box} ({reserve.name!r})")
    return _changed(card, index, box=box, rug=rug_of(reserve), is_reserve=False)


def _found(card: Card, which: str) -> int:
    if which.strip().isdecimal():
        found = [i for i, runner in enumerate(card.runners) if rug_of(runner) == int(which)]
    else:
        found = [i for i, runner in enumerate(card.runners) if name_key(runner.name) == name_key(which)]
    if len(found) != 1:
        those = ", ".join(f"{rug_of(runner)} {runner.name}" for runner in card.runners)
        how_many = "no runner" if not found else f"{len(found)} runners"
        raise _refused(f"{how_many} of the card is {which!r}; it has {those}")
    return found[0]


def _changed(card: Card, index: int, **changes: Any) -> Card:
    about = {name: getattr(card, name) for name in Card.__dataclass_fields__}
    runners = list(card.runners)
    runners[index] = Runner(**{name: getattr(runners[index], name) for name in _FIELDS} | changes)
    return Card(**about | {"runners": tuple(runners)})


def _refused(rule: str) -> CardRefused:
    return CardRefused([Violation(("runners",), rule)])
