"""What the watcher has seen, as immutable values for ``/model_status`` and the metrics."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from model_registry.errors import Fault

Why = Fault | Literal["slow", "registry", "other"]
"""Why a version was refused, for counting."""


@dataclass(frozen=True, slots=True)
class RejectedVersion:
    """A version that was not let in, and why."""

    version: int
    why: Why
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
    last_swap_s: float = 0.0
    """When that was by the monotonic clock, which never jumps."""
    refusals: tuple[RejectedVersion, ...] = ()
    """Newest first."""
    n_refusals: Mapping[Why, int] = field(default_factory=dict)
    """Since the service started, by kind."""
