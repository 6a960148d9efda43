"""The prices of a market's runners, brought up to date message by message, and what they were at minutes.

Of each runner the stream sends what changed: of the full ladders (``atb``, ``atl``: price and size) or of
their first levels (``batb``, ``batl``: level, price and size), the last price matched (``ltp``) and the
volume (``tv``). A size of 0 takes a price away.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

MINUTES = (120, 60, 30, 15, 10, 5, 4, 3, 2, 1, 0)
LAST_MINUTE = -30
"""Prices are taken at :data:`MINUTES` before the time a race is due, and then each minute until this one."""
_MS_A_MINUTE = 60_000
_MAX_RUNGS = 1_000  # of a side; Betfair has 350 prices
_MAX_RUNNERS = 100


class Quote(NamedTuple):
    """A runner's prices at a minute before the off; decimal odds, ``None`` where there is none."""

    minutes: int
    at: dt.datetime
    """UTC, without a zone."""
    selection: int
    back: float | None
    lay: float | None
    last: float | None
    volume: float | None


class _Runner:
    __slots__ = ("last", "sides", "volume")

    def __init__(self) -> None:
        self.sides: dict[str, dict[Any, Any]] = {}
        self.last: float | None = None
        self.volume: float | None = None

    def change(self, change: dict[str, Any]) -> None:
        for name in ("atb", "atl"):
            if rungs := change.get(name):
                ladder = self.sides.setdefault(name, {})
                for price, size in rungs:
                    if size:
                        ladder[price] = size
                    else:
                        ladder.pop(price, None)
                if len(ladder) > _MAX_RUNGS:
                    raise ValueError(f"a side of a book has at most {_MAX_RUNGS} prices, got {len(ladder)}")
        for name in ("batb", "batl"):
            if rungs := change.get(name):
                levels = self.sides.setdefault(name, {})
                for level, price, size in rungs:
                    if size:
                        levels[level] = price
                    else:
                        levels.pop(level, None)
                if len(levels) > _MAX_RUNGS:
                    raise ValueError(f"a side of a book has at most {_MAX_RUNGS} levels, got {len(levels)}")
        if (last := change.get("ltp")) is not None:
            self.last = last
        if (volume := change.get("tv")) is not None:
            self.volume = volume

    def best(self, full: str, levels: str, pick: Any) -> float | None:
        """Return the best price of a side: of the ladder where it is recorded, else of its levels."""
        prices = self.sides.get(full) or list(self.sides.get(levels, {}).values())
        return _odds(pick(prices)) if prices else None


class MarketBook:
    """The prices of one market, and those at the minutes before the time its race is due."""

    def __init__(self, off_ms: int) -> None:
        self._off_ms = off_ms
        self._runners: dict[int, _Runner] = {}
        self._removed: set[int] = set()
        self._first_ms: int | None = None
        self.closing: dict[int, tuple[float | None, float | None]] = {}
        """Of each runner the last price matched and the volume when the market was open last."""
        self._is_open = True
        self._minutes = [*MINUTES, *range(-1, LAST_MINUTE - 1, -1)]
        self._next = 0

    def definition(self, definition: dict[str, Any]) -> None:
        """Note a new definition: prices count while a market is open, and removed runners have none."""
        is_open = definition.get("status") == "OPEN"
        if self._is_open and not is_open:
            of_all = self._runners.items()
            self.closing = {key: (_odds(one.last), _amount(one.volume)) for key, one in of_all}
        self._is_open = is_open
        self._removed = {runner["id"] for runner in definition["runners"] if runner["status"] == "REMOVED"}

    def change(self, change: dict[str, Any]) -> None:
        """Bring the prices up to date.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the change is none of a market.
        """
        if change.get("img"):  # a full image replaces what was there
            self._runners.clear()
        for of_runner in change.get("rc") or ():
            runner = self._runners.get(of_runner["id"])
            if runner is None:
                if len(self._runners) >= _MAX_RUNNERS:
                    raise ValueError(f"a market has at most {_MAX_RUNNERS} runners")
                runner = self._runners[of_runner["id"]] = _Runner()
            runner.change(of_runner)

    def quotes_until(self, at_ms: int) -> Iterator[Quote]:
        """Yield the prices at the minutes that are over when something changes; called before each change."""
        if self._first_ms is None:
            self._first_ms = at_ms
        while self._next < len(self._minutes):
            minutes = self._minutes[self._next]
            then_ms = self._off_ms - minutes * _MS_A_MINUTE
            if then_ms >= at_ms:
                return
            self._next += 1
            if self._is_open and then_ms >= self._first_ms:
                yield from self._quotes(minutes, then_ms)

    def quotes_at(self, at_ms: int) -> Iterator[Quote]:
        """Yield the prices as they are now, if the market is open."""
        if self._is_open:
            yield from self._quotes((self._off_ms - at_ms) // _MS_A_MINUTE, at_ms)

    def _quotes(self, minutes: int, then_ms: int) -> Iterator[Quote]:
        at = dt.datetime.fromtimestamp(then_ms / 1000, dt.UTC).replace(tzinfo=None)
        for selection, runner in self._runners.items():
            if selection in self._removed:
                continue
            back = runner.best("atb", "batb", max)
            lay = runner.best("atl", "batl", min)
            last = _odds(runner.last)
            if (back, lay, last) != (None, None, None):
                yield Quote(minutes, at, selection, back, lay, last, _amount(runner.volume))


def _odds(price: Any) -> float | None:
    return float(price) if isinstance(price, int | float) and 1 < price <= 1000 else None


def _amount(volume: Any) -> float | None:
    return float(volume) if isinstance(volume, int | float) and 0 <= volume < 1e12 else None
