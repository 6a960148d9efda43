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
from service.metrics import Metrics
from service.openapi import describe
from service.routes import health, metrics, models, predict, status
from service.running import Running
from service.settings import ServiceSettings
from service.slots import Slots
from service.watcher import AliasWatcher
from service.watching.lookout import Lookout
from service.watching.requests import RequestWatch

N_THREADS = 4  # for reading form; the model itself takes less than a millisecond


def create_app(settings: ServiceSettings | None = None) -> FastAPI:
    """Return the service; nothing is opened before it starts.

    With no registry, no champion or no database it starts all the same: live, and ready once a champion
    is promoted.
    """
    settings = settings or ServiceSettings()
    slots = Slots()
    watcher, form = AliasWatcher(settings, slots), Form(settings.database)
    counted = Metrics(settings.metrics_directory)
    running = Running(
        settings=settings,
        slots=slots,
        watcher=watcher,
        form=form,
        threads=ThreadPoolExecutor(N_THREADS, thread_name_prefix="predict"),
        metrics=counted,
        lookout=Lookout(counted, slots, watcher, form, has_database=settings.database is not None),
        started_at=dt.datetime.now(dt.UTC),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.gather(running.watcher.look(), asyncio.to_thread(running.form.look))
        tasks = [
            asyncio.create_task(running.watcher.run(), name="alias-watcher"),
            asyncio.create_task(running.form.keep(settings.database_poll_s), name="form-keeper"),
        ]
        async with running.lookout.keep():
            yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        running.threads.shutdown(wait=False, cancel_futures=True)

    app = FastAPI(root_path=settings.root_path, lifespan=lifespan)
    app.state.running = running
    for router in (predict.router, status.router, models.router, health.router, metrics.router):
        app.include_router(router)
    problems.install(app)
    app.add_middleware(Door, max_body_bytes=settings.max_body_bytes)
    app.add_middleware(RequestWatch, metrics=counted, tracing=running.lookout.tracing)  # last: outermost
    describe(app)
    return app
