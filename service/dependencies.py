"""What routes depend on: one part of the running service each, or the body of the request.

``async def get_models(reader: Registry)`` gets the registry reader of the service that answers.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from service.automation.runner import AutomationRunner
from service.errors import NotCsv, NotJson
from service.events.feed import EventFeed
from service.experiments.verdict_cache import VerdictCache
from service.observability.collector import MetricsCollector
from service.prediction.batch import BatchPredictor
from service.prediction_log.ratings import RatingsFollower
from service.race_database import RaceDatabase, TimedReads
from service.race_day.day_predictions import DayPredictions as _DayPredictions
from service.request_bodies import CSV, JSON, media_type_of, utf8_of
from service.serving.challengers import ChallengerWatcher
from service.serving.registry_reader import RegistryReader
from service.serving.slots import ModelSlots
from service.serving.watcher import AliasWatcher
from service.serving.webhook_verifier import WebhookVerifier
from service.state import AppState
from service.thread_pools import ThreadPools


def state_of(request: Request) -> AppState:
    """Return the parts of the service that answers a request."""
    state: AppState = request.app.state.service
    return state


async def json_body(request: Request) -> bytes:
    """Return the body of a request that declares JSON, or nothing else.

    FastAPI's own reading of a body would take UTF-16 and ``NaN``, and collect every fault of it (a quarter of
    a second for 256 KiB); :func:`service.schemas.validation.validated` then reads this one.
    """
    if media_type_of(request, default=JSON) != JSON:
        raise NotJson(f"send the header `Content-Type: {JSON}`")
    return utf8_of(await request.body())


async def csv_body(request: Request) -> bytes:
    """Return the body of a request that declares CSV."""
    if media_type_of(request) != CSV:
        raise NotCsv(f"send the form guide as it is, with the header `Content-Type: {CSV}`")
    return await request.body()


def _part(of: Callable[[AppState], object]) -> Any:
    """Return a dependency on a part of the service; async, so that FastAPI takes no thread for it."""

    async def part(request: Request) -> object:
        return of(state_of(request))

    return Depends(part)


State = Annotated[AppState, _part(lambda state: state)]
Slots = Annotated[ModelSlots, _part(lambda state: state.slots)]
Watcher = Annotated[AliasWatcher, _part(lambda state: state.watcher)]
Challengers = Annotated[ChallengerWatcher, _part(lambda state: state.challengers)]
Registry = Annotated[RegistryReader, _part(lambda state: state.registry_reader)]
Webhooks = Annotated[WebhookVerifier, _part(lambda state: state.webhook_verifier)]
Batches = Annotated[BatchPredictor, _part(lambda state: state.batch_predictor)]
RaceReads = Annotated[TimedReads, _part(lambda state: state.race_reads)]
LogReads = Annotated[TimedReads, _part(lambda state: state.log_reads)]
DayPredictions = Annotated[_DayPredictions, _part(lambda state: state.day_predictions)]
Verdicts = Annotated[VerdictCache, _part(lambda state: state.verdicts)]
WriteDatabase = Annotated[RaceDatabase, _part(lambda state: state.write_database)]
Events = Annotated[EventFeed, _part(lambda state: state.events)]
Ratings = Annotated[RatingsFollower, _part(lambda state: state.ratings)]
Collector = Annotated[MetricsCollector, _part(lambda state: state.collector)]
Automation = Annotated[AutomationRunner, _part(lambda state: state.automation)]
Threads = Annotated[ThreadPools, _part(lambda state: state.threads)]
JsonBody = Annotated[bytes, Depends(json_body)]
CsvBody = Annotated[bytes, Depends(csv_body)]
