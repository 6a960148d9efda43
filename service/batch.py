"""Many cards in one request: what it holds, and the stream of its answers, a line of JSON each."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence

import msgspec
from pydantic import ValidationError

from racing.errors import RacingError
from service.answering import answer_to
from service.errors import BatchTooLong, BodyUnreadable, NotJson, Overloaded, ServiceError
from service.following.slots import Snapshot
from service.form_guide import CSV, Told, card_of_guide
from service.problems import problem_response
from service.running import Running
from service.watching.phases import PhaseClock

JSON, NDJSON = "application/json", "application/x-ndjson"
_PATIENCE_S = 0.05  # a batch waits while single predictions fill the line
log = logging.getLogger("greyhound.service")


def cards_of(kind: str, body: bytes) -> list[bytes]:
    """Return the cards of a JSON array or of lines of JSON, each as it was sent; they are not read yet."""
    if kind == NDJSON:
        return [line for line in body.split(b"\n") if line.strip()]
    if kind != JSON:
        raise NotJson(f"a batch is `Content-Type: {JSON}` (an array of cards), `{NDJSON}` or `{CSV}`")
    try:
        return [bytes(card) for card in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BodyUnreadable(f"a batch is an array of cards: {error}") from error


def card_of_form_guide(body: bytes, told: Told) -> bytes:
    """Return the card of a form guide, as JSON; see :func:`racing.importers.card.guide_card`."""
    return msgspec.json.encode(card_of_guide(body, told).card)


def check_length(cards: Sequence[bytes], at_most: int) -> None:
    """Raise :class:`~service.errors.BatchTooLong` if there are too many cards."""
    if len(cards) > at_most:
        raise BatchTooLong(f"a batch has at most {at_most} cards, got {len(cards)}")


async def answers_to(
    service: Running, champion: Snapshot, cards: Sequence[bytes], *, request_id: str
) -> AsyncIterator[bytes]:
    """Yield a line a card, in order: its answer, or the problem document of a card that is refused.

    Each card takes a turn of its own in the queue, so that single predictions come in between.
    """
    for number, card in enumerate(cards):
        await _turn(service)
        start = time.perf_counter()
        yield await _line(service, champion, card, f"{request_id}.{number}") + b"\n"
        service.queue.note(time.perf_counter() - start)


async def _turn(service: Running) -> None:
    while True:
        try:
            await service.queue.enter()
        except Overloaded:
            await asyncio.sleep(_PATIENCE_S)
        else:
            return


async def _line(service: Running, champion: Snapshot, card: bytes, request_id: str) -> bytes:
    try:
        return await answer_to(service, champion, card, PhaseClock(), request_id=request_id)
    except (RacingError, ServiceError, ValidationError) as error:
        refused: Exception = error
    except Exception as error:
        log.exception("card %s failed", request_id)
        refused = error
    return bytes(problem_response(refused, request_id).body)
