"""Write records into the race database, each once, in batches that cost the interpreter little.

Whatever holds the interpreter holds up the answers, and so does what lets it go and takes it back row by row.
So SQLite is given many rows in one statement, and PostgreSQL a COPY.
"""

import datetime as dt
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy.exc import DBAPIError

from racing.domain.errors import DatabaseUnavailable
from racing.predictions.months import give_way, make_months, month_of, with_months_ahead
from service.prediction_log.log_queue import LogRecord
from service.race_database import RaceDatabase

_COLUMNS = (
    *("writer", "number", "request_id", "model_version", "digest", "at", "card", "answer"),
    *("experiment_id", "shadows"),
)
_TYPES = ("text", "int8", "text", "int4", "text", "timestamp", "text", "text", "int4", "text")
_NAMES = ", ".join(_COLUMNS)
_EPOCH = dt.datetime(1970, 1, 1)
BUSY_TIMEOUT_MS = 250  # another process may write; answers are spooled until then
STATEMENT_TIMEOUT_MS = 10_000


class LogDatabase(Protocol):
    """A connection that writes records; errors of the driver are raised as they come."""

    def write(self, writer: str, records: Sequence[LogRecord]) -> int:
        """Write records in one transaction, leaving out those that are there; return how many were new."""

    def is_there(self) -> bool:
        """Tell whether what was opened is still what the address means."""

    def close(self) -> None:
        """Close it."""


def is_about_data(error: Exception) -> bool:
    """Return whether a row is at fault, by the names that every driver gives to such errors.

    What Python refuses to encode on the way to the driver is about the row as well.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    return bool(names & {"DataError", "IntegrityError"}) or isinstance(error, (UnicodeError, OverflowError))


def open_log_database(url: str) -> LogDatabase:
    """Open the race database to write to the log.

    Raises
    ------
    racing.domain.errors.DatabaseUnavailable
        If it is absent, locked or out of reach.
    """
    database = RaceDatabase(url)
    kind = _Sqlite if database.open().dialect.name == "sqlite" else _Postgresql
    try:
        return kind(database)
    except DBAPIError as error:
        database.close()
        raise DatabaseUnavailable(f"the race database does not answer: {error.orig}") from error


class _Sqlite:
    # Rows a statement. Few sizes: a connection caches each size's statement with the rows last written.
    _N_ROWS = (64, 16, 4, 1)

    def __init__(self, database: RaceDatabase) -> None:
        self._database = database
        self._pooled = database.open().raw_connection()
        self._connection: sqlite3.Connection = self._pooled.driver_connection  # type: ignore[assignment]
        self._connection.isolation_level = None
        self._connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        self._connection.execute("PRAGMA synchronous = FULL")  # some commits a second: they may last

    def write(self, writer: str, records: Sequence[LogRecord]) -> int:
        cursor = self._connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            n_new = 0
            for rows in self._chunks(records):
                values: list[object] = []
                for record in rows:
                    values += _values(writer, record, _time(record).isoformat(" ", "microseconds"))
                n_new += cursor.execute(_insert(len(rows)), values).rowcount
            cursor.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise
        return n_new

    def is_there(self) -> bool:
        return self._database.is_there

    def close(self) -> None:
        self._pooled.invalidate()
        self._database.close()

    def _chunks(self, records: Sequence[LogRecord]) -> Iterator[Sequence[LogRecord]]:
        start = 0
        for n_rows in self._N_ROWS:
            while start + n_rows <= len(records):
                yield records[start : start + n_rows]
                start += n_rows


class _Postgresql:
    def __init__(self, database: RaceDatabase) -> None:
        self._database = database
        self._engine = database.open()
        self._months: set[dt.date] = set()  # that are known to have partitions
        self._make_months([dt.datetime.now(dt.UTC).date()])
        self._pooled = self._engine.raw_connection()
        connection: Any = self._pooled.driver_connection
        self._connection = connection
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
            cursor.execute("CREATE TEMPORARY TABLE arriving (LIKE prediction) ON COMMIT DELETE ROWS")
            cursor.execute("ALTER TABLE arriving ALTER id DROP NOT NULL")

    def write(self, writer: str, records: Sequence[LogRecord]) -> int:
        self._make_months(map(_time, records))
        with self._connection.transaction(), self._connection.cursor() as cursor:
            with cursor.copy(f"COPY arriving ({_NAMES}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(_TYPES)
                for record in records:
                    copy.write_row(_values(writer, record, _time(record)))
            cursor.execute(
                f"INSERT INTO prediction ({_NAMES}) SELECT {_NAMES} FROM arriving ORDER BY number "
                "ON CONFLICT (writer, number, at) DO NOTHING"
            )
            return int(cursor.rowcount)

    def _make_months(self, times: Iterable[dt.date]) -> None:
        """Let the months of some times, and the next ones, have partitions."""
        new = {month_of(at) for at in times} - self._months
        if new:
            with self._engine.begin() as connection:
                give_way(connection)  # it is tried again
                make_months(connection, {ahead for month in new for ahead in with_months_ahead(month)})
            self._months |= new

    def is_there(self) -> bool:
        return not self._connection.closed

    def close(self) -> None:
        self._pooled.invalidate()
        self._database.close()


def _insert(n_rows: int) -> str:
    row = f"({', '.join('?' * len(_COLUMNS))})"
    return f"INSERT INTO prediction ({_NAMES}) VALUES {', '.join([row] * n_rows)} ON CONFLICT DO NOTHING"


def _time(record: LogRecord) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=record.at_us)


def _values(writer: str, record: LogRecord, at: object) -> tuple[object, ...]:
    """Return a row's values, in the order of the columns."""
    texts = (record.card.decode(errors="replace"), record.answer.decode(errors="replace"))
    shadows = None if record.shadows is None else record.shadows.decode(errors="replace")
    return (
        *(writer, record.number, record.request_id, record.model_version, record.digest, at, *texts),
        *(record.experiment_id, shadows),
    )
