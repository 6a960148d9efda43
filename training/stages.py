"""The stages of a training: who watches is told of each, and how long it lasted is kept."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Stage = Callable[[str], AbstractContextManager[Callable[..., None]]]
"""Opens a stage by its title and gives what reports how far it is: ``report(n_done, n_total)``."""


def silent(title: str) -> AbstractContextManager[Callable[..., None]]:
    """Open a stage of which nobody is told."""
    return nullcontext(lambda n_done, n_total=None: None)


class TimedStages:
    """A :data:`Stage` that passes all on to another one."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.seconds: dict[str, float] = {}
        """Of the stages that have ended, in order."""

    @contextmanager
    def __call__(self, title: str) -> Iterator[Callable[..., None]]:
        """Open a stage and keep how long it lasts."""
        began = time.monotonic()
        with self._stage(title) as report:
            yield report
        self.seconds[title] = time.monotonic() - began


def timed(stage: Stage) -> TimedStages:
    """Return the stage with a clock; one that has a clock already keeps it."""
    return stage if isinstance(stage, TimedStages) else TimedStages(stage)
