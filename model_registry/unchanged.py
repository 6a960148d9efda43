"""Questions that are asked all the time: an SQLite registry that nobody wrote to is not asked again."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from model_registry.registry import ModelRegistry
from model_registry.store import Marks

T = TypeVar("T")
# A file's time of change is as coarse as its file system, 2 s at worst: a write right after another may
# leave no mark of its own.
SETTLED_S = 2.5
# Asked all the same, so that a registry that is there but cannot answer (locked, say) is noticed.
TRUSTED_S = 10.0


class Unchanged(Generic[T]):
    """The answer to one question: 0.01 ms where nothing was written, else what MLflow takes.

    Threads may share one. Any other registry than an SQLite file is asked every time.
    """

    def __init__(self, registry: ModelRegistry, question: Callable[[ModelRegistry], T]) -> None:
        self._registry = registry
        self._question = question
        self._lock = threading.Lock()
        self._marks: Marks | None = None
        self._marked_at = 0.0
        self._kept: tuple[T] | None = None
        self._trusted_until = 0.0

    def answer(self) -> T:
        """Return the answer, asked of the registry only where it may have changed."""
        now = time.monotonic()
        marks = self._registry.marks()
        with self._lock:
            if marks is None or marks != self._marks:
                self._marks, self._marked_at = marks, now
                self._kept = None
            if self._kept is not None and now < self._trusted_until:
                return self._kept[0]
            self._kept = None
            is_settled = marks is not None and now - self._marked_at >= SETTLED_S
        answer = self._question(self._registry)
        with self._lock:
            if is_settled and marks == self._marks:  # nobody has seen newer marks meanwhile
                self._kept, self._trusted_until = (answer,), now + TRUSTED_S
        return answer
