"""What a running service holds, and what its handlers do with it."""

import asyncio
import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from racing.cards import Card
from service.errors import NotJson
from service.form import Form
from service.keeping.log import PredictionLog
from service.keeping.ratings import RatingsFollower
from service.keeping.store import Store
from service.metrics import Metrics
from service.prediction import CardPrediction, predict_card
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
    threads: ThreadPoolExecutor
    metrics: Metrics
    kept: PredictionLog
    store: Store
    ratings: RatingsFollower
    started_at: dt.datetime

    async def predict(self, champion: Snapshot, card: Card, *, is_explained: bool = False) -> CardPrediction:
        """Answer a card from one snapshot, in a thread: features are milliseconds of work."""
        today = dt.datetime.now(dt.UTC).date()
        return await asyncio.get_running_loop().run_in_executor(
            self.threads,
            lambda: predict_card(champion, self.form, card, today=today, is_explained=is_explained),
        )


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
