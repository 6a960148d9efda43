"""What a running service holds, and what its handlers do with it."""

import codecs
import datetime as dt
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from racing.domain.cards import Card
from racing.domain.track_time import today_at
from service.errors import BodyUnreadable, NoAnswerInTime, NotJson
from service.form import FormStore, Known
from service.observability.collector import MetricsCollector
from service.observability.metrics import Metrics
from service.observability.stages import StageTimer
from service.prediction import CardPrediction, predict_card
from service.prediction_log.log import PredictionLog
from service.prediction_log.ratings import RatingsFollower
from service.race_database import RaceDatabase
from service.registry_reader import RegistryReader
from service.security.api_key_auth import ApiKeyAuth
from service.security.api_key_cache import ApiKeyCache
from service.server.request_queue import RequestQueue
from service.server.shutdown import ShutdownState
from service.serving.slots import ModelSlots, Snapshot
from service.serving.watcher import AliasWatcher
from service.serving.webhook_verifier import WebhookVerifier
from service.settings import ServiceSettings
from service.thread_pools import ThreadPools

GZIP = b"\x1f\x8b"
# UTF-16 without its mark has a NUL beside each letter: of `{`, `[` or a blank that JSON begins with.
_MARKS = (
    codecs.BOM_UTF8, GZIP, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\0",
    *(bytes((first, 0)) for first in b"{[ \n\r\t"),
)  # fmt: skip
_N_MARK = 4
Text = TypeVar("Text", bytes, memoryview)


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of one running service."""

    settings: ServiceSettings
    slots: ModelSlots
    watcher: AliasWatcher
    form: FormStore
    threads: ThreadPools
    metrics: Metrics
    queue: RequestQueue
    draining: ShutdownState
    lookout: MetricsCollector
    keyring: ApiKeyCache
    guard: ApiKeyAuth
    kept: PredictionLog
    store: RaceDatabase
    """For writing: results."""
    reads: RaceDatabase
    """For reading: the database ends a statement that takes longer than anybody waits."""
    ratings: RatingsFollower
    started_at: dt.datetime
    deliveries: WebhookVerifier
    papers: RegistryReader
    began_s: float = field(default_factory=time.monotonic)
    """When it started by the monotonic clock, which never jumps."""

    async def predict(
        self, champion: Snapshot, card: Card, clock: StageTimer, *, is_explained: bool = False
    ) -> CardPrediction:
        """Answer a card from one snapshot.

        What waits for the database is done in a thread, and so are explanations, which take milliseconds;
        everything else is done at once, in less time than the way to a thread and back takes.
        """
        known = await self._known(card)
        if known is not None and known.stored.runs:
            clock.skip()  # the way to a thread and back, and what waited there, is no work of ours
        today = today_at(card.track)
        predict = partial(
            predict_card, champion, self.form, card, known, clock, today=today, is_explained=is_explained
        )
        return await self.threads.explanations.call(predict) if is_explained else predict()

    async def _known(self, card: Card) -> Known | None:
        """Return what the database knows of a card's dogs; ``None`` if it is away or does not say in time.

        Raises
        ------
        service.errors.Overloaded
            If too many wait for a thread: the database may be well, so it does not count as away.
        """
        if self.form.is_in_memory(card):
            return self.form.read(card)
        try:
            return await self.threads.card_form.call(lambda: self.form.read(card))
        except NoAnswerInTime as error:
            if error.is_begun:
                self.form.give_up(error)
            return None


async def running(request: Request) -> Running:
    """Return the parts of the service that answers a request."""
    found: Running = request.app.state.running
    return found


async def json_body(request: Request) -> bytes:
    """Return the body of a request that does not claim to be anything but JSON."""
    sent = request.headers.get("content-type", "application/json")
    kind = sent.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotJson("send the header `Content-Type: application/json`")
    return utf8_of(await request.body())


def utf8_of(body: Text) -> Text:
    """Return a body of JSON in UTF-8, without the mark that some editors put before it.

    Raises
    ------
    service.errors.BodyUnreadable
        If it is plainly something else that goes by the name of JSON.
    """
    first = bytes(body[:_N_MARK])
    if first.startswith(_MARKS):
        if first.startswith(codecs.BOM_UTF8):
            return body[len(codecs.BOM_UTF8) :]
        if first.startswith(GZIP):
            raise BodyUnreadable("the body is a gzip file: send it with the header `Content-Encoding: gzip`")
        raise BodyUnreadable("the body is JSON in UTF-16 or UTF-32: send it in UTF-8")
    return body


Service = Annotated[Running, Depends(running)]
JsonBody = Annotated[bytes, Depends(json_body)]
