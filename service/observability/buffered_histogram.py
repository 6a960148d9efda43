"""Counts kept in plain Python numbers while requests run, and given to Prometheus' metrics between them.

A metric of prometheus_client takes a lock for each value, and with several processes writes it to a mapped
file: 1.4 microseconds, and a prediction has some twenty values. A tally takes a fifth of one, and no lock, so
that the garbage collector may count its pauses from wherever it strikes.
"""

from bisect import bisect_left
from collections.abc import Sequence

from prometheus_client import Counter, Histogram


class BufferedHistogram:
    """What a histogram will be told: counts by bucket, and their sum."""

    __slots__ = ("_bounds", "_flushed", "_flushed_total", "_histogram", "counts", "total")

    def __init__(self, histogram: Histogram) -> None:
        """Count for a histogram without labels, or for one that has its labels."""
        self._histogram = histogram
        self._bounds = histogram._upper_bounds[:-1]  # the last is infinite
        self.counts = [0] * len(histogram._upper_bounds)
        self.total = 0.0
        self._flushed = [0] * len(self.counts)
        self._flushed_total = 0.0

    def count(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def count_all(self, values: Sequence[float]) -> None:
        """Count some values."""
        bounds, counts = self._bounds, self.counts
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self.total += sum(values)

    def flush(self) -> None:
        """Tell the histogram what came since the last time."""
        total = self.total
        for bucket, n in enumerate(self.counts):
            if n != self._flushed[bucket]:
                self._histogram._buckets[bucket].inc(n - self._flushed[bucket])
                self._flushed[bucket] = n
        self._histogram._sum.inc(total - self._flushed_total)
        self._flushed_total = total

    def quantile(self, q: float, *, since: list[int] | None = None) -> float | None:
        """Return a quantile of what was counted since some earlier ``counts``; None if that is nothing.

        Within its bucket a value may lie anywhere, so the error is at most the bucket's width.
        """
        counts = [now - then for now, then in zip(self.counts, since or [0] * len(self.counts), strict=True)]
        wanted, below = q * sum(counts), 0
        if wanted == 0:
            return None
        for bucket, n in enumerate(counts[:-1]):
            if n and below + n >= wanted:
                lower = self._bounds[bucket - 1] if bucket else 0.0
                return lower + (self._bounds[bucket] - lower) * (wanted - below) / n
            below += n
        return self._bounds[-1]


class Number:
    """What a counter will be told."""

    __slots__ = ("_counter", "_flushed", "n")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.n = 0
        self._flushed = 0

    def flush(self) -> None:
        """Tell the counter what came since the last time."""
        n = self.n
        if n != self._flushed:
            self._counter.inc(n - self._flushed)
            self._flushed = n
