"""A race that has not been run, its runners, and the form that they bring along."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from racing.domain.errors import CardRefused, Violation
from racing.domain.names import is_placeholder, name_key
from racing.domain.off_time import off_time
from racing.domain.plain_text import unprintable
from racing.domain.track_time import has_known_zone

# What the importers and the service accept; outside it a value is a slip of the keyboard, not a greyhound.
N_RUNNERS = (2, 10)
BOX = (1, 10)
DISTANCE_M = (150, 1200)
WEIGHT_KG = (15.0, 50.0)
SPEED_M_S = (13.0, 20.0)
PRICE = (1.001, 1000.0)
EARLY_SPEED = (0.0, 1.0)
DAYS_AHEAD = 60
FIRST_DAY = dt.date(1990, 1, 1)
FIRST_RESERVE = 9  # on a card the numbers 9 and 10 are reserves

Status = Literal["starter", "reserve", "scratched"]


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
    """One dog of a card: its name and box, what the market says of it, and its form, in any order.

    ``box`` is where it starts, ``rug`` its number on the card, which is the box unless a reserve took
    another's; :func:`status_of` tells whether it starts. ``price`` is the market's decimal odds for this
    race, ``price_10m`` what they were ten minutes before the off that is due, ``rated_price`` an outside
    model's; ``early_speed`` is Betfair's published rating for this race, 0 slow to 1 fast from the boxes. All
    four are optional.
    """

    name: str
    box: int
    rug: int | None = None
    is_reserve: bool | None = None
    """``None``: where it stands in box 9 or 10."""
    is_scratched: bool = False
    weight_kg: float | None = None
    price: float | None = None
    price_10m: float | None = None
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
    off_at: str | None = None
    """When the race is due to start (:mod:`racing.domain.off_time`): for the record, no model sees it."""


def status_of(runner: Runner) -> Status:
    """Return whether a runner starts, is scratched, or is a reserve that has no box to start from."""
    if runner.is_scratched:
        return "scratched"
    is_reserve = runner.box >= FIRST_RESERVE if runner.is_reserve is None else runner.is_reserve
    return "reserve" if is_reserve else "starter"


def rug_of(runner: Runner) -> int:
    """Return the number that a runner has on the card."""
    return runner.box if runner.rug is None else runner.rug


def starters_of(card: Card) -> Card:
    """Return a card with only those that start; the card itself where all do."""
    starters = tuple(runner for runner in card.runners if status_of(runner) == "starter")
    if len(starters) == len(card.runners):
        return card
    return Card(
        date=card.date,
        track=card.track,
        distance_m=card.distance_m,
        grade=card.grade,
        race_number=card.race_number,
        runners=starters,
    )


def check_card(card: Card, *, today: dt.date) -> None:
    """Raise :class:`~racing.domain.errors.CardRefused` naming every rule that the card breaks.

    Types and single values outside their range are caught here too, so that the command line and the
    service refuse the same cards with the same messages. ``today`` is the day at the track.
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
        where = "" if has_known_zone(card.track) else ", the latest day anywhere as the track is not known"
        rule = f"date must be at most {DAYS_AHEAD} days ahead of {today}{where}, got {card.date}"
        yield Violation(("date",), rule)
    elif card.date < FIRST_DAY:
        yield Violation(("date",), f"date must not be before {FIRST_DAY}, got {card.date}")
    if card.off_at is not None and off_time(card.off_at, card.date) is None:
        rule = "off_at must be a time with its zone within a day of the card's date"
        yield Violation(("off_at",), f"{rule}, got {card.off_at[:40]!r} for {card.date}")
    yield from _unprintable(card)
    yield from _field_violations(card)


def _field_violations(card: Card) -> Iterator[Violation]:
    """Yield the rules that the runners break, each alone and together."""
    statuses = [status_of(runner) for runner in card.runners]
    n_starters, n_runners = statuses.count("starter"), len(card.runners)
    if n_runners >= N_RUNNERS[0] > n_starters:
        rule = f"a race needs {N_RUNNERS[0]} that start, got {n_starters} of {n_runners} runners: "
        counts = f"{statuses.count('reserve')} reserves, {statuses.count('scratched')} scratched"
        yield Violation(("runners",), rule + counts)
    numbers = [rug_of(runner) for runner in card.runners]
    keys = [name_key(runner.name) for runner in card.runners]
    fields = list(zip(card.runners, statuses, numbers, keys, strict=True))
    twin_boxes = _twins([runner.box for runner, status, _, _ in fields if status == "starter"])
    twin_rugs = _twins([number for _, status, number, _ in fields if status != "scratched"])
    twin_keys = _twins(keys)
    for i, (runner, status, number, key) in enumerate(fields):
        path = ("runners", i)
        if not key:
            yield Violation((*path, "name"), f"name must hold a letter or digit, got {runner.name!r}")
        elif is_placeholder(runner.name):
            yield Violation((*path, "name"), f"leave out an empty box, got name {runner.name!r}")
        elif key in twin_keys:
            yield Violation((*path, "name"), f"a dog runs once in a race, got {runner.name!r} twice")
        if status == "starter" and runner.box in twin_boxes:
            rule = f"a box holds one runner, got {twin_boxes[runner.box]} in box {runner.box}{_who(runner)}"
            yield Violation((*path, "box"), rule)
        elif status != "scratched" and number in twin_rugs:
            rule = f"a number stands once on a card, got {number} for {twin_rugs[number]}{_who(runner)}"
            yield Violation((*path, "box" if runner.rug is None else "rug"), rule)
        for name, (low, high) in _LIMITS:
            value = getattr(runner, name)
            if value is not None and not low <= value <= high:
                rule = f"{name} must be {low}..{high}, got {value}{_who(runner)}"
                yield Violation((*path, name), rule)
    yield from _too_old(card)


def _twins(values: list[Any]) -> dict[Any, int]:
    """Return how often each value is there that is not there once."""
    if len(set(values)) == len(values):  # nearly every card
        return {}
    return {value: n for value in values if (n := values.count(value)) > 1}


def _who(runner: Runner) -> str:
    return f" (runner {runner.name!r})"


def _too_old(card: Card) -> Iterator[Violation]:
    """Yield the runs before there were any that we know, which are rare: so all at once first."""
    dates = [run.date for runner in card.runners for run in runner.form]
    if not dates or min(dates) >= FIRST_DAY:
        return
    for i, runner in enumerate(card.runners):
        for j, run in enumerate(runner.form):
            if run.date < FIRST_DAY:
                rule = f"date must not be before {FIRST_DAY}, got {run.date}{_who(runner)}"
                yield Violation(("runners", i, "form", j, "date"), rule)


def _unprintable(card: Card) -> Iterator[Violation]:
    """Yield the texts that hold a character that does not print, which is rare: so all at once first."""
    names = [runner.name for runner in card.runners]
    runs = [run for runner in card.runners for run in runner.form]
    tracks, grades = [run.track for run in runs], [run.grade for run in runs if run.grade]
    if unprintable("".join([card.track, card.grade or "", *names, *tracks, *grades])) is None:
        return
    places: list[tuple[tuple[str | int, ...], str | None]] = [
        (("track",), card.track),
        (("grade",), card.grade),
    ]
    for i, runner in enumerate(card.runners):
        places.append((("runners", i, "name"), runner.name))
        for j, run in enumerate(runner.form):
            of_run = ("runners", i, "form", j)
            places += [((*of_run, "track"), run.track), ((*of_run, "grade"), run.grade)]
    for path, text in places:
        if (rule := unprintable(text or "")) is not None:
            yield Violation(path, f"{path[-1]} {rule}")


_LIMITS = (
    ("box", BOX),
    ("rug", BOX),
    ("weight_kg", WEIGHT_KG),
    ("price", PRICE),
    ("price_10m", PRICE),
    ("rated_price", PRICE),
    ("early_speed", EARLY_SPEED),
)
