"""A queue of answered cards that are not saved yet; it costs an answer about a microsecond."""

import time
from collections import deque
from itertools import count
from typing import NamedTuple

SHADOW_WAIT_S = 0.1
"""A record waits for its shadows so long; then it is saved without them."""


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
    experiment_id: int | None = None
    shadows: bytes | None = None
    """JSON, as :class:`racing.database.tables.Prediction` has it: what the other contestants would answer."""


class AwaitedShadows:
    """What the other contestants say of a logged card: filled in by one thread, taken by another.

    Whichever comes first decides: shadows that come after their record was taken are late.
    """

    __slots__ = ("_is_open", "is_done", "shadows")

    def __init__(self) -> None:
        self.shadows: bytes | None = None
        self.is_done = False
        """Whether nothing more is to come."""
        self._is_open = [True]  # removing its element is one step that no other thread sees half of

    def fill(self, shadows: bytes | None) -> bool:
        """Give the shadows, or None if there are none; return False if they come too late."""
        try:
            self._is_open.pop()
        except IndexError:
            return False
        self.shadows = shadows
        self.is_done = True
        return True

    def close(self) -> bytes | None:
        """Return the shadows, None if they are not there; later ones are late."""
        try:
            self._is_open.pop()
        except IndexError:
            return self._filled()
        self.is_done = True
        return None

    def _filled(self) -> bytes | None:
        while not self.is_done:  # the other thread is between its two steps
            time.sleep(0)
        return self.shadows


class LogQueue:
    """A queue from the one thread that answers to the one that saves, bounded in bytes, without a lock.

    Each side writes counters of its own only, so neither ever waits for the other.
    """

    def __init__(self, max_bytes: int) -> None:
        self.n_dropped = 0
        """Answers that found the queue full."""
        self._max_bytes = max_bytes
        self._queue: deque[tuple[LogRecord, AwaitedShadows | None]] = deque()
        self._numbers = count(1)
        self._bytes_in = 0
        self._bytes_out = 0

    @property
    def n_bytes(self) -> int:
        """Return about how many bytes of cards and answers are in memory."""
        return self._bytes_in - self._bytes_out

    def __len__(self) -> int:
        return len(self._queue)

    def put(
        self,
        request_id: str,
        model_version: int,
        digest: str,
        card: bytes,
        answer: bytes,
        experiment_id: int | None = None,
        awaited: AwaitedShadows | None = None,
    ) -> None:
        """Add an answered card, or count it as dropped; from the thread that answers only."""
        n_bytes = self._bytes_in + len(card) + len(answer)
        if n_bytes - self._bytes_out > self._max_bytes:
            self.n_dropped += 1
            return
        self._bytes_in = n_bytes
        at_us = time.time_ns() // 1000
        number = next(self._numbers)
        self._queue.append(
            (
                LogRecord(number, request_id, model_version, digest, at_us, card, answer, experiment_id),
                awaited,
            )
        )

    def take(self, *, wait_s: float = SHADOW_WAIT_S) -> list[LogRecord]:
        """Remove and return records, in order; they take up room until :meth:`free`.

        A record whose shadows are to come stays, with all behind it, while it is younger than ``wait_s``.
        """
        queue, records = self._queue, []
        young_us = time.time_ns() // 1000 - round(1e6 * wait_s)
        for _ in range(len(queue)):
            record, awaited = queue[0]
            if awaited is not None:
                # a clock that was set back makes records of the future: they wait for nothing
                if not awaited.is_done and young_us < record.at_us <= young_us + round(1e6 * wait_s):
                    break
                record = record._replace(shadows=awaited.close())
            queue.popleft()
            records.append(record)
        return records

    def free(self, records: list[LogRecord]) -> None:
        """Free the room of records that were taken, and are saved now."""
        self._bytes_out += sum(len(record.card) + len(record.answer) for record in records)
