"""Many cards in one request: what it holds, and the stream of its answers, a line of JSON each."""

import logging
import re
import time
from collections.abc import AsyncIterator, Sequence
from functools import cache
from itertools import islice
from typing import Any

import msgspec
from pydantic import ValidationError

from racing.errors import RacingError
from service.answering import answer_to
from service.errors import BatchTooLong, BodyUnreadable, NotJson, ServiceError
from service.following.slots import Snapshot
from service.form_guide import CSV, Told, card_of_guide
from service.problems import problem_response
from service.running import Running
from service.watching.phases import PhaseClock

JSON, NDJSON = "application/json", "application/x-ndjson"
RawCard = bytes | memoryview | msgspec.Raw
"""A card as it was sent: where it stands in the body, rather than a copy."""
_LINE = re.compile(rb"\S[^\n]*")
log = logging.getLogger("greyhound.service")


def cards_of(kind: str, body: bytes, *, at_most: int) -> list[RawCard]:
    """Return the cards of a JSON array or of lines of JSON, each as it was sent; they are not read yet.

    Raises
    ------
    service.errors.NotJson, service.errors.BodyUnreadable
        If it is neither.
    service.errors.BatchTooLong
        If there are more than ``at_most``; what follows them is not looked at.
    """
    if kind == NDJSON:
        view = memoryview(body)
        spans = [found.span() for found in islice(_LINE.finditer(body), at_most + 1)]
        if len(spans) > at_most:
            raise _too_long(at_most)
        return [view[start:end] for start, end in spans]
    if kind != JSON:
        raise NotJson(f"a batch is `Content-Type: {JSON}` (an array of cards), `{NDJSON}` or `{CSV}`")
    try:
        cards = array_reader(at_most).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if "of at most length" in str(error):
            raise _too_long(at_most) from error
        raise BodyUnreadable(f"a batch is an array of cards: {error}") from error
    return [card for card in msgspec.structs.astuple(cards) if card is not None]


@cache
def array_reader(at_most: int) -> msgspec.json.Decoder[Any]:
    """Return what reads an array of so many values, and stops at the first one too many.

    A list would be read to its end before its length is looked at, and 32 MiB hold 16 million ones: they took
    5 s and 1.2 GB. It is made in a tenth of a second, so make it before it is needed.
    """
    fields = [(f"card_{number}", msgspec.Raw, None) for number in range(at_most)]
    cards = msgspec.defstruct("Cards", fields, array_like=True, forbid_unknown_fields=True)
    return msgspec.json.Decoder(cards)


def card_of_form_guide(body: bytes, told: Told) -> bytes:
    """Return the card of a form guide, as JSON; see :func:`racing.importers.card.guide_card`."""
    return msgspec.json.encode(card_of_guide(body, told).card)


async def answers_to(
    service: Running, champion: Snapshot, cards: Sequence[RawCard], *, request_id: str
) -> AsyncIterator[bytes]:
    """Yield a line a card, in order: its answer, or the problem document of a card that is refused.

    Each card takes a turn of its own, after the single predictions that wait.
    """
    for number, card in enumerate(cards):
        await service.queue.enter_last()
        start = time.perf_counter()
        line = await _line(service, champion, bytes(card), f"{request_id}.{number}")
        service.queue.note(time.perf_counter() - start)
        yield line + b"\n"


async def _line(service: Running, champion: Snapshot, card: bytes, request_id: str) -> bytes:
    clock = PhaseClock()
    try:
        return await answer_to(service, champion, card, clock, request_id=request_id)
    except (RacingError, ServiceError, ValidationError) as error:
        refused: Exception = error
    except Exception as error:
        log.exception("card %s failed", request_id)
        refused = error
    finally:
        service.metrics.count_phases(clock.seconds())
    return bytes(problem_response(refused, request_id).body)


def _too_long(at_most: int) -> BatchTooLong:
    return BatchTooLong(f"a batch has at most {at_most} cards; this one has more")
