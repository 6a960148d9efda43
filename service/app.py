"""The app: it loads the champion when it starts, and follows the registry until it stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from racing.race_day.race_changes import replay_day
from service import problems
from service.automation.all_tasks import all_tasks
from service.automation.monitor_task import MonitorLooks
from service.automation.runner import STATEMENT_S, AutomationRunner
from service.events.feed import EventFeed
from service.experiments.follower import ActiveExperiment
from service.experiments.verdict_cache import VerdictCache
from service.inference_protocols import PROTOCOL_ROUTERS
from service.methods import HeadAndOptions
from service.monitoring.input_counter import InputCounter
from service.observability.collector import MetricsCollector
from service.observability.metrics import Metrics
from service.observability.request_metrics import RequestMetricsMiddleware
from service.openapi.document import describe, operation_id
from service.prediction.batch import BatchPredictor
from service.prediction.contest import Contest
from service.prediction.form_store import FormStore
from service.prediction.predictor import Predictor
from service.prediction.warmup import warm_up
from service.prediction_log.log import PredictionLog
from service.prediction_log.ratings import RatingsFollower
from service.race_database import RaceDatabase, TimedReads
from service.race_day.day_predictions import DayPredictions
from service.routes import (
    automation,
    batch,
    cards,
    dogs,
    events,
    evidence,
    experiments,
    health,
    metrics,
    models,
    monitor,
    pages,
    predict,
    predictions,
    prices,
    promotions,
    races,
    record,
    results,
    status,
    tracks,
    upcoming,
    webhooks,
)
from service.security.api_key_auth import ApiKeyAuth
from service.security.api_key_cache import ApiKeyCache
from service.security.middleware import add_security
from service.server.admission import Admission
from service.server.body_budget import BodyBudget
from service.server.direct_route import DirectRoute
from service.server.request_queue import RequestQueue
from service.server.shutdown import ShutdownState
from service.serving.challengers import ChallengerWatcher
from service.serving.loading import freeze_garbage
from service.serving.registry_reader import RegistryReader
from service.serving.slots import ModelSlots
from service.serving.watcher import AliasWatcher
from service.serving.webhook_verifier import WebhookVerifier
from service.settings import ServiceSettings
from service.shadow.scorer import ShadowScorer
from service.state import AppState
from service.thread_pools import ThreadPools

ROUTERS = tuple(
    module.router
    for module in (
        predict, batch, upcoming, races, dogs, tracks, cards, prices, events, predictions, record, monitor,
        results, status, models, evidence, promotions, experiments, automation, webhooks, health, metrics,
        pages,
    )
)  # fmt: skip


def create_app(settings: ServiceSettings | None = None) -> FastAPI:
    """Return the service; nothing is opened before it starts.

    With no registry, no champion or no database it starts all the same: live, and ready once a champion
    is promoted.
    """
    state = make_state(settings or ServiceSettings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running(state):
            yield

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a middleware takes `/predict/` for `/predict`
        generate_unique_id_function=operation_id,
    )
    app.state.service = state
    for router in (*ROUTERS, *(PROTOCOL_ROUTERS if state.settings.inference_protocols else ())):
        app.include_router(router)
    problems.install(app)
    add_middleware(app, state)
    describe(app)
    return app


def make_state(settings: ServiceSettings) -> AppState:
    """Return the parts of a service; none of them is started."""
    slots, threads, metrics = ModelSlots(), ThreadPools.of(settings), Metrics(settings.metrics_directory)
    watcher, form_store = AliasWatcher(settings, slots, threads), FormStore(settings.database)
    experiment = ActiveExperiment(settings, threads.experiment_poll)
    shadow = ShadowScorer(slots, metrics)
    challengers = ChallengerWatcher(
        settings, slots, threads, watcher.registry, experiment, shadow.breakers.forget
    )
    queue = RequestQueue(settings.queue)
    body_budget = BodyBudget(settings.body_budget_bytes, usual=settings.max_body_bytes)
    prediction_log, inputs = PredictionLog(settings, metrics), InputCounter(settings)
    contest = Contest(slots, experiment, shadow.breakers.is_off)
    predictor = Predictor(form_store, threads, metrics, prediction_log, contest, shadow, inputs)
    api_key_cache = ApiKeyCache(settings.database, max_age_s=settings.keys_max_age_s)
    read_database = RaceDatabase(settings.database, statement_timeout_s=settings.database_timeout_s)
    monitor_looks = MonitorLooks(settings, slots)
    collector = MetricsCollector(
        metrics,
        slots,
        watcher,
        challengers,
        experiment,
        shadow,
        form_store,
        has_database=settings.database is not None,
        queue=queue,
        budget=body_budget,
        threads=threads,
        inputs=inputs,
    )
    verdicts = VerdictCache()
    replay_day(settings.replayed_day)
    events = EventFeed(
        read_database,
        threads.event_poll,
        threads.event_replay,
        metrics,
        max_followers=settings.max_followers,
    )
    race_reads = TimedReads(read_database, threads.stored_races)
    return AppState(
        settings=settings,
        slots=slots,
        watcher=watcher,
        challengers=challengers,
        experiment=experiment,
        shadow=shadow,
        registry_reader=RegistryReader(slots, watcher),
        webhook_verifier=WebhookVerifier(settings.webhook_secret),
        form_store=form_store,
        predictor=predictor,
        batch_predictor=BatchPredictor(settings, predictor, queue, threads, metrics),
        prediction_log=prediction_log,
        inputs=inputs,
        write_database=RaceDatabase(settings.database),
        read_database=read_database,
        race_reads=race_reads,
        log_reads=TimedReads(read_database, threads.prediction_log),
        events=events,
        day_predictions=DayPredictions(slots, experiment, predictor, form_store, queue, race_reads, metrics),
        verdicts=verdicts,
        ratings=RatingsFollower(settings.database),
        api_key_auth=ApiKeyAuth(settings, api_key_cache, metrics),
        api_key_cache=api_key_cache,
        queue=queue,
        body_budget=body_budget,
        draining=ShutdownState(),
        threads=threads,
        metrics=metrics,
        collector=collector,
        monitor_looks=monitor_looks,
        automation=AutomationRunner(
            RaceDatabase(settings.database, statement_timeout_s=STATEMENT_S),
            all_tasks(settings, slots, watcher, predictor, metrics, monitor_looks, verdicts),
            metrics,
            is_allowed=settings.automation,
        ),
    )


@asynccontextmanager
async def running(state: AppState) -> AsyncIterator[None]:
    """Start the parts of a service, and stop them at the end."""
    settings, threads = state.settings, state.threads
    state.prediction_log.start()
    state.inputs.start()
    await asyncio.gather(
        state.watcher.start(),
        state.form_store.refresh_in_time(threads.form_poll),
        state.api_key_cache.refresh(threads),
    )
    await warm_up(state.slots, state.predictor)
    freeze_garbage()
    tasks = [
        asyncio.create_task(state.watcher.run(), name="alias-watcher"),
        asyncio.create_task(state.experiment.run(), name="experiment-follower"),
        asyncio.create_task(state.challengers.run(), name="challenger-watcher"),
        asyncio.create_task(state.shadow.run(), name="shadow-check"),
        asyncio.create_task(state.events.run(), name="event-feed"),
        asyncio.create_task(
            state.form_store.poll(settings.database_poll_s, threads.form_poll), name="form-poll"
        ),
        asyncio.create_task(state.api_key_cache.poll(settings.keys_poll_s, threads), name="key-keeper"),
    ]
    state.automation.start()
    async with state.collector.running():
        yield
    state.events.end()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    state.shadow.stop()
    stops = (
        *(state.automation.stop, state.prediction_log.stop, state.inputs.stop, state.ratings.stop),
        *(state.experiment.close, state.shadow.wait),
    )
    await threads.finish(
        *stops, state.monitor_looks.stop, state.write_database.close, state.read_database.close
    )
    threads.close()


def add_middleware(app: FastAPI, state: AppState) -> None:
    """Add the middleware, from the innermost to the outermost."""
    settings = state.settings
    app.add_middleware(DirectRoute, route=predict.route, root_path=settings.root_path)
    app.add_middleware(HeadAndOptions)
    app.add_middleware(
        Admission,
        settings=settings,
        queue=state.queue,
        draining=state.draining,
        budget=state.body_budget,
        unpacking=state.threads.gzip,
    )
    add_security(app, settings, state.api_key_auth, state.metrics)
    app.add_middleware(RequestMetricsMiddleware, metrics=state.metrics, tracing=state.collector.tracing)
