"""Follow the registry's champion: a new version is prepared aside and swapped in whole, or refused."""

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from model_registry import get_model_registry
from model_registry.errors import ArtifactBroken, NoChampion
from model_registry.registry import ModelRegistry
from service.loading import difference_on_golden_card, load_snapshot
from service.settings import ServiceSettings
from service.slots import CHAMPION, Slots, Snapshot

log = logging.getLogger("greyhound.service")
MAX_REFUSALS = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """A version that was not let in, and why."""

    version: int
    reason: str
    at: dt.datetime
    is_final: bool
    """Not tried again until the alias moves; otherwise it is tried again after a while."""


@dataclass(frozen=True, slots=True)
class Swap:
    """A version that was let in."""

    version: int
    previous: int | None
    at: dt.datetime
    seconds: float
    """From seeing the alias to serving."""
    golden_difference: float | None
    """Largest difference to the previous version on the new one's golden card."""


@dataclass(frozen=True, slots=True)
class WatcherState:
    """What the watcher has seen, as one immutable value; it is replaced, never changed."""

    last_look: dt.datetime | None = None
    last_contact: dt.datetime | None = None
    contact_error: str | None = "the registry has not been asked yet"
    alias_version: int | None = None
    """The version that the alias names, whether or not it serves."""
    n_swaps: int = 0
    last_swap: Swap | None = None
    refusals: tuple[Refusal, ...] = ()
    """Newest first."""
    n_refusals: Mapping[str, int] = field(default_factory=dict)
    """Since the service started, by kind."""


class AliasWatcher:
    """Keeps a slot on the version that an alias of the registry names."""

    def __init__(self, settings: ServiceSettings, slots: Slots, role: str = CHAMPION) -> None:
        self.state = WatcherState()
        self._settings = settings
        self._slots = slots
        self._role = role
        self._registry: ModelRegistry | None = None
        self._held_back: Refusal | None = None
        self._retry_at = 0.0

    def registry(self) -> ModelRegistry:
        """Return the registry, opened when it is first needed; blocking."""
        if self._registry is None:
            self._registry = get_model_registry(self._settings.registry)
        return self._registry

    async def run(self) -> None:
        """Look, and look again, until cancelled."""
        while True:
            await asyncio.sleep(self._settings.champion_poll_s)
            try:
                await self.look()
            except Exception:  # the watcher must outlive whatever a look meets
                log.exception("looking at the registry failed")

    async def look(self) -> None:
        """Ask once which version the alias names, and bring it in if it is not the one that serves."""
        version = await asyncio.to_thread(self._alias_version)
        serving = self._slots.find(self._role)
        if version is None or (serving and serving.version == version):
            self._held_back = None
            return
        held_back = self._held_back
        is_same = held_back is not None and held_back.version == version
        if held_back and is_same and (held_back.is_final or time.monotonic() < self._retry_at):
            return
        await self._bring_in(version, serving)

    async def _bring_in(self, version: int, serving: Snapshot | None) -> None:
        start = time.monotonic()
        try:
            snapshot, difference = await asyncio.to_thread(self._prepare, version, serving)
        except ArtifactBroken as error:
            self._refuse(version, str(error), is_final=True)
            return
        except Exception as error:
            self._refuse(version, str(error) or type(error).__name__, is_final=False)
            return
        self._slots.put(self._role, snapshot)
        self._held_back = None
        seconds = time.monotonic() - start
        previous = serving.version if serving else None
        swap = Swap(version, previous, snapshot.loaded_at, round(seconds, 3), difference)
        self.state = replace(self.state, n_swaps=self.state.n_swaps + 1, last_swap=swap)
        log.info("%s is now version %s (was %s), after %.2f s", self._role, version, previous, seconds)

    def _alias_version(self) -> int | None:
        """Ask the registry; note the contact, or what kept us from it. Blocking."""
        now = dt.datetime.now(dt.UTC)
        try:
            version: int | None = self.registry().champion_version_number()
        except NoChampion:
            version = None
        except Exception as error:  # whatever the registry's own database or network throws
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            self.state = replace(self.state, last_look=now, contact_error=reason)
            log.warning("the registry cannot be asked: %s", reason)
            return None
        self.state = replace(
            self.state, last_look=now, last_contact=now, contact_error=None, alias_version=version
        )
        return version

    def _prepare(self, version: int, serving: Snapshot | None) -> tuple[Snapshot, float | None]:
        """Fetch, verify, load, warm and try a version. Blocking."""
        registry = self.registry()
        promoted = [record.at for record in registry.history() if record.version == version]
        snapshot = load_snapshot(
            version, registry.fetch(version), champion_since=promoted[-1] if promoted else None
        )
        difference = difference_on_golden_card(snapshot.model, serving.model) if serving else None
        return snapshot, difference

    def _refuse(self, version: int, reason: str, *, is_final: bool) -> None:
        refusal = Refusal(version, reason[:500], dt.datetime.now(dt.UTC), is_final)
        self._held_back = refusal
        self._retry_at = time.monotonic() + self._settings.retry_s
        others = [r for r in self.state.refusals if r.version != version or r.reason != refusal.reason]
        why = "broken" if is_final else "registry"
        counted = {**self.state.n_refusals, why: self.state.n_refusals.get(why, 0) + 1}
        self.state = replace(self.state, refusals=(refusal, *others)[:MAX_REFUSALS], n_refusals=counted)
        log.error("version %s is refused: %s", version, reason)
