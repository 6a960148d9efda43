"""Import others' prices as contestants: a tipster's, a bot's, a bookmaker's, an older model's.

==================== ==================== ===============================================================
column               also called          what
==================== ==================== ===============================================================
date                 day, race_date       2025-07-31 or 31/07/2025, a week ahead at most
track                venue, course        any name that we know, or another
race_number          race, race_no        1..20
runner               dog, dog_name, name  the dog's name; or, where it is blank or there is none:
box                  trap, rug            1..10
price                odds, fair_price     decimal odds or a fraction; its probability is 1 / price
probability          win_probability, p   0..1, or 23.5%; counts where both stand
distance_m           distance             tells apart the tracks that share a name
time                 at, quoted_at        when it was quoted: 2025-07-31T09:30Z; UTC where no zone stands
==================== ==================== ===============================================================

Of a runner the newest price counts, of equal times the one that was imported last. A race's probabilities are
shared out to sum to 1 when they are compared. The days whose prices changed are noted in the change log.
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from racing.database.change_log import OUTCOMES, note_changes
from racing.database.experiment_tables import ContestantPrice, PriceList
from racing.database.upsert import insert_missing
from racing.domain.cards import PRICE
from racing.domain.errors import FileRefused
from racing.domain.names import is_placeholder, name_key
from racing.domain.regions import dog_key
from racing.domain.track_time import is_over, latest_day
from racing.domain.tracks import known_track
from racing.importers.files.archives import Source, expand
from racing.importers.files.csv_file import CsvFile, column_key, read_source
from racing.importers.files.dates import DateOrder, FileDates
from racing.importers.records.prices import decimal_odds, is_missing
from racing.importers.records.source_record import ParsedFile, RowRefused, distance_of
from racing.importers.report import FileReport, FileStatus, ImportReport, Problem

KIND = "prices"
COLUMNS = {
    "date": ("date", "day", "race_date", "meeting_date"),
    "track": ("track", "venue", "course", "track_name"),
    "race_number": ("race_number", "race_no", "race", "race_num", "r"),
    "runner": ("runner", "dog", "dog_name", "runner_name", "greyhound", "selection_name", "name"),
    "box": ("box", "trap", "rug", "box_number", "trap_number", "tab_number"),
    "price": ("price", "odds", "decimal_odds", "fair_price", "rated_price", "fair_odds"),
    "probability": ("probability", "win_probability", "prob", "win_prob", "p", "chance"),
    "distance_m": ("distance_m", "distance", "dist"),
    "time": ("time", "at", "quoted_at", "timestamp", "time_utc"),
}
"""Each column with the names under which files have it; the first that a file has is read."""
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
DAYS_AHEAD = 7
MAX_ROWS = 2_000_000
_LOWEST_PRICE, _HIGHEST_PRICE = PRICE[0], 10_000.0
_DAYS_A_QUERY = 100
_LIST, _PRICE = PriceList.__table__, ContestantPrice.__table__  # type: ignore[attr-defined]
_KEY = ("date", "track", "race_number", "runner")

Key = tuple[dt.date, str, int, str]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Quote:
    probability: float
    at: dt.datetime | None
    """UTC, without a zone."""

    def replaces(self, other: "_Quote | None") -> bool:
        """Return whether it is not older than another; one without a time is older than any with one."""
        if other is None or other.at is None:
            return True
        return self.at is not None and self.at >= other.at


def import_prices(
    engine: Engine,
    paths: Iterable[str | Path],
    name: str,
    *,
    on_progress: OnProgress | None = None,
    dates: DateOrder = DateOrder.DEFAULT,
) -> ImportReport:
    """Import files of prices into the price list ``name``, which is made if it is not there.

    Each file whole or not at all, in a transaction of its own; imported again, a file changes nothing.

    Raises
    ------
    FileRefused
        If the name breaks the rule.
    """
    check_name(name)
    report, files = ImportReport(), expand(paths)
    for i, source in enumerate(files):
        entry = FileReport(source.name, FileStatus.IMPORTED)
        report.files.append(entry)
        quotes = _read(source, dates, entry, report)
        if quotes:
            with engine.begin() as connection:
                _write(connection, name, quotes, entry)
        if on_progress:
            on_progress(i + 1, len(files))
    return report


def remove_prices(engine: Engine, name: str) -> int:
    """Remove a price list; return how many prices it had.

    Raises
    ------
    FileRefused
        If there is none of that name.
    """
    with engine.begin() as connection:
        days = connection.scalars(select(_PRICE.c.date).where(_PRICE.c.name == name).distinct()).all()
        note_changes(connection, days, readers=(OUTCOMES,))
        n = connection.execute(delete(_PRICE).where(_PRICE.c.name == name)).rowcount
        if not connection.execute(delete(_LIST).where(_LIST.c.name == name)).rowcount:
            raise FileRefused(f"a price list must be there to be removed, got {name[:60]!r}")
        return n


def check_name(name: str) -> None:
    """Refuse a name of a price list that cannot be shown as it is.

    Raises
    ------
    FileRefused
        If it breaks the rule.
    """
    if not NAME.fullmatch(name):
        rule = (
            "a price list's name has 1 to 40 of a-z, 0-9, dot, dash and underscore, a letter or digit first"
        )
        raise FileRefused(f"{rule}, got {name[:60]!r}")


def parse_prices(file: CsvFile) -> tuple[ParsedFile, dict[Key, _Quote]]:
    """Return the rows' counts and problems, and the newest price of each runner.

    Raises
    ------
    FileRefused
        If a needed column is missing.
    """
    file = _with_our_columns(file)
    parsed = ParsedFile.of(file, KIND, date_column="date")
    parsed.dates = FileDates(file.date_order, _dates_of(file), latest_day() + dt.timedelta(days=DAYS_AHEAD))
    quotes: dict[Key, _Quote] = {}
    for line, row in file.rows():
        parsed.n_read += 1
        if parsed.n_read > MAX_ROWS:
            raise FileRefused(f"a file of prices has at most {MAX_ROWS} rows")
        try:
            parsed.check(row)
            fields = dict(zip(file.header, map(str.strip, row), strict=True))
            key, quote = _quote(fields, line, parsed)
        except RowRefused as error:
            parsed.refuse(line, str(error))
            continue
        if quote.replaces(quotes.get(key)):
            quotes[key] = quote
    return parsed, quotes


def _read(source: Source, dates: DateOrder, entry: FileReport, report: ImportReport) -> dict[Key, _Quote]:
    """Return the prices of a file; none of one that is refused."""
    try:
        file = read_source(source, dates)
        entry.notes = file.notes
        parsed, quotes = parse_prices(file)
        report.problems.add_all(parsed.problems)
        entry.n_read, entry.n_refused = parsed.n_read, parsed.n_refused
        entry.n_known = parsed.n_read - parsed.n_refused - len(quotes)
        if not quotes:
            raise FileRefused(
                f"none of its {parsed.n_read} rows could be taken" if parsed.n_read else "it has no rows"
            )
    except FileRefused as error:
        entry.status = FileStatus.REFUSED
        report.problems.add(Problem(source.name, 0, "file", str(error)))
        return {}
    return quotes


def _write(connection: Connection, name: str, quotes: dict[Key, _Quote], entry: FileReport) -> None:
    """Write the prices that are not older than those that are there; a list is written by one at a time."""
    insert_missing(connection, _LIST, [{"name": name, "created_at": _now()}])
    connection.execute(select(_LIST.c.name).where(_LIST.c.name == name).with_for_update())
    stored = dict(_stored(connection, name, sorted({key[0] for key in quotes})))
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for key, quote in quotes.items():
        before = stored.get(key)
        if before == quote or not quote.replaces(before):
            entry.n_known += 1
            continue
        row = dict(zip(_KEY, key, strict=True)) | {"probability": quote.probability, "at": quote.at}
        (new if before is None else changed).append(row)
    entry.n_added, entry.n_updated = len(new), len(changed)
    if new:
        connection.execute(insert(_PRICE), [{"name": name} | row for row in new])
    if changed:
        where = [_PRICE.c[column] == bindparam(f"of_{column}") for column in _KEY]
        statement = update(_PRICE).where(_PRICE.c.name == name, *where)
        statement = statement.values(probability=bindparam("new_probability"), at=bindparam("new_at"))
        rows = [
            {f"of_{column}": row[column] for column in _KEY}
            | {"new_probability": row["probability"], "new_at": row["at"]}
            for row in changed
        ]
        connection.execute(statement, rows)
    note_changes(connection, {row["date"] for row in (*new, *changed)}, readers=(OUTCOMES,))


def _stored(connection: Connection, name: str, days: Sequence[dt.date]) -> Iterator[tuple[Key, _Quote]]:
    columns = [_PRICE.c[column] for column in (*_KEY, "probability", "at")]
    for some in (days[i : i + _DAYS_A_QUERY] for i in range(0, len(days), _DAYS_A_QUERY)):
        query = select(*columns).where(_PRICE.c.name == name, _PRICE.c.date.in_(some))
        for *key, probability, at in connection.execute(query):
            yield (key[0], key[1], key[2], key[3]), _Quote(probability, at)


def _with_our_columns(file: CsvFile) -> CsvFile:
    """Return a file whose columns have our names.

    Raises
    ------
    FileRefused
        If one is missing that is needed.
    """
    there = {column_key(name): name for name in reversed(file.header)}
    theirs = {
        ours: found
        for ours, names in COLUMNS.items()
        if (found := next((there[column_key(name)] for name in names if column_key(name) in there), None))
    }
    missing = [ours for ours in ("date", "track", "race_number") if ours not in theirs]
    either = ("runner", "box"), ("price", "probability")
    missing += [f"{one} or {other}" for one, other in either if not {one, other} & theirs.keys()]
    if missing:
        raise FileRefused(
            f"a file of prices needs columns that are missing here: {', '.join(missing)}; it has "
            f"{', '.join(name for name in file.header if name)[:120] or 'none'}"
        )
    ours_of = {found: ours for ours, found in theirs.items()}
    header = tuple(
        ours_of.get(name, f"other column {i}") if file.header.index(name) == i else f"other column {i}"
        for i, name in enumerate(file.header)
    )
    read = tuple(i for i, name in enumerate(header) if name in COLUMNS)
    return replace(file, header=header, columns_read=read)


def _dates_of(file: CsvFile) -> Iterable[tuple[int, str]]:
    if file.date_order != DateOrder.AUTO:
        return ()
    at = file.header.index("date")
    return ((line, row[at]) for line, row in file.rows() if len(row) == len(file.header))


def _quote(fields: dict[str, str], line: int, parsed: ParsedFile) -> tuple[Key, _Quote]:
    """Return what a row says of which runner.

    Raises
    ------
    RowRefused
        If it breaks a rule.
    """
    date = parsed.date_of(fields["date"], line)
    if not name_key(fields["track"]):
        raise RowRefused("track must not be blank")
    distance = fields.get("distance_m", "")
    distance_m = None if is_missing(distance) else distance_of(distance)
    track = name_key(known_track(fields["track"], distance_m) or fields["track"])
    at = _time(fields.get("time", ""))
    if at is not None and is_over(date, fields["track"], at.replace(tzinfo=dt.UTC)):
        raise RowRefused(f"a price is quoted before its race day is over, got {fields['time']!r} for {date}")
    key = date, track, _whole("race_number", fields["race_number"], 20), _runner(fields)
    return key, _Quote(_probability(fields), at)


def _runner(fields: dict[str, str]) -> str:
    """Return the key of a runner: its dog's, or its box."""
    dog = fields.get("runner", "")
    if dog and not is_missing(dog) and not is_placeholder(dog):
        key = dog_key(dog, fields["track"])
        if not key:
            raise RowRefused(f"a dog's name holds a letter or digit, got {dog!r}")
        return key
    if not fields.get("box"):
        raise RowRefused("a row names the runner or its box, got neither")
    return f"box:{_whole('box', fields['box'], 10)}"


def _probability(fields: dict[str, str]) -> float:
    text = fields.get("probability", "")
    if not is_missing(text):
        plain, percent = text.removesuffix("%").strip(), text.endswith("%")
        try:
            value = float(plain) / (100 if percent else 1)
        except ValueError:
            value = math.nan
        if not 0 < value <= 1:
            raise RowRefused(f"probability must be above 0 and at most 1, or a percentage, got {text!r}")
        return value
    text = fields.get("price", "")
    try:
        price = decimal_odds(text)
    except ValueError:
        price = math.nan
    if price is None or not _LOWEST_PRICE <= price <= _HIGHEST_PRICE:
        rule = f"price must be {_LOWEST_PRICE}..{_HIGHEST_PRICE:.0f}"
        raise RowRefused(f"{rule}, got {text!r}")
    return 1 / price


def _time(text: str) -> dt.datetime | None:
    """Return when a price was quoted, UTC without a zone."""
    if is_missing(text):
        return None
    try:
        at = dt.datetime.fromisoformat(text)
        if "T" not in text.upper() and " " not in text:
            raise ValueError(text)
        return at if at.tzinfo is None else at.astimezone(dt.UTC).replace(tzinfo=None)
    except (OverflowError, ValueError):
        raise RowRefused(f"a time is written 2025-07-31T09:30 or with a zone, got {text!r}") from None


def _whole(name: str, text: str, highest: int) -> int:
    plain = re.sub(r"^(?:race|r|box|trap)\s*", "", text, flags=re.IGNORECASE).removesuffix(".0")
    if not plain.isascii() or not plain.isdigit() or not 1 <= int(plain[:6]) <= highest:
        raise RowRefused(f"{name} must be 1..{highest}, got {text!r}")
    return int(plain)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
