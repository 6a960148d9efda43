"""Loads the versions that run beside the champion, by the same way as the champion itself.

These are the challengers of the experiment that runs; without one, those that the registry's aliases name
(``challenger``, ``challenger-2`` ...). A version that is named no more is dropped at once. Threads and
connections are of their own: a challenger that hangs on its way in holds up no champion.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_registry.aliases import CHALLENGERS
from model_registry.errors import RegistryError
from service.errors import NoAnswerInTime, Overloaded
from service.experiments.follower import ActiveExperiment
from service.serving.slot_loader import SlotLoader
from service.serving.slots import ModelSlots, Snapshot
from service.serving.state import RejectedVersion, SlotState
from service.settings import ServiceSettings
from service.thread_pools import ThreadPools

if TYPE_CHECKING:
    from model_registry.registry import ModelRegistry

log = logging.getLogger("greyhound.service")


@dataclass(frozen=True, slots=True)
class NamedChallenger:
    """A version that is to run beside the champion, and how far it has come."""

    role: str
    version: int
    snapshot: Snapshot | None
    rejected: RejectedVersion | None
    """Why it is not loaded, if it was rejected."""


class ChallengerWatcher:
    """Keeps the challengers of :class:`~service.serving.slots.ModelSlots` on the versions that are named."""

    def __init__(
        self,
        settings: ServiceSettings,
        slots: ModelSlots,
        threads: ThreadPools,
        registry: "Callable[[], ModelRegistry]",
        experiment: ActiveExperiment,
        begin_anew: Callable[[int], None] = lambda version: None,
    ) -> None:
        self._settings = settings
        self._slots = slots
        self._threads = threads
        self._registry = registry
        self._experiment = experiment
        self._begin_anew = begin_anew
        self._named: dict[str, int] = {}
        self._by_alias: dict[str, int] = {}
        self._loaders: dict[int, SlotLoader[SlotState]] = {}
        self._loaded: dict[int, Snapshot] = {}
        self._loading: dict[int, asyncio.Task[None]] = {}
        self._woken = experiment.changed
        self._polling = asyncio.Lock()

    @property
    def named(self) -> list[NamedChallenger]:
        """Return the versions that are to run beside the champion, in the order of their roles."""
        return [
            NamedChallenger(role, version, self._loaded.get(version), self._on_hold(version))
            for role, version in self._named.items()
        ]

    def wake(self) -> None:
        """Let :meth:`run` poll at once, e.g. because a webhook reports that an alias moved."""
        self._woken.set()

    async def run(self) -> None:
        """Poll after each interval, or when woken or the experiment changes, until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.poll()
            except Exception:  # following must go on
                log.exception("following the challengers failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._settings.champion_poll_s)

    async def poll(self) -> None:
        """Read once which versions are named; begin to load those that are new, drop those named no more."""
        async with self._polling:
            self._name(await self._read())
            for role, version in self._named.items():
                loader = self._loaders.get(version)
                if loader is None:
                    loader = self._loaders[version] = self._loader(role)
                is_there = version in self._loaded or version in self._loading
                if not is_there and not loader.is_on_hold(version):
                    self._loading[version] = asyncio.create_task(self._load(loader, version))

    async def _read(self) -> dict[str, int]:
        """Return the versions that are named, by role; those of before while the registry is away."""
        experiment = self._experiment.current
        if experiment is not None:
            return dict(zip(CHALLENGERS, experiment.challengers, strict=False))
        with suppress(RegistryError, NoAnswerInTime, Overloaded):  # the champion's watcher reports it
            self._by_alias = await self._threads.challenger_poll.call(
                lambda: self._registry().challenger_versions()
            )
        return self._by_alias

    def _name(self, named: dict[str, int]) -> None:
        if named == self._named:
            return
        self._named = named
        versions = set(named.values())
        for version in self._loaders.keys() - versions:
            del self._loaders[version]
            if self._loaded.pop(version, None):
                log.info("version %d runs beside the champion no more", version)
        self._publish()

    async def _load(self, loader: SlotLoader[SlotState], version: int) -> None:
        def put(snapshot: Snapshot) -> None:
            if self._loaders.get(version) is loader:  # else it was dropped meanwhile
                self._begin_anew(version)
                self._loaded[version] = snapshot
                self._publish()

        try:
            await loader.load(version, lambda registry: registry.artifact_ref(version), None, put)
        finally:
            del self._loading[version]

    def _publish(self) -> None:
        named = self._named.values()
        self._slots.challengers = tuple(self._loaded[version] for version in named if version in self._loaded)

    def _loader(self, role: str) -> SlotLoader[SlotState]:
        return SlotLoader(self._settings, role, self._registry, self._threads.challenger_loading, SlotState())

    def _on_hold(self, version: int) -> RejectedVersion | None:
        loader = self._loaders.get(version)
        return loader.on_hold if loader else None
