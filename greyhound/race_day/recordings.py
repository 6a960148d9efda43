"""Recordings of Betfair's stream as what happens to races, in the order of their publish times."""

import datetime as dt
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from racing.domain.errors import FileRefused
from racing.domain.track_time import today_at
from racing.importers.files.archives import Source, expand
from racing.importers.records.source_record import RowRefused
from racing.importers.stream.book import MarketBook
from racing.importers.stream.market import REMOVED, WIN, StreamMarket, market_of
from racing.importers.stream.messages import Message, messages

MAX_BOX = 10


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a race; ``body`` is as the service takes it, without the race's id.

    ``at_ms`` is when it was published, milliseconds since 1970; ``market`` names the race.
    """

    at_ms: int
    kind: Literal["card", "scratching", "prices", "result"]
    market: str
    body: dict[str, Any]


def happenings(
    paths: Sequence[Path], *, prices_every_s: float, shift: dt.timedelta | None = None
) -> Iterator[Happening]:
    """Yield what happened in recordings of WIN markets, in order; a recording is never held whole.

    Parameters
    ----------
    prices_every_s
        Seconds by the recording between two reports of a market's prices.
    shift
        Added to the times of what is stated; races are labelled as a replay then.
    """
    sources = expand(paths)
    if not sources:
        raise FileRefused("there is no recording in what was named")
    streams = [_of_source(source, i, prices_every_s, shift) for i, source in enumerate(sources)]
    for _, _, happening in heapq.merge(*streams, key=lambda entry: entry[:2]):
        yield happening


def first_ms(paths: Sequence[Path]) -> int:
    """Return when the first message of recordings was published."""
    firsts = [message.at_ms for source in expand(paths) for message in _first(source)]
    if not firsts:
        raise FileRefused("there is no message of a recorded stream in what was named")
    return min(firsts)


def _first(source: Source) -> Iterator[Message]:
    for message in messages(source.content()):
        yield message
        return


def _of_source(
    source: Source, number: int, every_s: float, shift: dt.timedelta | None
) -> Iterator[tuple[int, int, Happening]]:
    markets: dict[str, _Market] = {}
    for message in messages(source.content()):
        for change in message.markets:
            name = change["id"]
            if name not in markets:
                markets[name] = _Market(name, every_s, shift)
            for happening in markets[name].take(message.at_ms, change):
                yield message.at_ms, number, happening


class _Market:
    """One market of a recording, and what of it was stated already."""

    def __init__(self, name: str, every_s: float, shift: dt.timedelta | None) -> None:
        self._name = name
        self._every_ms = int(every_s * 1000)
        self._shift = shift
        self._book: MarketBook | None = None
        self._market: StreamMarket | None = None
        self._card: dict[str, Any] | None = None
        self._removed: set[str] = set()
        self._next_ms = 0
        self._is_over = False

    def take(self, at_ms: int, change: dict[str, Any]) -> Iterator[Happening]:
        """Take a change of the market, and yield what happened with it."""
        definition = change.get("marketDefinition")
        if definition is not None:
            yield from self._define(at_ms, definition)
        if self._book is None or self._card is None or self._is_over:
            return
        self._book.change(change)
        if at_ms >= self._next_ms and self._market is not None and not self._market.is_settled:
            runners = list(self._prices(at_ms))
            if runners:
                self._next_ms = at_ms + self._every_ms
                yield Happening(at_ms, "prices", self._name, {"at": self._time(at_ms), "runners": runners})

    def _define(self, at_ms: int, definition: dict[str, Any]) -> Iterator[Happening]:
        try:
            market = market_of(self._name, definition)
        except RowRefused:
            return
        if market.kind != WIN or market.distance_m is None or len(market.runners) < 2:
            return
        self._market = market
        self._book = self._book or MarketBook(market.off_ms)
        self._book.definition(definition)
        card = self._card_of(market)
        if card != self._card and not market.is_settled:
            self._card = card
            yield Happening(at_ms, "card", self._name, card)
        removed = {runner.name for runner in market.runners if runner.status == REMOVED}
        for name in sorted(removed - self._removed):
            yield Happening(at_ms, "scratching", self._name, {"name": name, "is_scratched": True})
        for name in sorted(self._removed - removed):
            yield Happening(at_ms, "scratching", self._name, {"name": name, "is_scratched": False})
        self._removed = removed
        if market.is_settled and self._card is not None and not self._is_over:
            self._is_over = True
            if result := self._result_of(market):
                yield Happening(at_ms, "result", self._name, result)

    def _card_of(self, market: StreamMarket) -> dict[str, Any]:
        runners = [
            {"name": runner.name, "box": runner.number}
            for runner in market.runners
            if runner.number is not None and runner.number <= MAX_BOX
        ]
        return {**self._race_of(market), "off_at": self._time(market.off_ms), "runners": runners}

    def _race_of(self, market: StreamMarket) -> dict[str, Any]:
        grade, date = market.grade, market.date
        if self._shift is not None:
            moment = market.off_at.replace(tzinfo=dt.UTC)
            date += today_at(market.track, moment + self._shift) - today_at(market.track, moment)
            grade = f"{grade or ''} (replay)".strip()
        race = {"date": date.isoformat(), "track": market.track, "distance_m": market.distance_m}
        return race | {"race_number": market.race_number, "grade": grade}

    def _result_of(self, market: StreamMarket) -> dict[str, Any] | None:
        """Return how it came out: the winner, and every starter's BSP; the other places are not recorded."""
        starters = [runner for runner in market.runners if runner.won is not None]
        if len(starters) < 2 or not any(runner.won for runner in starters):
            return None
        runners = [
            {"name": runner.name, "box": runner.number, "won": runner.won}
            | ({"bsp": runner.bsp} if runner.bsp and 1 < runner.bsp <= 1000 else {})
            for runner in starters
        ]
        return {**self._race_of(market), "runners": runners}

    def _prices(self, at_ms: int) -> Iterator[dict[str, Any]]:
        assert self._book is not None
        assert self._market is not None
        names = {runner.selection: runner.name for runner in self._market.runners}
        for quote in self._book.quotes_at(at_ms):
            if quote.selection in names:
                values = {"back": quote.back, "lay": quote.lay, "last": quote.last, "volume": quote.volume}
                yield {"name": names[quote.selection]} | {
                    name: value for name, value in values.items() if value is not None
                }

    def _time(self, at_ms: int) -> str:
        moment = dt.datetime.fromtimestamp(at_ms // 1000, dt.UTC) + (self._shift or dt.timedelta())
        return f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}Z"
