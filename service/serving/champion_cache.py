"""The champion on disk: stored after each swap, loaded at a start without the registry."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

from model_registry.cache import ArtifactCache
from model_registry.errors import RegistryError
from service.errors import ServiceError
from service.serving.loading import load_snapshot
from service.serving.slots import Snapshot
from service.serving.state import CacheState
from service.settings import ServiceSettings, address_fingerprint
from service.thread_pools import ThreadPool

log = logging.getLogger("greyhound.service")
N_STORED = 2  # should one be damaged, the other is taken


class ChampionCache:
    """Stores one version at a time; the next one that serves takes its place."""

    def __init__(self, settings: ServiceSettings, threads: ThreadPool) -> None:
        self.state = CacheState()
        self._retry_s = settings.retry_s
        self._threads = threads
        self._task: asyncio.Task[None] | None = None
        self._artifacts: ArtifactCache | None = None
        if settings.kept_champion:
            registry = address_fingerprint(settings.registry or "")
            self._artifacts = ArtifactCache(settings.kept_champion, registry=registry, max_artifacts=N_STORED)

    def store(self, snapshot: Snapshot, directory: Path) -> None:
        """Begin to store a version that serves, until it is stored; :attr:`state` has what went wrong."""
        if self._artifacts is None:
            return
        if self._task:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._store(self._artifacts, snapshot, directory))

    async def load_newest(self) -> Snapshot | None:
        """Return the newest stored version that is whole, verified like any other, or None."""
        for entry in self._artifacts.newest_first() if self._artifacts else ():
            try:
                snapshot = await self._threads.call(
                    lambda entry=entry: load_snapshot(  # type: ignore[misc]
                        entry.version,
                        entry.directory,
                        digest=entry.digest,
                        champion_since=entry.champion_since,
                        cached_at=entry.stored_at,
                    )
                )
            except (RegistryError, ServiceError, OSError) as error:
                log.error("the stored version %s is rejected: %s", entry.version, error)
                self.state = replace(self.state, error=str(error)[:500])
                continue
            self.state = CacheState(entry.version, entry.stored_at)
            return snapshot
        return None

    async def _store(self, artifacts: ArtifactCache, snapshot: Snapshot, directory: Path) -> None:
        version, digest, since = snapshot.version, snapshot.model.digest, snapshot.champion_since
        while True:
            try:
                stored = await self._threads.call(
                    lambda: artifacts.add_copy(version, digest, directory, champion_since=since)
                )
            except (RegistryError, ServiceError, OSError) as error:  # TimeoutError is an OSError
                self.state = replace(self.state, error=" ".join(str(error).split())[:500])
                log.error("version %s serves, but could not be stored: %s", version, error)
                await asyncio.sleep(self._retry_s)  # a disk that was full may have room again
            else:
                self.state = CacheState(version, stored.stored_at)
                return
