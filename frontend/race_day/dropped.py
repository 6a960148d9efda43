"""Files of cards that are dropped on the Today page: read one by one, a bad one stops no other.

A form guide's CSV is read by the service (``POST /cards``); JSON holds cards as ``POST /predict`` takes them:
one, a list, or ``{"cards": [...]}``.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Protocol

from frontend import api
from frontend.keyed_change import make_change
from frontend.race.card_form import broken_rules, carried_card
from frontend.race.sent_text import text_of
from greyhound_client import GreyhoundClient, Problem
from greyhound_client.models import PredictionOut, StoredCardOut, StoredCardsOut

MAX_FILES = 200
MAX_BYTES = 16 * 1024 * 1024
"""Of all files of one request together."""
MAX_CARDS = 200
_CARDS_A_REQUEST = 50
_BYTES_A_REQUEST = 192 * 1024  # the service takes 256 KiB, unless it was started with another limit


class SentFile(Protocol):
    """A file of a form."""

    filename: str | None

    def read(self) -> bytes:
        """Return what it holds."""


@dataclass(frozen=True, slots=True)
class FileRefused:
    """A file that gave no card."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class DroppedRace:
    """A card of a file, and what the model makes of it."""

    name: str
    card: dict[str, Any]
    n_not_believed: int = 0
    answer: PredictionOut | None = None
    problem: str = ""

    @property
    def title(self) -> str:
        """Return the race as it is read."""
        number = self.card.get("race_number")
        return f"{self.card.get('track', '?')}, race {number}" if number else str(self.card.get("track", "?"))

    @property
    def order(self) -> tuple[str, str, str, int]:
        """Return where it stands in a list: by day, time, track and number."""
        number = self.card.get("race_number")
        texts = [str(self.card.get(name) or "~") for name in ("date", "off_at", "track")]
        return texts[0], texts[1], texts[2], number if isinstance(number, int) else 99


@dataclass(frozen=True, slots=True)
class Dropped:
    """What files gave."""

    races: tuple[DroppedRace, ...]
    refused: tuple[FileRefused, ...]


def read_dropped(files: Sequence[SentFile]) -> Dropped:
    """Return the cards of files, and why others gave none."""
    sent = [(file.filename or "a file without a name", file.read()) for file in files]
    refused = [FileRefused(name, f"at most {MAX_FILES} files at once") for name, _ in sent[MAX_FILES:]]
    client = api.client()  # threads have no request of their own to take it from
    reads = [partial(_read, client, name, raw) for name, raw in sent[:MAX_FILES]]
    races: list[DroppedRace] = []
    for found in chain.from_iterable(api.gather(reads)):
        if isinstance(found, FileRefused):
            refused.append(found)
        elif len(races) == MAX_CARDS:
            refused.append(FileRefused(found.name, f"at most {MAX_CARDS} cards at once"))
        else:
            races.append(found)
    return Dropped(tuple(sorted(races, key=lambda race: race.order)), tuple(refused))


def with_answers(dropped: Dropped) -> Dropped:
    """Return the same with the model's answer to each card, or why there is none."""
    answers = api.client().predict_batch([race.card for race in dropped.races]) if dropped.races else []
    races = [
        DroppedRace(race.name, race.card, race.n_not_believed, problem=problem_text(answer, race.card))
        if isinstance(answer, Problem)
        else DroppedRace(race.name, race.card, race.n_not_believed, answer)
        for race, answer in zip(dropped.races, answers, strict=False)
    ]
    return Dropped(tuple(races), dropped.refused)


@dataclass(frozen=True, slots=True)
class Stored:
    """The races that were stored, and why the others were not."""

    races: tuple[StoredCardOut, ...]
    error: str = ""
    code: int = 200


def store(dropped: Dropped, key: str) -> Stored:
    """Store the races of files under the key that was typed; those of one request whole or not at all."""
    stored: list[StoredCardOut] = []
    for cards in _requests([race.card for race in dropped.races]):
        sending = partial(_send, cards)
        outcome = make_change(key, None, sending, scope="results", shown_by="the page Today")
        if outcome.made is None:
            return Stored(tuple(stored), outcome.error, outcome.code)
        stored.extend(outcome.made.races)
    return Stored(tuple(stored))


def _send(cards: list[dict[str, Any]], by: GreyhoundClient) -> StoredCardsOut:
    return by.send_cards(cards)


def _requests(cards: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield cards in lots that a request may hold."""
    lot: list[dict[str, Any]] = []
    n_bytes = 0
    for card in cards:
        size = len(json.dumps(card))
        if lot and (len(lot) == _CARDS_A_REQUEST or n_bytes + size > _BYTES_A_REQUEST):
            yield lot
            lot, n_bytes = [], 0
        lot.append(card)
        n_bytes += size
    if lot:
        yield lot


def problem_text(problem: Problem, card: dict[str, Any] | None = None) -> str:
    """Return in one line what the service has against a card or a file."""
    rules = [f"{where}: {rule}" for where, rule in broken_rules(problem, card)[:3]]
    return "; ".join(rules) or problem.detail or problem.title


def _read(client: GreyhoundClient, name: str, raw: bytes) -> list[DroppedRace | FileRefused]:
    if not raw.strip():
        return [FileRefused(name, "it is empty")]
    text = text_of(raw)
    if text.lstrip()[:1] in ("{", "["):
        return _cards_of_json(name, text)
    try:
        made = client.card(text, name=name.replace("\\", "/").rpartition("/")[2])
    except Problem as problem:
        return [FileRefused(name, problem_text(problem))]
    card = made.card.model_dump(mode="json", exclude_defaults=True)
    return [DroppedRace(name, card, len(made.not_believed))]


def _cards_of_json(name: str, text: str) -> list[DroppedRace | FileRefused]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return [FileRefused(name, "it begins as JSON and is none")]
    if isinstance(whole, dict):
        whole = whole.get("cards", [whole])
    if not isinstance(whole, list) or not whole:
        return [FileRefused(name, "JSON holds a card, a list of cards, or `cards` with a list")]
    cards = [carried_card(json.dumps(one)) for one in whole[: MAX_CARDS + 1]]
    return [
        FileRefused(name, f"its card {number} has no runners with a box each")
        if card is None
        else DroppedRace(name, card)
        for number, card in enumerate(cards, start=1)
    ]
