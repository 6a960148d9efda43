"""A limit on the memory that the bodies of all requests of a process hold together.

**Guarantee:** however many clients send bodies, packed or not, they hold no more than the budget, and cards
are still answered while batches fill their part of it (``tests/service/test_bounds_on_the_wire.py``). uvicorn
and Starlette have limits for one body at most, and connections cost nothing.
"""

import threading
from types import TracebackType

from service.errors import Overloaded

SMALL_BYTES = 16 * 1024  # most cards are smaller; the last sixth of the budget is theirs
_RETRY_AFTER_S = 2


class BodyBudget:
    """A number of bytes that requests share; large bodies are refused before small ones.

    Parameters
    ----------
    total
        Bytes that all hold together at the most.
    usual
        Bytes of a usual body. Longer ones together with all others may fill two thirds, those of more than
        16 KiB five sixths.
    """

    def __init__(self, total: int, *, usual: int) -> None:
        self.total = total
        self._usual = usual
        self.lock = threading.Lock()  # gzip is unpacked in a thread
        self.n_held = 0
        self.n_refused = 0

    def limit_of(self, n_own: int) -> int:
        """Return how many bytes all may hold together, for a request that holds so many of them."""
        if n_own <= SMALL_BYTES:
            return self.total
        return self.total * 5 // 6 if n_own <= self._usual else self.total * 2 // 3


class Share:
    """The bytes that one request holds of a budget; given back at the end of ``with``."""

    def __init__(self, budget: BodyBudget) -> None:
        self.n_held = 0
        self._is_over = False
        self._budget = budget

    def __enter__(self) -> "Share":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._budget.lock:
            self._is_over = True
            self._budget.n_held -= self.n_held
            self.n_held = 0

    def take(self, n_bytes: int) -> None:
        """Hold more.

        Raises
        ------
        service.errors.Overloaded
            If that is more than there is, or if the request is over: a thread may still work for it.
        """
        with self._budget.lock:
            self._check(self.n_held + n_bytes, n_bytes)
            self._budget.n_held += n_bytes
            self.n_held += n_bytes

    def release(self, n_bytes: int) -> None:
        """Hold less."""
        with self._budget.lock:
            self._budget.n_held -= n_bytes
            self.n_held -= n_bytes

    def check(self, n_declared: int) -> None:
        """Refuse a body at once by its declared length.

        Raises
        ------
        service.errors.Overloaded
            If so much is not left now.
        """
        self._check(n_declared, n_declared)

    def _check(self, n_own: int, n_more: int) -> None:
        budget = self._budget
        if self._is_over or budget.n_held + n_more > budget.limit_of(n_own):
            budget.n_refused += 1
            rule = f"the bodies of all requests hold at most {budget.total} bytes together"
            raise Overloaded(f"{rule}, and too much of it is held; try again later", _RETRY_AFTER_S)
