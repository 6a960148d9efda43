"""What a person decides about the search."""

from dataclasses import dataclass
from pathlib import Path

from training.engines.engine import Engine
from training.families import DEFAULT_FAMILY_NAMES, MORE_NETS, family_named


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """The settings of a search; all but ``families`` and ``n_jobs`` are the same for every family."""

    families: tuple[str, ...] = DEFAULT_FAMILY_NAMES
    n_trials: int = 20
    """Of each family that is searched to the end, see :mod:`training.search.schedule`."""
    n_folds: int = 3
    seed: int = 0
    storage: Path | str | None = None
    """A journal's path, or a database's URL; ``None`` stores it in memory, from where it is not resumed."""
    study_name: str = "greyhound"
    resume: bool = False
    time_budget_s: float | None = None
    """Of the whole search: no trial starts later, but every family makes one."""
    n_jobs: int = 2
    """Families searched side by side, each in a process with one thread; 1 stays in this process."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers do the work instead of processes here; they find the same."""
    trials_at_once: int = 1
    """Trials of a family that are begun together, knowing of the same trials before them: more workers have
    work, and each trial is chosen a little less well. Another number finds another model."""
    search_rows: int = 60_000
    """The search uses the latest days of about so many runners; the final fit all of them."""
    calibration: str = "platt"
    """``platt``, ``isotonic`` or ``none``."""
    best: bool = False
    """Choose the candidate of the smallest loss whatever it costs to score; more nets are fitted for it."""

    @property
    def searched(self) -> tuple[str, ...]:
        """Return the names of all families that are searched."""
        more = [net.name for net in MORE_NETS] if self.best and "field_net" in self.families else []
        return (*self.families, *more)

    @property
    def engine(self) -> Engine:
        """Return where the work is done."""
        return Engine(scheduler=self.scheduler, n_jobs=self.n_jobs)

    def __post_init__(self) -> None:
        for name in self.families:
            family_named(name)
        if not self.families or self.n_trials < 1 or self.n_folds < 1 or self.n_jobs < 1:
            rule = "a search needs a family, a trial, a fold and a job at least"
            raise ValueError(f"{rule}, got {self.families}, {self.n_trials}, {self.n_folds}, {self.n_jobs}")
        if self.trials_at_once < 1:
            raise ValueError(f"trials_at_once must be 1 or more, got {self.trials_at_once}")
