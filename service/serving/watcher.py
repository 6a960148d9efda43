"""Keep a slot on the registry's champion: a new version is loaded aside, and swapped in or rejected.

Guarantee: a version serves within a poll and 0.3 s of its promotion, no request fails for it, and a
registry that is away or hangs delays no request. A poll is one read of the alias: 3 ms of a core on SQLite,
4 over HTTP.
"""

import asyncio
import datetime as dt
import importlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from model_registry import get_model_registry
from model_registry.artifact import load_files
from model_registry.errors import ArtifactBroken, NoChampion, NotScored, RegistryError, RegistryUnavailable
from service.errors import ModelTooSlow, NoAnswerInTime, Overloaded
from service.serving.absence import why_none_serves
from service.serving.champion_cache import ChampionCache
from service.serving.loading import difference_on_golden_card, make_snapshot
from service.serving.slots import CHAMPION, ModelSlots, Snapshot
from service.serving.state import CacheState, RejectedVersion, Swap, WatcherState, Why
from service.settings import ServiceSettings
from service.thread_pools import ThreadPools

if TYPE_CHECKING:
    from model_registry.fetch import ArtifactRef
    from model_registry.registry import ModelRegistry

T = TypeVar("T")
log = logging.getLogger("greyhound.service")
MAX_REJECTED = 20


class AliasWatcher:
    """Keeps a slot on the version that an alias of the registry names.

    All of its state belongs to the event loop; what blocks runs in threads that may hang, see
    :class:`~service.thread_pools.ThreadPool`.
    """

    def __init__(
        self, settings: ServiceSettings, slots: ModelSlots, threads: ThreadPools, role: str = CHAMPION
    ) -> None:
        self._state = WatcherState()
        self._settings = settings
        self._slots = slots
        self._threads = threads
        self._role = role
        self._cache = ChampionCache(settings, threads.model_cache)
        self._registry: ModelRegistry | None = None
        self._on_hold: RejectedVersion | None = None
        """The version that the alias names, while it is not to be tried again."""
        self._retry_at = 0.0
        self._after_swap: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._polling = asyncio.Lock()

    @property
    def state(self) -> WatcherState:
        """Return the result of the polls so far."""
        return self._state

    @state.setter
    def state(self, state: WatcherState) -> None:
        self._state = state
        self._slots.absence = why_none_serves(state)

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
        # Only writing needs MLflow, and the first promotion would stop requests for its import of 1.5 s.
        with suppress(Exception):  # the poll reports what is wrong with it
            await self._threads.model_loading.call(lambda: importlib.import_module("mlflow"))
        await self.poll()
        if self._after_swap:
            await self._after_swap  # so that the first status is whole
        if self._slots.peek(self._role) is None and (self.state.contact_error or self.state.rejected):
            cached = await self._cache.load_newest()
            if cached is not None:
                self._slots.set(self._role, cached)
                log.warning("%s is version %s as stored on this machine", self._role, cached.version)

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
            serving = self._slots.peek(self._role)
            if ref is None or (serving and serving.version == ref.version and serving.cached_at is None):
                self._on_hold = None
            elif not self._is_on_hold(ref.version):
                await self._load_and_swap(ref, serving)

    def _is_on_hold(self, version: int) -> bool:
        on_hold = self._on_hold
        if on_hold is None or on_hold.version != version:
            return False
        return on_hold.is_final or time.monotonic() < self._retry_at

    async def _read_alias(self) -> "ArtifactRef | None":
        """Return the version that the alias names; None if there is none or the registry does not answer."""
        now = dt.datetime.now(dt.UTC)
        ref: ArtifactRef | None
        try:
            ref = await self._threads.registry_poll.call(lambda: self.registry().champion_ref())
        except NoChampion:
            ref = None
        except Exception as error:  # any error of the registry's own database or network
            reason = _one_line(error)
            if self.state.contact_error != reason:
                log.warning("the registry cannot be read: %s", reason)
            self.state = replace(self.state, last_poll=now, contact_error=reason)
            return None
        self.state = replace(
            self.state,
            last_poll=now,
            last_contact=now,
            contact_error=None,
            alias_version=ref.version if ref else None,
        )
        return ref

    async def _load_and_swap(self, ref: "ArtifactRef", serving: Snapshot | None) -> None:
        start = time.monotonic()
        try:
            snapshot, difference, directory = await self._threads.model_loading.call(
                lambda: self._load(ref, serving)
            )
        except Exception as error:  # a version may be wrong in any way; the one that serves stays
            self._reject(ref.version, error)
            return
        self._slots.set(self._role, snapshot)
        self._on_hold = None
        seconds = time.monotonic() - start
        previous = serving.version if serving else None
        swap = Swap(ref.version, previous, snapshot.loaded_at, round(seconds, 3), difference)
        self.state = replace(
            self.state, n_swaps=self.state.n_swaps + 1, last_swap=swap, last_swap_s=time.monotonic()
        )
        before = "the first" if previous is None else f"before: {previous}"
        log.info("%s is now version %s (%s), after %.2f s", self._role, ref.version, before, seconds)
        self._after_swap = asyncio.create_task(self._date_and_store(snapshot, directory))

    def _load(self, ref: "ArtifactRef", serving: Snapshot | None) -> tuple[Snapshot, float | None, Path]:
        """Fetch, verify, load, warm and try a version. Blocking."""
        artifact = self.registry().fetch_files(ref)
        model = load_files(artifact.files, artifact.digest, artifact.directory)
        snapshot = make_snapshot(ref.version, model, budget_ms=self._settings.model_budget_ms)
        difference = difference_on_golden_card(model, serving.model) if serving else None
        return snapshot, difference, artifact.directory

    async def _date_and_store(self, snapshot: Snapshot, directory: Path) -> None:
        """Add to what serves when it was promoted, and store it on disk; no request waits for either."""
        with suppress(RegistryError, NoAnswerInTime, Overloaded):
            history = await self._threads.registry_poll.call(lambda: self.registry().history())
            at = [r.at for r in history if r.version == snapshot.version and r.is_carried_out]
            if at and self._slots.peek(self._role) is snapshot:
                snapshot = replace(snapshot, champion_since=at[-1])
                self._slots.set(self._role, snapshot)
        self._cache.store(snapshot, directory)

    def _reject(self, version: int, error: Exception) -> None:
        (why, is_final), reason = _why(error), _one_line(error)
        rejected = RejectedVersion(version, why, reason, dt.datetime.now(dt.UTC), is_final)
        self._on_hold = rejected
        self._retry_at = time.monotonic() + self._settings.retry_s
        others = [r for r in self.state.rejected if r.version != version or r.reason != reason]
        self.state = replace(
            self.state,
            rejected=(rejected, *others)[:MAX_REJECTED],
            n_rejected={**self.state.n_rejected, why: self.state.n_rejected.get(why, 0) + 1},
        )
        log.error("version %s is refused: %s", version, reason)


def _why(error: Exception) -> tuple[Why, bool]:
    """Return the kind of a rejection, and whether the version is left alone until the alias moves."""
    match error:
        case ArtifactBroken():
            return error.fault, True
        case NotScored():
            return "golden", True
        case ModelTooSlow():
            return "slow", True
        case TimeoutError():
            return "slow", False
        case RegistryUnavailable():
            return "registry", False
        case _:
            return "other", False


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500] or type(error).__name__
