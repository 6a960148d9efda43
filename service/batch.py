"""Many cards in one request: what it holds, and the stream of its answers, a line of JSON each."""

import logging
import time
from collections.abc import AsyncIterator, Sequence

import msgspec
from pydantic import ValidationError

from racing.domain.errors import RacingError
from service.answering import answer_to
from service.errors import BodyTooLarge, NotJson, ServiceError
from service.form_guide import CSV, Told, card_of_guide
from service.observability.stages import StageTimer
from service.problems import problem_response
from service.running import Running, utf8_of
from service.serving.slots import Snapshot
from service.splitting import Array, Lines, spans_of

JSON, NDJSON = "application/json", "application/x-ndjson"
Body = bytes | bytearray
log = logging.getLogger("greyhound.service")


async def cards_of(kind: str, body: Body, *, at_most: int) -> list[memoryview]:
    """Return the cards of a JSON array or of lines of JSON, each where it stands in the body.

    They are not read yet, and nothing that they hold is looked at.

    Raises
    ------
    service.errors.NotJson, service.errors.BodyUnreadable
        If it is neither.
    service.errors.BatchTooLong
        If there are more than ``at_most``; what follows them is not looked at.
    """
    if kind not in (JSON, NDJSON):
        raise NotJson(f"a batch is `Content-Type: {JSON}` (an array of cards), `{NDJSON}` or `{CSV}`")
    view = utf8_of(memoryview(body))
    spans = await spans_of(Lines() if kind == NDJSON else Array(), view, at_most=at_most)
    return [view[start:end] for start, end in spans]


def card_of_form_guide(body: bytes, told: Told) -> bytes:
    """Return the card of a form guide, as JSON; see :mod:`racing.importers.formats.form_guide_card`."""
    return msgspec.json.encode(card_of_guide(body, told).card)


async def answers_to(
    service: Running, champion: Snapshot, cards: Sequence[bytes | memoryview], *, request_id: str
) -> AsyncIterator[bytes]:
    """Yield a line a card, in order: its answer, or the problem document of a card that is refused.

    Each card takes a turn of its own, after the single predictions that wait.
    """
    for number, card in enumerate(cards):
        await service.queue.enter_last()
        start = time.perf_counter()
        line = await _line(service, champion, card, f"{request_id}.{number}")
        service.queue.note(time.perf_counter() - start)
        yield line + b"\n"


async def _line(service: Running, champion: Snapshot, card: bytes | memoryview, request_id: str) -> bytes:
    clock = StageTimer()
    try:
        body = checked(card, service.settings.max_body_bytes)
        return await answer_to(service, champion, body, clock, request_id=request_id)
    except (RacingError, ServiceError, ValidationError) as error:
        refused: Exception = error
    except Exception as error:
        log.exception("card %s failed", request_id)
        refused = error
    finally:
        service.metrics.count_stages(clock.seconds())
    return bytes(problem_response(refused, request_id).body)


def checked(card: Body | memoryview, at_most: int) -> bytes:
    """Return a card by itself, without the blanks around it.

    Raises
    ------
    service.errors.BodyTooLarge
        If it is longer than the body of a single card may be.
    """
    if len(card) > at_most:
        raise BodyTooLarge(f"a card has at most {at_most} bytes, got {len(card)}")
    return bytes(card).strip()
