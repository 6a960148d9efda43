"""Follow the registry's champion: a new version is prepared aside and swapped in whole, or refused."""

import asyncio
import datetime as dt
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
from service.serving.state import RejectedVersion, Swap, WatcherState, Why
from service.settings import ServiceSettings
from service.thread_pools import ThreadPools

if TYPE_CHECKING:
    from model_registry.alias import ChampionAlias
    from model_registry.fetch import ArtifactRef
    from model_registry.registry import ModelRegistry

T = TypeVar("T")
log = logging.getLogger("greyhound.service")
MAX_REFUSALS = 20


class AliasWatcher:
    """Keeps a slot on the version that an alias of the registry names.

    All of its state belongs to the event loop; what blocks runs in threads that may hang, see
    :class:`~service.thread_pools.ThreadPool`.
    """

    def __init__(
        self, settings: ServiceSettings, slots: ModelSlots, threads: ThreadPools, role: str = CHAMPION
    ) -> None:
        self._state = WatcherState()
        self.keeper = ChampionCache(settings, threads.model_cache)
        self._settings = settings
        self._slots = slots
        self._role = role
        self._opened: ModelRegistry | None = None
        self._alias: ChampionAlias | None = None
        self._held_back: RejectedVersion | None = None
        self._retry_at = 0.0
        self._dating: asyncio.Task[None] | None = None
        self._told = asyncio.Event()
        self._looking = asyncio.Lock()
        self._threads = threads

    @property
    def state(self) -> WatcherState:
        """Return what was seen last."""
        return self._state

    @state.setter
    def state(self, state: WatcherState) -> None:
        self._state = state
        self._slots.absence = why_none_serves(state)

    def registry(self) -> "ModelRegistry":
        """Return the registry, opened when it is first needed; blocking."""
        if self._opened is None:
            self._opened = get_model_registry(self._settings.registry)
        return self._opened

    async def ask(self, question: Callable[["ModelRegistry"], T]) -> T:
        """Return what the registry answers, or raise RegistryUnavailable once it takes too long."""
        try:
            return await self._threads.registry_reads.call(lambda: question(self.registry()))
        except TimeoutError as error:
            raise RegistryUnavailable(str(error)) from error

    def look_now(self) -> None:
        """Let :meth:`run` look at once: somebody knows that the alias moved."""
        self._told.set()

    async def start(self) -> None:
        """Look once; if the registry cannot give its champion, serve the one that was kept."""
        await self.look()
        if self._dating:
            await self._dating  # so that the first status is whole
        if self._slots.find(self._role) is None and (self.state.contact_error or self.state.refusals):
            kept = await self.keeper.load_newest()
            if kept is not None:
                self._slots.put(self._role, kept)
                log.warning("%s is version %s as kept on this machine", self._role, kept.version)

    async def run(self) -> None:
        """Look, and look again, until cancelled: after each interval, or when told to."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), self._settings.champion_poll_s)
            self._told.clear()
            try:
                await self.look()
            except Exception:  # the watcher must outlive whatever a look meets
                log.exception("looking at the registry failed")

    async def look(self) -> None:
        """Ask once which version the alias names, and bring it in if it is not the one that serves."""
        async with self._looking:
            pointer = await self._ask()
            serving = self._slots.find(self._role)
            if pointer is None or (
                serving and serving.version == pointer.version and serving.kept_at is None
            ):
                self._held_back = None
            elif not self._is_held_back(pointer.version):
                await self._bring_in(pointer, serving)

    def _is_held_back(self, version: int) -> bool:
        held_back = self._held_back
        if held_back is None or held_back.version != version:
            return False
        return held_back.is_final or time.monotonic() < self._retry_at

    async def _ask(self) -> "ArtifactRef | None":
        """Ask the registry; note the contact, or what kept us from it."""
        asked_at = dt.datetime.now(dt.UTC)
        pointer: ArtifactRef | None
        try:
            pointer = await self._threads.registry_poll.call(self._pointer)
        except NoChampion:
            pointer = None
        except Exception as error:  # whatever the registry's own database or network throws
            reason = _one_line(error)
            if self.state.contact_error != reason:
                log.warning("the registry cannot be asked: %s", reason)
            self.state = replace(self.state, last_look=asked_at, contact_error=reason)
            return None
        self.state = replace(
            self.state,
            last_look=asked_at,
            last_contact=asked_at,
            contact_error=None,
            alias_version=pointer.version if pointer else None,
        )
        return pointer

    def _pointer(self) -> "ArtifactRef":
        if self._alias is None:
            registry = self.registry()
            # Only what writes needs MLflow. The first promotion over HTTP would stop requests for its import.
            import mlflow  # noqa: F401

            from model_registry.alias import ChampionAlias

            self._alias = ChampionAlias(registry)
        return self._alias.pointer()

    async def _bring_in(self, pointer: "ArtifactRef", serving: Snapshot | None) -> None:
        start, version = time.monotonic(), pointer.version
        try:
            snapshot, difference, directory = await self._threads.model_loading.call(
                lambda: self._prepare(pointer, serving)
            )
        except Exception as error:  # a version may be wrong in any way; the one that serves stays
            why, is_final = _why(error)
            self._refuse(version, why, _one_line(error), is_final=is_final)
            return
        self._slots.put(self._role, snapshot)
        self._held_back = None
        seconds = time.monotonic() - start
        previous = serving.version if serving else None
        swap = Swap(version, previous, snapshot.loaded_at, round(seconds, 3), difference)
        self.state = replace(
            self.state, n_swaps=self.state.n_swaps + 1, last_swap=swap, last_swap_s=time.monotonic()
        )
        before = "the first" if previous is None else f"before: {previous}"
        log.info("%s is now version %s (%s), after %.2f s", self._role, version, before, seconds)
        self._dating = asyncio.create_task(self._date(snapshot, directory))

    def _prepare(
        self, pointer: "ArtifactRef", serving: Snapshot | None
    ) -> tuple[Snapshot, float | None, Path]:
        """Fetch, verify, load, warm and try a version. Blocking."""
        got = self.registry().fetch_files(pointer)
        model = load_files(got.files, got.digest, got.directory)
        snapshot = make_snapshot(pointer.version, model, budget_ms=self._settings.model_budget_ms)
        difference = difference_on_golden_card(model, serving.model) if serving else None
        return snapshot, difference, got.directory

    async def _date(self, snapshot: Snapshot, directory: Path) -> None:
        """Find out when the version that serves was promoted, which nobody waits for, and keep it on disk."""
        with suppress(RegistryError, NoAnswerInTime, Overloaded):
            history = await self._threads.registry_poll.call(lambda: self.registry().history())
            at = [r.at for r in history if r.version == snapshot.version and r.is_carried_out]
            if at and self._slots.find(self._role) is snapshot:
                snapshot = replace(snapshot, champion_since=at[-1])
                self._slots.put(self._role, snapshot)
        self.keeper.keep(snapshot, directory)

    def _refuse(self, version: int, why: Why, reason: str, *, is_final: bool) -> None:
        refusal = RejectedVersion(version, why, reason, dt.datetime.now(dt.UTC), is_final)
        self._held_back = refusal
        self._retry_at = time.monotonic() + self._settings.retry_s
        others = [r for r in self.state.refusals if r.version != version or r.reason != reason]
        self.state = replace(
            self.state,
            refusals=(refusal, *others)[:MAX_REFUSALS],
            n_refusals={**self.state.n_refusals, why: self.state.n_refusals.get(why, 0) + 1},
        )
        log.error("version %s is refused: %s", version, reason)


def _why(error: Exception) -> tuple[Why, bool]:
    """Return the kind of a refusal, and whether the version is left alone until the alias moves."""
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
