"""Counts in plain Python numbers while requests run, added to Prometheus' metrics between them.

A metric of prometheus_client takes a lock for each value, and with several processes writes it to a mapped
file: 1.4 microseconds, and a prediction has some twenty values. Buffered, a value takes a fifth of one, and
no lock, so that the garbage collector's callback may count its pauses wherever it strikes.

prometheus_client has no public way to add many observations at once, and its custom collectors do not work
with several processes. So :meth:`BufferedHistogram.flush` uses ``Histogram._buckets`` and ``_sum``;
``tests/service/observability/test_metrics.py`` fails when they go.
"""

from bisect import bisect_left
from collections.abc import Sequence

from prometheus_client import Counter, Histogram


class BufferedHistogram:
    """Counts by bucket and their sum, not yet added to a histogram.

    Parameters
    ----------
    histogram
        One without labels, or a child that has its labels.
    buckets
        Upper bounds of its buckets, without the infinite one.
    """

    __slots__ = ("_bounds", "_flushed", "_flushed_total", "_histogram", "counts", "total")

    def __init__(self, histogram: Histogram, buckets: Sequence[float]) -> None:
        self._histogram = histogram
        self._bounds = tuple(buckets)
        self.counts = [0] * (len(buckets) + 1)
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
        """Add to the histogram what was counted since the last time."""
        total = self.total
        for bucket, n in enumerate(self.counts):
            if n != self._flushed[bucket]:
                self._histogram._buckets[bucket].inc(n - self._flushed[bucket])
                self._flushed[bucket] = n
        self._histogram._sum.inc(total - self._flushed_total)
        self._flushed_total = total

    def quantile(self, q: float, *, since: list[int] | None = None) -> float | None:
        """Return a quantile of the values since some earlier ``counts``; None if there are none.

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


class BufferedCounter:
    """A count not yet added to a counter."""

    __slots__ = ("_counter", "_flushed", "n")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.n = 0
        self._flushed = 0

    def flush(self) -> None:
        """Add to the counter what was counted since the last time."""
        n = self.n
        if n != self._flushed:
            self._counter.inc(n - self._flushed)
            self._flushed = n
