"""What was found of the compared races, held a while: a verdict is read from every race so far."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from racing.experiments.records import Experiment
from racing.experiments.verdicts import ContestantVerdict, experiment_verdicts
from racing.predictions.tables import COMPARED

T = TypeVar("T")
MAX_ENTRIES = 128
LONGEST_S = 60.0
"""A corrected result may change a verdict without another race; it shows within this time."""
_TIMES_ITS_COST = 50.0


@dataclass(frozen=True, slots=True)
class _Entry:
    races: tuple[int, int]
    until: float
    value: Any


class VerdictCache:
    """What was found of the compared races, until there are others or it is old; safe in several threads.

    A value is held for fifty times as long as it took to find: of a small log for a blink, for a minute at
    most of a large one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def of_experiment(self, connection: Connection, experiment: Experiment) -> list[ContestantVerdict]:
        """Return the verdicts on an experiment's contestants: for its page, and for the guard's looks."""
        key = ("verdicts", experiment.id)
        return self.get(connection, key, lambda: experiment_verdicts(connection, experiment))

    def get(self, connection: Connection, key: Hashable, find: Callable[[], T]) -> T:
        """Return what is held under a key if it still holds, and find it otherwise."""
        count, newest = func.count(), func.coalesce(func.max(COMPARED.c.prediction_id), 0)
        n_races, last = connection.execute(select(count, newest).select_from(COMPARED)).one()
        races = (int(n_races), int(last))
        with self._lock:
            entry = self._entries.get(key)
        if entry is not None and entry.races == races and time.monotonic() < entry.until:
            found: T = entry.value
            return found
        started = time.monotonic()
        value = find()
        now = time.monotonic()
        until = now + min(LONGEST_S, _TIMES_ITS_COST * (now - started))
        with self._lock:
            self._entries[key] = _Entry(races, until, value)
            self._entries.move_to_end(key)
            while len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)
        return value
