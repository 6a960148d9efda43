"""State of the alias watcher and of the champion on disk, as immutable values."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from model_registry.errors import Fault

Why = Fault | Literal["slow", "registry", "other"]
"""Why a version was rejected, for counting."""


@dataclass(frozen=True, slots=True)
class RejectedVersion:
    """A version that the alias named and that does not serve."""

    version: int
    why: Why
    reason: str
    at: dt.datetime
    is_final: bool
    """Not tried again until the alias moves; otherwise it is tried again after a while."""


@dataclass(frozen=True, slots=True)
class Swap:
    """A version that came to serve."""

    version: int
    previous: int | None
    at: dt.datetime
    seconds: float
    """From reading the alias to serving."""
    golden_difference: float | None
    """Largest difference to the previous version on the new one's golden card; None where not comparable."""


@dataclass(frozen=True, slots=True)
class CacheState:
    """The champion on this machine's disk, for the next start."""

    version: int | None = None
    stored_at: dt.datetime | None = None
    error: str | None = None
    """Why the version that serves could not be stored, or a stored one could not be used."""


@dataclass(frozen=True, slots=True)
class SlotState:
    """How a slot came to hold what it holds; it is replaced, never changed."""

    n_swaps: int = 0
    last_swap: Swap | None = None
    last_swap_s: float = 0.0
    """When that was by the monotonic clock, which never jumps."""
    rejected: tuple[RejectedVersion, ...] = ()
    """Newest first."""
    n_rejected: Mapping[Why, int] = field(default_factory=dict)
    """Since the service started, by kind."""


@dataclass(frozen=True, slots=True)
class WatcherState(SlotState):
    """Result of the polls of the champion's alias so far."""

    last_poll: dt.datetime | None = None
    last_contact: dt.datetime | None = None
    contact_error: str | None = "the registry has not been polled yet"
    alias_version: int | None = None
    """The version that the alias names, whether or not it serves."""
