"""What a family of models is: a search space, sensible defaults, and a way to fit a member."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import optuna
from numpy.typing import NDArray

from racing.race_table import RaceTable
from training.data.training_set import TrainingSet
from training.families.forest import Forest

Params = Mapping[str, Any]
Floats = NDArray[np.float64]

_FINER = 2  # half the step, twice the steps: .001 of race log loss for twice the time


@dataclass(frozen=True, slots=True)
class Setting:
    """The arguments of a fit beside rows and parameters."""

    categorical: Sequence[int] = ()
    """Columns that hold codes, not amounts."""
    seed: int = 0
    focal_gamma: float | None = None
    """The loss is focal with this gamma; only given to families with ``has_focal_loss``."""
    is_final: bool = False
    """The final fit: a forest then grows more trees, boosting takes finer steps than in the search."""
    growth: float = 1.0
    """How many times as far boosting may go, since the final fit learns from more races than the search."""

    on_step: Callable[[], None] = lambda: None
    """Called after each of a fit's steps, by a family that counts several (see ``FieldFamily``)."""
    n_threads: int = 1
    """A constant of the caller, never the machine's number of cores: sums differ by the number of threads."""

    def steps(self, rate: float, n_steps: int) -> tuple[float, int]:
        """Return the learning rate and the number of steps of boosting."""
        if not self.is_final:
            return rate, n_steps
        return rate / _FINER, round(_FINER * self.growth * n_steps)


@runtime_checkable
class Member(Protocol):
    """A fitted model of one family."""

    def log_odds(self, features: NDArray[np.float32]) -> Floats:
        """Return each runner's log odds of winning, shape (n,); NaN among the features is unknown."""
        ...


@runtime_checkable
class FieldMember(Protocol):
    """A fitted model that reads the runners of a race together, and their runs one by one."""

    @property
    def reads_runs(self) -> bool:
        """Return whether it takes the numbers of single runs."""
        ...

    def field_log_odds(
        self,
        features: NDArray[np.float32],
        run_features: NDArray[np.float32] | None,
        race: NDArray[np.int64],
    ) -> Floats:
        """Return each runner's log odds among those of its race, shape (n,); races are contiguous."""
        ...

    def steps(self, n_runners: int) -> int:
        """Return the work for a card, in steps of :mod:`training.search.cost`."""
        ...


FittedMember = Member | FieldMember


def log_odds_of(member: FittedMember, table: RaceTable) -> Floats:
    """Return the log odds of a table's runners by a member of any family."""
    if isinstance(member, FieldMember):
        return member.field_log_odds(table.features, table.run_features, table.race)
    return member.log_odds(table.features)


@runtime_checkable
class TreeMember(Member, Protocol):
    """A fitted model that is made of trees."""

    def forest(self) -> Forest:
        """Return the trees as a table."""
        ...


class Family(Protocol):
    """One way to learn; stateless."""

    name: str
    defaults: ClassVar[Params]
    """The first trial, good without any search."""
    has_focal_loss: bool
    """Takes the focal loss itself; other families are fitted twice, see :mod:`training.data.imbalance`."""

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return one point of the search space."""
        ...

    def fit(self, train: TrainingSet, params: Params, setting: Setting) -> FittedMember:
        """Fit one member on ``setting.n_threads``; the same arguments give the same member."""
        ...


@runtime_checkable
class FieldFamily(Family, Protocol):
    """A family whose members are :class:`FieldMember`."""

    reads_field: bool
    n_trials: int
    """So many trials are all that a search of it makes."""

    def n_steps(self, params: Params) -> int:
        """Return the steps of a fit, of which each takes long enough to be reported."""
        ...

    @property
    def is_available(self) -> bool:
        """Return whether the libraries that it needs are installed."""
        ...
