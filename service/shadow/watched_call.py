"""A call for a thread that may hang."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class WatchedCall(Generic[T]):
    """A call that says whether it has come back."""

    def __init__(self, call: Callable[[], T]) -> None:
        self.is_done = False
        self._call = call

    def __call__(self) -> T:
        try:
            return self._call()
        finally:
            self.is_done = True
