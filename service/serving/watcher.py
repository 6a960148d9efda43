"""Keep a slot on the registry's champion: a new version is loaded aside, and swapped in or rejected.

Guarantee: a version serves within a poll and 0.3 s of its promotion, no request fails for it, and a
registry that is away or hangs delays no request. A poll is one read of the alias: 3 ms of a core on SQLite,
4 over HTTP.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from model_registry import get_model_registry
from model_registry.errors import NoChampion, RegistryError, RegistryUnavailable
from service.errors import NoAnswerInTime, Overloaded
from service.serving.absence import why_none_serves
from service.serving.champion_cache import ChampionCache
from service.serving.loading import return_memory
from service.serving.slot_loader import SlotLoader, one_line
from service.serving.slots import CHAMPION, ModelSlots, Snapshot
from service.serving.state import CacheState, WatcherState
from service.settings import ServiceSettings
from service.thread_pools import ThreadPools

if TYPE_CHECKING:
    from model_registry.fetch import ArtifactRef
    from model_registry.registry import ModelRegistry

T = TypeVar("T")
log = logging.getLogger("greyhound.service")


class AliasWatcher:
    """Keeps the champion's slot on the version that its alias names; holds the registry for others too.

    All of its state belongs to the event loop; what blocks runs in threads that may hang, see
    :class:`~service.thread_pools.ThreadPool`.
    """

    def __init__(self, settings: ServiceSettings, slots: ModelSlots, threads: ThreadPools) -> None:
        self._settings = settings
        self._slots = slots
        self._threads = threads
        self._loader = SlotLoader(settings, CHAMPION, self.registry, threads.model_loading, WatcherState())
        self._cache = ChampionCache(settings, threads.model_cache)
        self._registry: ModelRegistry | None = None
        self._after_swap: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._polling = asyncio.Lock()

    @property
    def state(self) -> WatcherState:
        """Return the result of the polls so far."""
        return self._loader.state

    @property
    def cache_state(self) -> CacheState:
        """Return the state of the champion on disk."""
        return self._cache.state

    def registry(self) -> "ModelRegistry":
        """Return the registry, opened when it is first needed; blocking."""
        if self._registry is None:
            self._registry = get_model_registry(self._settings.registry)
        return self._registry

    async def ask(self, question: Callable[["ModelRegistry"], T]) -> T:
        """Return what the registry answers, or raise RegistryUnavailable once it takes too long."""
        try:
            return await self._threads.registry_reads.call(lambda: question(self.registry()))
        except TimeoutError as error:
            raise RegistryUnavailable(str(error)) from error

    def wake(self) -> None:
        """Let :meth:`run` poll at once, e.g. because a webhook reports that the alias moved."""
        self._woken.set()

    async def start(self) -> None:
        """Poll once; if the registry cannot give its champion, serve the one on disk."""
        with suppress(Exception):  # the poll reports what is wrong with it
            await self._threads.model_loading.call(lambda: self.registry().prepare())
        await self.poll()
        if self._after_swap:
            await self._after_swap  # so that the first status is whole
        if self._slots.peek() is None and (self.state.contact_error or self.state.rejected):
            cached = await self._cache.load_newest()
            if cached is not None:
                self._slots.set(CHAMPION, cached)
                log.warning("%s is version %s as stored on this machine", CHAMPION, cached.version)

    async def run(self) -> None:
        """Poll after each interval, or when woken, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._settings.champion_poll_s)
            self._woken.clear()
            try:
                await self.poll()
            except Exception:  # the watcher must outlive any error of a poll
                log.exception("polling the registry failed")

    async def poll(self) -> None:
        """Read once which version the alias names, and swap it in if it is not the one that serves."""
        async with self._polling:
            ref = await self._read_alias()
            serving = self._slots.peek()
            if ref is None or (serving and serving.version == ref.version and serving.cached_at is None):
                self._loader.forget()
            elif not self._loader.is_on_hold(ref.version):
                await self._load_and_swap(ref, serving)

    async def _read_alias(self) -> "ArtifactRef | None":
        """Return the version that the alias names; None if there is none or the registry does not answer."""
        now = dt.datetime.now(dt.UTC)
        ref: ArtifactRef | None
        try:
            ref = await self._threads.registry_poll.call(lambda: self.registry().champion_ref())
        except NoChampion:
            ref = None
        except Exception as error:  # any error of the registry's own database or network
            reason = one_line(error)
            if self.state.contact_error != reason:
                log.warning("the registry cannot be read: %s", reason)
            self._note(replace(self.state, last_poll=now, contact_error=reason))
            return None
        self._note(
            replace(
                self.state,
                last_poll=now,
                last_contact=now,
                contact_error=None,
                alias_version=ref.version if ref else None,
            )
        )
        return ref

    async def _load_and_swap(self, ref: "ArtifactRef", serving: Snapshot | None) -> None:
        def put(snapshot: Snapshot) -> None:
            self._slots.set(CHAMPION, snapshot)

        loaded = await self._loader.load(ref.version, lambda _: ref, serving, put)
        self._note(self.state)
        if loaded is not None:
            self._after_swap = asyncio.create_task(self._date_and_store(*loaded))

    def _note(self, state: WatcherState) -> None:
        self._loader.state = state
        self._slots.absence = why_none_serves(state)

    async def _date_and_store(self, snapshot: Snapshot, directory: Path) -> None:
        """Add to what serves when it was promoted, and store it on disk; no request waits for either."""
        with suppress(RegistryError, NoAnswerInTime, Overloaded):
            history = await self._threads.registry_poll.call(lambda: self.registry().history())
            at = [r.at for r in history if r.version == snapshot.version and r.is_carried_out]
            if at and self._slots.peek() is snapshot:
                snapshot = replace(snapshot, champion_since=at[-1])
                self._slots.set(CHAMPION, snapshot)
        self._cache.store(snapshot, directory)
        with suppress(NoAnswerInTime, Overloaded):  # the version before is gone by now
            await self._threads.model_loading.call(return_memory)
