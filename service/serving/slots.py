"""The version that serves: an immutable snapshot of a loaded version, in a slot for each role."""

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import LoadedModel
from model_registry.learning import Learning
from racing.features import CardFeaturizer, need_price_before_off
from service.errors import NotReady
from service.schemas.status import Summary
from service.serving.absence import Absence

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One loaded version, whole: a request takes it once and answers from nothing else."""

    version: int
    model: LoadedModel
    columns: NDArray[np.intp]
    """Where the model's features stand among :data:`racing.features.INPUT_NAMES`."""
    featurizer: CardFeaturizer
    """Rates cards without a database, by the tables that the version brings along."""
    summary: Summary
    is_simulated: bool
    learning: Learning
    """Until which day it has learnt, and on which races it was judged."""
    loaded_at: dt.datetime
    champion_since: dt.datetime | None
    """When it was promoted, by the registry's record."""
    cached_at: dt.datetime | None = None
    """When it was stored on this machine's disk, if it was loaded from there; None if it was loaded from the
    registry."""
    knows_prices_before_off: bool = field(init=False)
    """Whether the model takes the market's prices ten minutes before the off."""

    def __post_init__(self) -> None:
        knows = need_price_before_off(self.model.spec.features)
        object.__setattr__(self, "knows_prices_before_off", knows)

    @property
    def reads_runs(self) -> bool:
        """Whether the model takes numbers of single runs, which are then worked out for a card."""
        return self.model.spec.n_run_features > 0


class ModelSlots:
    """The snapshots that serve, by role; setting one is a single assignment, so no reader sees half of it."""

    def __init__(self) -> None:
        self.absence = Absence("loading", "the service has just started")
        """Why no champion serves, where none does; the watcher keeps it current."""
        self.challengers: tuple[Snapshot, ...] = ()
        """Those that are loaded, in the order of their roles; replaced whole."""
        self._by_role: dict[str, Snapshot] = {}

    def get(self, role: str = CHAMPION) -> Snapshot:
        """Return the snapshot of a role, or raise :class:`~service.errors.NotReady`."""
        snapshot = self._by_role.get(role)
        if snapshot is None:
            raise NotReady(str(self.absence), self.absence.reason)
        return snapshot

    def peek(self, role: str = CHAMPION) -> Snapshot | None:
        """Return the snapshot of a role, or None."""
        return self._by_role.get(role)

    def set(self, role: str, snapshot: Snapshot) -> None:
        """Let a snapshot serve from the next request on."""
        self._by_role[role] = snapshot
