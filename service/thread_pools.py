"""The threads of a service: some for each purpose, so that no purpose waits behind another.

The loop's default executor is never used, nor are anyio's threads: both are shared by all, have no time-out,
and are joined when the service ends. ``tests/service/test_thread_pools.py`` holds the service to that.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, fields

from service.blocking_calls import BlockingCalls as Calls
from service.settings import ServiceSettings

LOG_READ_S = 10.0  # scores of a log of a million cards are read in less
RESULTS_S = (
    30.0  # a body of 256 KiB holds some thousand runners, and another import may hold SQLite's lock 10 s
)
CACHE_S = 60.0  # a model of some megabytes on a slow disk
COMPUTING_S = 10.0  # no work of ours takes a tenth of it: explanations, form guides, gzip, metrics
END_S = 2.0  # what ends takes 1.5 s at most by itself


@dataclass(frozen=True, slots=True)
class ThreadPools:
    """A pool for each purpose. Nothing here waits, until it is called.

    Polls have threads that no request can take. A purpose that reads for requests has as many threads as
    Python has use for: what computes gets one, for more of them would only take turns with the event loop.
    """

    card_form: Calls
    form_poll: Calls
    key_poll: Calls
    key_use: Calls
    stored_races: Calls
    prediction_log: Calls
    results: Calls
    registry_poll: Calls
    registry_reads: Calls
    promotion: Calls
    model_loading: Calls
    model_cache: Calls
    explanations: Calls
    form_guides: Calls
    gzip: Calls
    metrics: Calls
    end: Calls

    @classmethod
    def of(cls, settings: ServiceSettings) -> "ThreadPools":
        """Return the pools of a service; no thread is started before it is needed."""
        database, registry, queue = "the race database", "the registry", settings.queue
        database_s, registry_s = settings.database_timeout_s, settings.registry_timeout_s
        load_s = settings.load_timeout_s

        def pool(whose: str, timeout_s: float, n_threads: int, max_waiting: int) -> Calls:
            return Calls(whose, timeout_s=timeout_s, n_threads=n_threads, max_waiting=max_waiting)

        #   purpose         whose answer              seconds it has  threads  may wait
        return cls(
            card_form=pool(     database,                 database_s,     4,       queue),
            form_poll=pool(     database,                 database_s,     1,       0),
            key_poll=pool(      database,                 database_s,     2,       0),
            key_use=pool(       database,                 database_s,     1,       0),
            stored_races=pool(  database,                 database_s,     2,       queue),
            prediction_log=pool(database,                 LOG_READ_S,     2,       16),
            results=pool(       database,                 RESULTS_S,      1,       8),
            registry_poll=pool( registry,                 registry_s,     1,       4),
            registry_reads=pool(registry,                 2 * registry_s, 4,       queue),
            promotion=pool(     registry,                 load_s,         1,       4),
            model_loading=pool( "loading the version",    load_s,         3,       0),
            model_cache=pool(   "keeping the champion",   CACHE_S,        1,       4),
            explanations=pool(  "the explanation",        COMPUTING_S,    1,       queue),
            form_guides=pool(   "reading the form guide", COMPUTING_S,    1,       16),
            gzip=pool(          "unpacking the body",     COMPUTING_S,    1,       16),
            metrics=pool(       "counting the metrics",   COMPUTING_S,    1,       16),
            end=pool(           "the end",                END_S,          4,       8),
        )  # fmt: skip

    async def finish(self, *last: Callable[[], object]) -> None:
        """Make the last calls of a service at the same time; those that hang are left to themselves."""
        await asyncio.gather(*map(self.end.call, last), return_exceptions=True)

    def close(self) -> None:
        """Let the threads end, those that hang once they come back."""
        for field in fields(self):
            getattr(self, field.name).close()
