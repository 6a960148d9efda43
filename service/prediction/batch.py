"""Many cards in one request: the cards of its body, and the stream of their answers, a line of JSON each."""

import logging
import time
from collections.abc import AsyncIterator, Sequence

import msgspec
from pydantic import ValidationError

from racing.domain.errors import RacingError
from service.errors import BodyTooLarge, NotJson, ServiceError
from service.observability.metrics import Metrics
from service.observability.stages import StageTimer
from service.prediction.bets import RequestedBets
from service.prediction.form_guide import GuideFacts, card_of_guide
from service.prediction.predictor import Predictor
from service.prediction.splitting import Array, Lines, spans_of
from service.problems import problem_response
from service.request_bodies import CSV, JSON, NDJSON, utf8_of
from service.server.request_queue import RequestQueue
from service.serving.slots import Snapshot
from service.settings import ServiceSettings
from service.thread_pools import ThreadPools

log = logging.getLogger("greyhound.service")
Body = bytes | bytearray


class BatchPredictor:
    """Answers many cards, one after the other, each in a turn of its own after waiting single cards."""

    def __init__(
        self,
        settings: ServiceSettings,
        predictor: Predictor,
        queue: RequestQueue,
        threads: ThreadPools,
        metrics: Metrics,
    ) -> None:
        self._max_cards = settings.max_batch_cards
        self._max_card_bytes = settings.max_body_bytes
        self._predictor = predictor
        self._queue = queue
        self._threads = threads
        self._metrics = metrics

    async def cards_of(self, media_type: str, body: Body, facts: GuideFacts) -> Sequence[bytes | memoryview]:
        """Return the cards of a body, each as JSON; those of JSON are not parsed yet.

        Raises
        ------
        service.errors.NotJson, service.errors.BodyUnreadable
            If it is neither JSON, nor lines of JSON, nor the CSV of a form guide.
        service.errors.BatchTooLong
            If it has more cards than the settings allow; what follows them is not searched.
        service.errors.BodyTooLarge
            If a form guide is longer than the body of a single card may be.
        """
        if media_type == CSV:
            guide = self._card(body)
            return [await self._threads.form_guides.call(lambda: _json_of_guide(guide, facts))]
        if media_type not in (JSON, NDJSON):
            raise NotJson(f"a batch is `Content-Type: {JSON}` (an array of cards), `{NDJSON}` or `{CSV}`")
        view = utf8_of(memoryview(body))
        splitter = Lines() if media_type == NDJSON else Array()
        spans = await spans_of(splitter, view, at_most=self._max_cards)
        return [view[start:end] for start, end in spans]

    async def answers(
        self,
        champion: Snapshot,
        cards: Sequence[bytes | memoryview],
        *,
        request_id: str,
        bets: RequestedBets | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield a line a card, in order: its answer, or the problem document of a card that is refused.

        Bets are computed in the turn of their card, as those of a single card are: no turn gets longer.
        """
        for number, card in enumerate(cards):
            await self._queue.enter_last()
            start = time.perf_counter()
            line = await self._line(champion, card, f"{request_id}.{number}", bets)
            self._queue.note(time.perf_counter() - start)
            yield line + b"\n"

    async def _line(
        self, champion: Snapshot, card: bytes | memoryview, request_id: str, bets: RequestedBets | None
    ) -> bytes:
        timer = StageTimer()
        try:
            answer, _ = await self._predictor.answer(
                champion, self._card(card), timer, request_id=request_id, bets=bets
            )
            return answer
        except (RacingError, ServiceError, ValidationError) as error:
            refused: Exception = error
        except Exception as error:
            log.exception("card %s failed", request_id)
            refused = error
        finally:
            self._metrics.count_stages(timer.seconds())
        return bytes(problem_response(refused, request_id).body)

    def _card(self, card: Body | memoryview) -> bytes:
        """Return a card by itself, without the blanks around it, if it is not too long."""
        if len(card) > self._max_card_bytes:
            raise BodyTooLarge(f"a card has at most {self._max_card_bytes} bytes, got {len(card)}")
        return bytes(card).strip()


def _json_of_guide(guide: bytes, facts: GuideFacts) -> bytes:
    return msgspec.json.encode(card_of_guide(guide, facts).card)
