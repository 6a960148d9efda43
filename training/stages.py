"""The stages of a training: reported as they begin and go on, and timed."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Stage = Callable[[str], AbstractContextManager[Callable[..., None]]]
"""Opens a stage by its title and gives what reports how far it is: ``report(n_done, n_total)``."""


def silent(title: str) -> AbstractContextManager[Callable[..., None]]:
    """Open a stage that reports to nobody."""
    return nullcontext(lambda n_done, n_total=None: None)


class TimedStages:
    """A :data:`Stage` that reports to another one, and measures how long each lasts."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.seconds: dict[str, float] = {}
        """Of the stages that have ended, in order."""

    @contextmanager
    def __call__(self, title: str) -> Iterator[Callable[..., None]]:
        """Open a stage; when it ends, its seconds are recorded."""
        began = time.monotonic()
        with self._stage(title) as report:
            yield report
        self.seconds[title] = time.monotonic() - began


def timed(stage: Stage) -> TimedStages:
    """Return a timed stage; one that is timed already is returned as it is."""
    return stage if isinstance(stage, TimedStages) else TimedStages(stage)
