"""The app: it loads the champion when it starts, and follows the registry until it stops."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI

from service import problems
from service.door import Door
from service.form import Form
from service.keeping.log import PredictionLog
from service.keeping.ratings import RatingsFollower
from service.keeping.store import Store
from service.metrics import Metrics
from service.openapi import describe
from service.routes import health, models, predict, predictions, results, status
from service.running import Running
from service.settings import ServiceSettings
from service.slots import Slots
from service.watcher import AliasWatcher

N_THREADS = 4  # for reading form; the model itself takes less than a millisecond


def create_app(settings: ServiceSettings | None = None) -> FastAPI:
    """Return the service; nothing is opened before it starts.

    With no registry, no champion or no database it starts all the same: live, and ready once a champion
    is promoted.
    """
    settings = settings or ServiceSettings()
    slots = Slots()
    metrics = Metrics()
    running = Running(
        settings=settings,
        slots=slots,
        watcher=AliasWatcher(settings, slots),
        form=Form(settings.database),
        threads=ThreadPoolExecutor(N_THREADS, thread_name_prefix="predict"),
        metrics=metrics,
        kept=PredictionLog(settings, metrics),
        store=Store(settings.database),
        ratings=RatingsFollower(settings.database),
        started_at=dt.datetime.now(dt.UTC),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running.kept.start()
        await asyncio.gather(running.watcher.look(), asyncio.to_thread(running.form.look))
        tasks = [
            asyncio.create_task(running.watcher.run(), name="alias-watcher"),
            asyncio.create_task(running.form.keep(settings.database_poll_s), name="form-keeper"),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*map(asyncio.to_thread, (running.kept.stop, running.ratings.stop)))
        running.store.close()
        running.threads.shutdown(wait=False, cancel_futures=True)

    app = FastAPI(root_path=settings.root_path, lifespan=lifespan)
    app.state.running = running
    for router in (
        predict.router,
        predictions.router,
        results.router,
        status.router,
        models.router,
        health.router,
    ):
        app.include_router(router)
    problems.install(app)
    app.add_middleware(Door, max_body_bytes=settings.max_body_bytes)
    describe(app)
    return app
