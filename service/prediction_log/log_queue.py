"""What was answered and not kept yet: a queue in memory that costs an answer about a microsecond."""

import time
from collections import deque
from typing import NamedTuple


class Answered(NamedTuple):
    """One answered card, as bytes came in and went out."""

    request_id: str
    model_version: int
    digest: str
    at_us: int
    """Microseconds since 1970, UTC."""
    card: bytes
    answer: bytes


class Waiting:
    """A queue between the one thread that answers and the one that keeps, bounded in bytes, without a lock.

    Each side writes counters of its own only, so that neither ever waits for the other.
    """

    def __init__(self, max_bytes: int) -> None:
        self.n_dropped = 0
        """Answers that found the queue full."""
        self._max_bytes = max_bytes
        self._queue: deque[Answered] = deque()
        self._bytes_in = 0
        self._bytes_out = 0

    @property
    def n_bytes(self) -> int:
        """Return about how many bytes wait."""
        return self._bytes_in - self._bytes_out

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, request_id: str, model_version: int, digest: str, card: bytes, answer: bytes) -> None:
        """Add an answered card, or count it as dropped; from the thread that answers only."""
        n_bytes = self._bytes_in + len(card) + len(answer)
        if n_bytes - self._bytes_out > self._max_bytes:
            self.n_dropped += 1
            return
        self._bytes_in = n_bytes
        self._queue.append(Answered(request_id, model_version, digest, time.time_ns() // 1000, card, answer))

    def take(self, n: int) -> list[Answered]:
        """Remove and return the oldest entries, at most ``n``; they count as waiting until :meth:`kept`."""
        queue = self._queue
        return [queue.popleft() for _ in range(min(n, len(queue)))]

    def kept(self, entries: list[Answered]) -> None:
        """Free the room of entries that were taken, and are kept now."""
        self._bytes_out += sum(len(entry.card) + len(entry.answer) for entry in entries)
