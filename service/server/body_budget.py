"""A limit on the memory that the bodies of all requests of a process hold together."""

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
        self._usual = usual
        self._total = total
        self._lock = threading.Lock()  # gzip is unpacked in a thread
        self.n_held = 0
        self.n_refused = 0

    def share(self) -> "Share":
        """Return the share of a request, which holds nothing yet."""
        return Share(self)

    def limit_of(self, n_own: int) -> int:
        """Return how many bytes all may hold together, for a request that holds so many of them."""
        if n_own <= SMALL_BYTES:
            return self._total
        return self._total * 5 // 6 if n_own <= self._usual else self._total * 2 // 3

    def take(self, n_more: int, share: "Share") -> None:
        """Hold more, for a request.

        Raises
        ------
        service.errors.Overloaded
            If that is more than there is, or if the request is over: a thread may still work for it.
        """
        with self._lock:
            if share.is_over or self.n_held + n_more > self.limit_of(share.n_held + n_more):
                self.n_refused += 1
                raise self.refusal()
            self.n_held += n_more
            share.n_held += n_more

    def give_back(self, n_bytes: int, share: "Share", *, is_over: bool = False) -> None:
        """Hold less, for a request; nothing at all any more if it is over."""
        with self._lock:
            share.is_over |= is_over
            n_bytes = share.n_held if is_over else n_bytes
            share.n_held -= n_bytes
            self.n_held -= n_bytes

    def refusal(self) -> Overloaded:
        """Return the error of a request for which nothing is left."""
        rule = f"the bodies of all requests hold at most {self._total} bytes together"
        return Overloaded(f"{rule}, and too much of it is held; try again later", _RETRY_AFTER_S)


class Share:
    """What one request holds; given back at the end of ``with``."""

    def __init__(self, budget: BodyBudget) -> None:
        self.n_held = 0
        self.is_over = False
        self._budget = budget

    def __enter__(self) -> "Share":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.give_back(0, self, is_over=True)

    def take(self, n_bytes: int) -> None:
        """Hold more.

        Raises
        ------
        service.errors.Overloaded
            If nothing is left for it.
        """
        self._budget.take(n_bytes, self)

    def release(self, n_bytes: int) -> None:
        """Hold less."""
        self._budget.give_back(n_bytes, self)

    def check(self, n_declared: int) -> None:
        """Refuse at once what would be refused when it has arrived.

        Raises
        ------
        service.errors.Overloaded
            If so much is not left now.
        """
        budget = self._budget
        if budget.n_held + n_declared > budget.limit_of(n_declared):
            budget.n_refused += 1
            raise budget.refusal()
