"""The app: it loads the champion when it starts, and follows the registry until it stops."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from service import problems
from service.form import FormStore
from service.methods import HeadAndOptions
from service.observability.collector import MetricsCollector
from service.observability.metrics import Metrics
from service.observability.request_metrics import RequestMetricsMiddleware
from service.openapi import describe, operation_id
from service.prediction_log.log import PredictionLog
from service.prediction_log.ratings import RatingsFollower
from service.race_database import RaceDatabase
from service.registry_reader import RegistryReader
from service.routes import (
    batch,
    cards,
    health,
    metrics,
    models,
    pages,
    papers,
    predict,
    predictions,
    promotions,
    races,
    results,
    status,
    webhooks,
)
from service.running import Running
from service.security.api_key_auth import ApiKeyAuth
from service.security.api_key_cache import ApiKeyCache
from service.security.middleware import add_security
from service.server.admission import Admission
from service.server.body_budget import BodyBudget
from service.server.request_queue import RequestQueue
from service.server.shutdown import ShutdownState
from service.serving.loading import freeze_garbage
from service.serving.slots import ModelSlots
from service.serving.watcher import AliasWatcher
from service.serving.webhook_verifier import WebhookVerifier
from service.settings import ServiceSettings
from service.thread_pools import ThreadPools
from service.warming import warm_up


def create_app(settings: ServiceSettings | None = None) -> FastAPI:
    """Return the service; nothing is opened before it starts.

    With no registry, no champion or no database it starts all the same: live, and ready once a champion
    is promoted.
    """
    settings = settings or ServiceSettings()
    slots = ModelSlots()
    threads = ThreadPools.of(settings)
    watcher, form = AliasWatcher(settings, slots, threads), FormStore(settings.database)
    counted, queue = Metrics(settings.metrics_directory), RequestQueue(settings.queue)
    budget = BodyBudget(settings.body_budget_bytes, usual=settings.max_body_bytes)
    keyring = ApiKeyCache(settings.database, max_age_s=settings.keys_max_age_s)
    running = Running(
        settings=settings,
        slots=slots,
        watcher=watcher,
        form=form,
        threads=threads,
        metrics=counted,
        queue=queue,
        draining=ShutdownState(),
        lookout=MetricsCollector(
            counted,
            slots,
            watcher,
            form,
            has_database=settings.database is not None,
            queue=queue,
            budget=budget,
            threads=threads,
        ),
        keyring=keyring,
        guard=ApiKeyAuth(settings, keyring, counted),
        kept=PredictionLog(settings, counted),
        store=RaceDatabase(settings.database),
        reads=RaceDatabase(settings.database, statement_timeout_s=settings.database_timeout_s),
        ratings=RatingsFollower(settings.database),
        started_at=dt.datetime.now(dt.UTC),
        deliveries=WebhookVerifier(settings.webhook_secret),
        papers=RegistryReader(slots, watcher),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running.kept.start()
        await asyncio.gather(
            running.watcher.start(), running.form.look_in_time(threads.form_poll), keyring.refresh(threads)
        )
        await warm_up(running)
        freeze_garbage()
        tasks = [
            asyncio.create_task(running.watcher.run(), name="alias-watcher"),
            asyncio.create_task(
                running.form.keep(settings.database_poll_s, threads.form_poll), name="form-keeper"
            ),
            asyncio.create_task(keyring.poll(settings.keys_poll_s, threads), name="key-keeper"),
        ]
        async with running.lookout.running():
            yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        stores = running.store.close, running.reads.close
        await threads.finish(running.kept.stop, running.ratings.stop, *stores)
        threads.close()

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # SecurityMiddleware takes `/predict/` for `/predict`
        generate_unique_id_function=operation_id,
    )
    app.state.running = running
    for router in (
        predict.router, batch.router, races.router, cards.router, predictions.router, results.router,
        status.router, models.router, papers.router, promotions.router, webhooks.router, health.router,
        metrics.router, pages.router,
    ):  # fmt: skip
        app.include_router(router)
    problems.install(app)
    app.add_middleware(HeadAndOptions)  # first: innermost
    app.add_middleware(
        Admission,
        settings=settings,
        queue=running.queue,
        draining=running.draining,
        budget=budget,
        unpacking=threads.gzip,
    )
    add_security(app, settings, running.guard, counted)
    app.add_middleware(
        RequestMetricsMiddleware, metrics=counted, tracing=running.lookout.tracing
    )  # last: outermost
    describe(app)
    return app
