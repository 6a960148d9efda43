"""Recordings of Betfair's exchange stream, as downloaded or recorded oneself: one market a file or many.

A WIN market is a race: its runners, who was removed and when, starting prices, the winner, and the prices at
minutes before the off. A market that is not settled is a race to come, as it stood when the recording ended.
A PLACE market tells who was placed and at which price; markets of other kinds are left out and counted.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from racing.domain.errors import FileRefused
from racing.domain.names import is_placeholder, name_key
from racing.domain.track_time import latest_day
from racing.importers.files.dates import FileDates
from racing.importers.files.input_file import InputFile
from racing.importers.formats.betfair_race import LAST_BOX, market_id_of
from racing.importers.formats.format import Format
from racing.importers.records.race_rules import why_impossible
from racing.importers.records.source_record import ParsedFile, RowRefused, SourceRecord, day_of_key
from racing.importers.report import MAX_LINES_A_FILE, Problem
from racing.importers.resolve import STREAM_PLACE
from racing.importers.stream.book import MarketBook, Quote
from racing.importers.stream.market import (
    PLACE,
    REMOVED,
    WIN,
    StreamMarket,
    StreamRunner,
    market_of,
    sport_of,
)
from racing.importers.stream.messages import is_stream, messages

KIND = "betfair-stream"
MAX_MARKETS = 5_000  # of races, in one file; a day's recording has 400
MAX_OTHER_MARKETS = 100_000
_DAYS_AHEAD = 7
_LONGEST_M = 1200  # in the place of the distance, which place markets do not name
_OF_PRICE = ("minutes", "at", "back", "lay", "last", "volume")
_DEFINITION = b'"marketDefinition"'


@dataclass(slots=True)
class _Recording:
    """What a first reading finds: the newest definition of each market, and how long it was recorded."""

    definitions: dict[str, tuple[int, dict[str, Any], int]] = field(default_factory=dict)
    """By market: the line of its newest definition, that definition, and when it was published (ms)."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Of the markets that are left out: what they are."""
    last_ms: int = 0
    broken: list[tuple[int, str]] = field(default_factory=list)

    def note_broken(self, line: int, reason: str) -> None:
        """Note a line that is no message; the second reading, where there is one, finds all of them."""
        if len(self.broken) < MAX_LINES_A_FILE:
            self.broken.append((line, reason))


def parse_stream(file: InputFile) -> ParsedFile:
    """Return the records of a recording, and the prices of its races at minutes before the off.

    Raises
    ------
    FileRefused
        If it is of other sports, or of more markets than a recording should have.
    """
    latest = latest_day() + dt.timedelta(days=_DAYS_AHEAD)
    parsed = ParsedFile(file.name, KIND, file.sha256, dates=FileDates(latest=latest))
    recording = _first_reading(file)
    left_out = Counter(recording.kinds.values())
    if not recording.definitions and left_out and all(kind.islower() for kind in left_out):
        others = ", ".join(left_out)
        raise FileRefused(f"a recorded stream is of greyhounds (eventTypeId 4339), this is of {others}")
    if not recording.definitions and not left_out and not recording.broken:
        raise FileRefused("it defines no market: a recording has each market's definition before its prices")
    races: dict[str, tuple[StreamMarket, dict[int, SourceRecord]]] = {}
    places: list[tuple[StreamMarket, int]] = []
    for market_id, (line, definition, at_ms) in recording.definitions.items():
        try:
            market = market_of(market_id, definition)
        except RowRefused as error:
            parsed.n_read += 1
            parsed.refuse(line, str(error))
            continue
        if market.kind == PLACE:
            if any(runner.won for runner in market.runners):
                places.append((market, line))
            else:
                left_out["PLACE without a result"] += 1
            continue
        stated_ms = at_ms if market.is_settled else recording.last_ms
        races[market_id] = market, _records_of_race(parsed, market, line, _utc(stated_ms))
    for market, line in places:  # of a race in the same recording, or of one in another
        if not _is_of_race(parsed, market, line, [records for _, records in races.values()]):
            _wait_for_race(parsed, market, line)
    parsed.left_out = dict(sorted(left_out.items()))
    if races:
        _second_reading(file, parsed, races)
    else:
        for line, reason in recording.broken:
            parsed.refuse(line, reason)
    return parsed


def _first_reading(file: InputFile) -> _Recording:
    recording = _Recording()
    for message in messages(file.content, holding=_DEFINITION, on_broken=recording.note_broken):
        recording.last_ms = max(recording.last_ms, message.at_ms)
        for change in message.markets:
            definition, market_id = change.get("marketDefinition"), str(change["id"])
            if not isinstance(definition, dict):
                continue
            sport, kind = sport_of(definition), str(definition.get("marketType"))[:40].upper()
            if sport != "greyhounds" or kind not in (WIN, PLACE):
                recording.kinds[market_id] = kind if sport == "greyhounds" else sport
                if len(recording.kinds) > MAX_OTHER_MARKETS:
                    raise FileRefused(
                        f"a recorded stream has at most {MAX_OTHER_MARKETS} markets, this has more"
                    )
                continue
            recording.definitions[market_id] = message.line, definition, message.at_ms
            if len(recording.definitions) > MAX_MARKETS:
                raise FileRefused(
                    f"a recorded stream has at most {MAX_MARKETS} markets of races, this has more"
                )
    return recording


def _records_of_race(
    parsed: ParsedFile, market: StreamMarket, line: int, stated_at: dt.datetime
) -> dict[int, SourceRecord]:
    """Add the records of a market's runners, and return them by selection."""
    has_result = market.is_settled and any(runner.won for runner in market.runners)
    records: dict[int, SourceRecord] = {}
    n_refused = parsed.n_refused
    for runner in market.runners:
        parsed.n_read += 1
        if is_placeholder(runner.name):
            parsed.n_empty += 1
            continue
        try:
            record = _record(parsed, market, runner, line)
        except RowRefused as error:
            parsed.refuse(line, f"{error} (market {market.market_id})")
            continue
        record["stated_at"] = stated_at
        record["won"] = runner.won if has_result else None
        record["is_scratched"] = runner.status == REMOVED or (has_result and runner.won is None)
        record["is_blank"] = not has_result
        records[runner.selection] = record
    reason = why_impossible(records.values(), has_places=False)
    if reason is None and len({record["dog_key"] for record in records.values()}) < len(records):
        reason = "a dog runs once in a race, got one twice"
    if reason:
        parsed.problems.add(Problem(parsed.name, line, "race", reason))
    for record in records.values():
        record["is_race_whole"] = reason is None and parsed.n_refused == n_refused
    by_dog = {record["dog_key"]: record for record in records.values()}
    parsed.records += by_dog.values()
    return records


def _record(parsed: ParsedFile, market: StreamMarket, runner: StreamRunner, line: int) -> SourceRecord:
    digits = market_id_of(market.market_id)
    if digits is None:
        raise RowRefused(f"a market's id reads 1.195395419, got {market.market_id[:40]!r}")
    if runner.number is not None and not 1 <= runner.number <= 10:
        raise RowRefused(f"rug must be 1..10, got {runner.number}")
    record = parsed.record(
        line,
        dog=runner.name,
        track=market.track,
        date=market.date.isoformat(),
        distance=str(market.distance_m or _LONGEST_M),
    )
    record["race_key"] = f"betfair:{digits}"
    record["rug"] = runner.number
    record["box"] = runner.number if runner.number is not None and runner.number <= LAST_BOX else None
    record["race_number"], record["grade"] = market.race_number, market.grade
    record["off_at"] = market.off_at
    if runner.bsp is not None and runner.status != REMOVED:
        record["bsp"] = parsed.price("bsp", str(runner.bsp), line, runner.name)
    if runner.removed_at is not None:
        record["remarks"] = f"removed {runner.removed_at:%Y-%m-%d %H:%M:%S} UTC"
    return record


def _is_of_race(
    parsed: ParsedFile, market: StreamMarket, line: int, races: list[dict[int, SourceRecord]]
) -> bool:
    """Write who was placed into the race of a place market's dogs, if the recording has it; return whether.

    A dog runs once a day. As where such a market waits, it is the race with more than half of its dogs.
    """
    placed = {name_key(runner.name): runner for runner in market.runners if runner.won is not None}
    for records in races:
        ran = {
            name_key(record["dog_name"]): record
            for record in records.values()
            if not record["is_scratched"] and day_of_key(record["bucket"]) == market.date
        }
        shared = placed.keys() & ran.keys()
        if 2 * len(shared) <= min(len(placed), len(ran)):
            continue
        parsed.n_read += 1
        parsed.n_repeated += 1
        for key in shared:
            record, runner = ran[key], placed[key]
            if record["placed"] is None:
                record["placed"] = runner.won
                if runner.bsp is not None:
                    record["place_bsp"] = parsed.price("place_bsp", str(runner.bsp), line, runner.name)
        return True
    return False


def _wait_for_race(parsed: ParsedFile, market: StreamMarket, line: int) -> None:
    """Add the rows of a settled place market: it names no distance and no number, and joins its dogs' race.

    They are one row of the file: a market's runners wait together, or not at all.
    """
    parsed.n_read += 1
    rows: list[SourceRecord] = []
    try:
        for runner in market.runners:
            if is_placeholder(runner.name):
                continue
            record = _record(parsed, market, runner, line)
            record["placed"], record["place_bsp"], record["bsp"] = runner.won, record["bsp"], None
            record["is_scratched"] = runner.won is None
            row = parsed.waiting_record(line, STREAM_PLACE, market.date, market.track)
            row |= {name: record[name] for name in row if name in record}
            rows.append(row | {"market_id": market.market_id})
    except RowRefused as error:
        parsed.refuse(line, f"{error} (market {market.market_id})")
        return
    parsed.waiting += rows


def _second_reading(
    file: InputFile, parsed: ParsedFile, races: dict[str, tuple[StreamMarket, dict[int, SourceRecord]]]
) -> None:
    """Follow the prices of the races, and note what they were at minutes before each off."""
    books = {market_id: MarketBook(market.off_ms) for market_id, (market, _) in races.items()}
    at_ms = 0
    for message in messages(file.content, on_broken=parsed.refuse):
        at_ms = max(at_ms, message.at_ms)
        for change in message.markets:
            market_id = str(change["id"])
            book = books.get(market_id)
            if book is None:
                continue
            market, records = races[market_id]
            _note(parsed, market, records, book.quotes_until(at_ms))
            try:
                definition = change.get("marketDefinition")
                if definition is not None:
                    book.definition(definition)
                    if definition.get("status") == "CLOSED":
                        _note_closing(records, books.pop(market_id))
                        continue
                book.change(change)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                parsed.refuse(message.line, f"a change of a market has its runners' prices, got {error!r}")
    for market_id, book in books.items():
        _note(parsed, *races[market_id], book.quotes_until(at_ms + 1))


def _note(
    parsed: ParsedFile, market: StreamMarket, records: dict[int, SourceRecord], quotes: Iterable[Quote]
) -> None:
    """Note the prices of the runners that were not removed in the end: the others are no starters."""
    for quote in quotes:
        record = records.get(quote.selection)
        if record is not None and not record["is_scratched"]:
            price = {name: getattr(quote, name) for name in _OF_PRICE}
            key = {"date": market.date, "dog_key": record["dog_key"], "race_key": record["race_key"]}
            parsed.prices.append(key | price)


def _note_closing(records: dict[int, SourceRecord], book: MarketBook) -> None:
    for selection, (last, volume) in book.closing.items():
        record = records.get(selection)
        if record is not None and not record["is_scratched"]:
            record["last_price"], record["volume"] = last, volume


def _utc(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).replace(tzinfo=None)


BETFAIR_STREAM = Format(
    name=KIND,
    title="a recording of Betfair's stream",
    is_it=lambda file: is_stream(file.head),
    read=parse_stream,
)
