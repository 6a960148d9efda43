"""Keeps what serves on disk, behind the requests' backs, and brings it up when the registry cannot."""

import asyncio
import datetime as dt
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from model_registry.errors import RegistryError
from service.errors import ServiceError
from service.serving.kept import Kept, KeptChampions
from service.serving.loading import load_snapshot
from service.serving.slots import Snapshot
from service.settings import ServiceSettings
from service.thread_pools import ThreadPool

log = logging.getLogger("greyhound.service")


@dataclass(frozen=True, slots=True)
class KeptState:
    """What lies on disk for the next start."""

    version: int | None = None
    kept_at: dt.datetime | None = None
    error: str | None = None
    """Why the champion that serves could not be kept, or one that was kept could not be used."""


class _Swapped(NamedTuple):
    snapshot: Snapshot
    directory: Path


class ChampionCache:
    """Keeps one swap at a time; of several meanwhile, the newest."""

    def __init__(self, settings: ServiceSettings, threads: ThreadPool) -> None:
        self.state = KeptState()
        self._budget_ms = settings.model_budget_ms
        self._retry_s = settings.retry_s
        self._champions: KeptChampions | None = None
        if settings.kept_champion:
            self._champions = KeptChampions(settings.kept_champion, registry=settings.registry or "")
        self._next: _Swapped | None = None
        self._task: asyncio.Task[None] | None = None
        self._threads = threads

    def keep(self, snapshot: Snapshot, directory: Path) -> None:
        """Keep a version that serves now, soon; whatever goes wrong is told in :attr:`state`."""
        if self._champions is None:
            return
        self._next = _Swapped(snapshot, directory)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work(self._champions))

    async def load_newest(self) -> Snapshot | None:
        """Return the newest kept version that is whole, proved like any other, or None."""
        if self._champions is None:
            return None
        for kept in self._champions.newest_first():
            try:
                snapshot = await self._threads.call(lambda kept=kept: self._load(kept))  # type: ignore[misc]
            except (RegistryError, ServiceError, OSError) as error:
                log.error("the kept version %s is refused: %s", kept.version, error)
                self.state = replace(self.state, error=str(error)[:500])
                continue
            self.state = KeptState(kept.version, kept.kept_at)
            return snapshot
        return None

    def _load(self, kept: Kept) -> Snapshot:
        return load_snapshot(
            kept.version,
            kept.directory,
            digest=kept.digest,
            champion_since=kept.champion_since,
            kept_at=kept.kept_at,
        )

    async def _work(self, champions: KeptChampions) -> None:
        while self._next:
            swapped, self._next = self._next, None
            serving = swapped.snapshot
            try:
                kept_at = await self._threads.call(
                    lambda serving=serving, directory=swapped.directory: champions.keep(  # type: ignore[misc]
                        serving.version,
                        directory,
                        digest=serving.model.digest,
                        champion_since=serving.champion_since,
                    )
                )
            except (RegistryError, ServiceError, OSError) as error:  # TimeoutError is an OSError
                self.state = replace(self.state, error=" ".join(str(error).split())[:500])
                log.error("version %s serves, but could not be kept: %s", serving.version, error)
                await asyncio.sleep(self._retry_s)  # a disk that was full may have room again
                self._next = self._next or swapped
            else:
                self.state = KeptState(serving.version, kept_at)
