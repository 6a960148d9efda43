"""A queue of answered cards that are not saved yet; it costs an answer about a microsecond."""

import time
from collections import deque
from itertools import count
from typing import NamedTuple


class LogRecord(NamedTuple):
    """An answered card as it came in and went out; with its process, ``number`` identifies it."""

    number: int
    """Counted by the process, from 1."""
    request_id: str
    model_version: int
    digest: str
    at_us: int
    """Microseconds since 1970, UTC."""
    card: bytes
    answer: bytes


class LogQueue:
    """A queue from the one thread that answers to the one that saves, bounded in bytes, without a lock.

    Each side writes counters of its own only, so neither ever waits for the other.
    """

    def __init__(self, max_bytes: int) -> None:
        self.n_dropped = 0
        """Answers that found the queue full."""
        self._max_bytes = max_bytes
        self._queue: deque[LogRecord] = deque()
        self._numbers = count(1)
        self._bytes_in = 0
        self._bytes_out = 0

    @property
    def n_bytes(self) -> int:
        """Return about how many bytes of cards and answers are in memory."""
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
        at_us = time.time_ns() // 1000
        self._queue.append(
            LogRecord(next(self._numbers), request_id, model_version, digest, at_us, card, answer)
        )

    def take(self) -> list[LogRecord]:
        """Remove and return all records; they take up room until :meth:`free`."""
        queue = self._queue
        return [queue.popleft() for _ in range(len(queue))]

    def free(self, records: list[LogRecord]) -> None:
        """Free the room of records that were taken, and are saved now."""
        self._bytes_out += sum(len(record.card) + len(record.answer) for record in records)
