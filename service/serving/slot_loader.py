"""Brings a version into a slot: loaded aside, verified, tried, then swapped in, or rejected and left on hold.

Champion and challengers come to serve by this way, and by no other.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from model_registry.artifact import load_files
from model_registry.errors import ArtifactBroken, NotScored, RegistryUnavailable
from service.errors import ModelTooSlow
from service.serving.loading import difference_on_golden_card, make_snapshot
from service.serving.slots import Snapshot
from service.serving.state import RejectedVersion, SlotState, Swap, Why
from service.settings import ServiceSettings
from service.thread_pools import ThreadPool

if TYPE_CHECKING:
    from model_registry.fetch import ArtifactRef
    from model_registry.registry import ModelRegistry

State = TypeVar("State", bound=SlotState)
log = logging.getLogger("greyhound.service")
MAX_REJECTED = 20


class SlotLoader(Generic[State]):
    """Loads versions for one slot; its state belongs to the event loop, what blocks runs in threads."""

    def __init__(
        self,
        settings: ServiceSettings,
        role: str,
        registry: "Callable[[], ModelRegistry]",
        threads: ThreadPool,
        state: State,
    ) -> None:
        self.state = state
        self._settings = settings
        self._role = role
        self._registry = registry
        self._threads = threads
        self._on_hold: RejectedVersion | None = None
        """The version that was rejected last, while it is not to be tried again."""
        self._retry_at = 0.0

    @property
    def on_hold(self) -> RejectedVersion | None:
        """Why the version that was wanted last does not serve, if it was rejected."""
        return self._on_hold

    def forget(self) -> None:
        """Try the version that was rejected last again when it is next wanted."""
        self._on_hold = None

    def is_on_hold(self, version: int) -> bool:
        """Return whether a version was rejected, and it is not the time to try it again."""
        on_hold = self._on_hold
        if on_hold is None or on_hold.version != version:
            return False
        return on_hold.is_final or time.monotonic() < self._retry_at

    async def load(
        self,
        version: int,
        ref: "Callable[[ModelRegistry], ArtifactRef]",
        serving: Snapshot | None,
        put: Callable[[Snapshot], None],
    ) -> tuple[Snapshot, Path] | None:
        """Load a version and ``put`` it into its slot; return it and where its files are, None if rejected.

        ``ref`` finds its artifact, in the thread that loads; ``serving`` is what the slot holds until then.
        """
        start = time.monotonic()
        try:
            snapshot, difference, directory = await self._threads.call(
                lambda: self._load(ref(self._registry()), serving)
            )
        except Exception as error:  # a version may be wrong in any way; the one that serves stays
            self._reject(version, error)
            return None
        put(snapshot)
        self._on_hold = None
        seconds = time.monotonic() - start
        previous = serving.version if serving else None
        swap = Swap(version, previous, snapshot.loaded_at, round(seconds, 3), difference)
        self.state = replace(
            self.state, n_swaps=self.state.n_swaps + 1, last_swap=swap, last_swap_s=time.monotonic()
        )
        before = "the first" if previous is None else f"before: {previous}"
        log.info("%s is now version %s (%s), after %.2f s", self._role, version, before, seconds)
        return snapshot, directory

    def _load(self, ref: "ArtifactRef", serving: Snapshot | None) -> tuple[Snapshot, float | None, Path]:
        """Fetch, verify, load, warm and try a version. Blocking."""
        artifact = self._registry().fetch_files(ref)
        model = load_files(artifact.files, artifact.digest, artifact.directory)
        snapshot = make_snapshot(ref.version, model, budget_ms=self._settings.model_budget_ms)
        difference = difference_on_golden_card(model, serving.model) if serving else None
        return snapshot, difference, artifact.directory

    def _reject(self, version: int, error: Exception) -> None:
        (why, is_final), reason = _why(error), one_line(error)
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
    """Return the kind of a rejection, and whether the version is left alone until it is named anew."""
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


def one_line(error: Exception) -> str:
    """Return what an error says, in a line of bounded length."""
    return " ".join(str(error).split())[:500] or type(error).__name__
