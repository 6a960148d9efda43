"""The app: it loads the champion when it starts, and follows the registry until it stops."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI

from service import problems
from service.door import Door
from service.following.loading import settle_garbage
from service.following.metrics import FollowingCollector
from service.following.signature import Deliveries
from service.following.slots import Slots
from service.following.watcher import AliasWatcher
from service.form import Form
from service.metrics import Metrics
from service.openapi import describe
from service.routes import health, models, predict, status, webhooks
from service.running import Running
from service.settings import ServiceSettings

N_THREADS = 4  # for reading form; the model itself takes less than a millisecond


def create_app(settings: ServiceSettings | None = None) -> FastAPI:
    """Return the service; nothing is opened before it starts.

    With no registry, no champion or no database it starts all the same: live, and ready once a champion
    is promoted.
    """
    settings = settings or ServiceSettings()
    slots = Slots()
    running = Running(
        settings=settings,
        slots=slots,
        watcher=AliasWatcher(settings, slots),
        form=Form(settings.database),
        threads=ThreadPoolExecutor(N_THREADS, thread_name_prefix="predict"),
        metrics=Metrics(),
        started_at=dt.datetime.now(dt.UTC),
        deliveries=Deliveries(settings.webhook_secret),
    )

    FollowingCollector(running.metrics.registry, running.watcher, slots)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.gather(running.watcher.start(), asyncio.to_thread(running.form.look))
        settle_garbage()
        tasks = [
            asyncio.create_task(running.watcher.run(), name="alias-watcher"),
            asyncio.create_task(running.form.keep(settings.database_poll_s), name="form-keeper"),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        running.watcher.close()
        running.threads.shutdown(wait=False, cancel_futures=True)

    app = FastAPI(root_path=settings.root_path, lifespan=lifespan)
    app.state.running = running
    for router in (predict.router, status.router, models.router, webhooks.router, health.router):
        app.include_router(router)
    problems.install(app)
    app.add_middleware(Door, max_body_bytes=settings.max_body_bytes)
    describe(app)
    return app
