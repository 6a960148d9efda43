"""What a running service holds, and what its handlers do with it."""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from racing.cards import Card
from service.draining import Draining
from service.errors import NotJson
from service.form import Form
from service.metrics import Metrics
from service.prediction import CardPrediction, predict_card
from service.queueing import Queue
from service.reading import Readers
from service.settings import ServiceSettings
from service.slots import Slots, Snapshot
from service.watcher import AliasWatcher


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of one running service."""

    settings: ServiceSettings
    slots: Slots
    watcher: AliasWatcher
    form: Form
    no_form: Form
    """Never looks at the database, and so never waits for it."""
    readers: Readers
    metrics: Metrics
    queue: Queue
    draining: Draining
    started_at: dt.datetime

    async def predict(self, champion: Snapshot, card: Card, *, is_explained: bool = False) -> CardPrediction:
        """Answer a card from one snapshot; in a thread where the database is read, which may hang."""
        today = dt.datetime.now(dt.UTC).date()

        def work(form: Form) -> CardPrediction:
            return predict_card(champion, form, card, today=today, is_explained=is_explained)

        if self.form.reads_database and not self.readers.all_hang:
            try:
                return await self.readers.run(lambda: work(self.form))
            except TimeoutError:
                self.form.give_up()
        return work(self.no_form)


async def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


async def _json_body(request: Request) -> bytes:
    """Return the body of a request that does not claim to be anything but JSON."""
    sent = request.headers.get("content-type", "application/json")
    kind = sent.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotJson("send the header `Content-Type: application/json`")
    return await request.body()


Service = Annotated[Running, Depends(_running)]
JsonBody = Annotated[bytes, Depends(_json_body)]
