"""A race that has not been run, its runners, and the form that they bring along."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from racing.errors import CardRefused, Violation
from racing.names import name_key

# What the importers and the service accept; outside it a value is a slip of the keyboard, not a greyhound.
N_RUNNERS = (2, 10)
BOX = (1, 10)
DISTANCE_M = (150, 1200)
WEIGHT_KG = (15.0, 50.0)
SPEED_M_S = (13.0, 20.0)
PRICE = (1.001, 1000.0)
EARLY_SPEED = (0.0, 1.0)
DAYS_AHEAD = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One runner's record in one past race; ``None`` is unknown.

    ``margin_lengths`` is never negative: behind the winner, or of the winner over the second.
    ``position_in_running`` holds one digit a call; ``starting_price``, ``bsp``, ``place_bsp`` (to be placed)
    and ``rated_price`` (an outside model's) are decimal odds. ``early_speed`` is Betfair's published rating
    of the runner, 0 slow to 1 fast from the boxes.
    """

    date: dt.date
    track: str
    distance_m: int
    box: int | None = None
    grade: str | None = None
    weight_kg: float | None = None
    finish_position: int | None = None
    time_s: float | None = None
    winner_time_s: float | None = None
    first_split_s: float | None = None
    margin_lengths: float | None = None
    position_in_running: str | None = None
    starting_price: float | None = None
    bsp: float | None = None
    place_bsp: float | None = None
    rated_price: float | None = None
    early_speed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """One dog in a race: its name and box, what the market says of it, and its form, in any order.

    ``box`` is where it starts; ``price`` is the market's decimal odds for this race, ``rated_price`` an
    outside model's; ``early_speed`` is Betfair's published rating for this race, 0 slow to 1 fast from the
    boxes. All three are optional.
    """

    name: str
    box: int
    weight_kg: float | None = None
    price: float | None = None
    rated_price: float | None = None
    early_speed: float | None = None
    form: tuple[PastRun, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A race that has not been run: where, when, over what, and who runs."""

    date: dt.date
    track: str
    distance_m: int
    runners: tuple[Runner, ...]
    grade: str | None = None
    race_number: int | None = None


def check_card(card: Card, *, today: dt.date) -> None:
    """Raise :class:`~racing.errors.CardRefused` naming every rule that the card breaks.

    Types and single values outside their range are caught here too, so that the command line and the
    service refuse the same cards with the same words.
    """
    violations = list(_violations(card, today))
    if violations:
        raise CardRefused(violations)


def _violations(card: Card, today: dt.date) -> Iterator[Violation]:
    n_runners = len(card.runners)
    if not N_RUNNERS[0] <= n_runners <= N_RUNNERS[1]:
        rule = f"a card has {N_RUNNERS[0]} to {N_RUNNERS[1]} runners, got {n_runners}"
        yield Violation(("runners",), rule)
    if not card.track.strip():
        yield Violation(("track",), "track must not be empty")
    shortest, longest = DISTANCE_M
    if not shortest <= card.distance_m <= longest:
        rule = f"distance_m must be {shortest}..{longest}, got {card.distance_m}"
        yield Violation(("distance_m",), rule)
    if card.date > today + dt.timedelta(days=DAYS_AHEAD):
        rule = f"date must be at most {DAYS_AHEAD} days ahead of {today}, got {card.date}"
        yield Violation(("date",), rule)
    boxes = Counter(runner.box for runner in card.runners)
    keys = [name_key(runner.name) for runner in card.runners]
    n_of_key = Counter(keys)
    for i, (runner, key) in enumerate(zip(card.runners, keys, strict=True)):
        who, path = f" (runner {runner.name!r})", ("runners", i)
        if not key:
            yield Violation((*path, "name"), f"name must hold a letter or digit, got {runner.name!r}")
        elif n_of_key[key] > 1:
            yield Violation((*path, "name"), f"a dog runs once in a race, got {runner.name!r} twice")
        if boxes[runner.box] > 1:
            rule = f"a box holds one runner, got {boxes[runner.box]} in box {runner.box}{who}"
            yield Violation((*path, "box"), rule)
        for name, (low, high) in _LIMITS:
            value = getattr(runner, name)
            if value is not None and not low <= value <= high:
                yield Violation((*path, name), f"{name} must be {low}..{high}, got {value}{who}")


_LIMITS = (
    ("box", BOX),
    ("weight_kg", WEIGHT_KG),
    ("price", PRICE),
    ("rated_price", PRICE),
    ("early_speed", EARLY_SPEED),
)
