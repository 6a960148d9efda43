"""Records into the race database, each once, in batches that cost the interpreter little.

Whatever holds the interpreter holds up the answers. So SQLite is given many rows in one statement and
PostgreSQL a block of bytes, and both do the rest while Python does something else.
"""

import datetime as dt
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy.exc import DBAPIError

from racing.domain.errors import DatabaseUnavailable
from service.prediction_log.records import Numbered
from service.race_database import RaceDatabase

_COLUMNS = ("writer", "number", "request_id", "model_version", "digest", "at", "card", "answer")
_NAMES = ", ".join(_COLUMNS)
BUSY_TIMEOUT_MS = 250  # another process may write; meanwhile answers are spooled
STATEMENT_TIMEOUT_MS = 10_000


class LogDatabase(Protocol):
    """A connection that writes records; errors of the driver are raised as they come."""

    def write(self, writer: str, records: Sequence[Numbered]) -> int:
        """Write records in one transaction, leaving out those that are there; return how many were new."""

    def is_there(self) -> bool:
        """Tell whether what was opened is still what the address means."""

    def close(self) -> None:
        """Close it."""


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
    _N_ROWS = (64, 8, 1)  # rows a statement: the interpreter is let go and taken back once for all of them

    def __init__(self, database: RaceDatabase) -> None:
        self._database = database
        self._pooled = database.open().raw_connection()
        self._connection: sqlite3.Connection = self._pooled.driver_connection  # type: ignore[assignment]
        self._connection.isolation_level = None
        self._connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        self._connection.execute("PRAGMA synchronous = FULL")  # some commits a second: they may last

    def write(self, writer: str, records: Sequence[Numbered]) -> int:
        cursor = self._connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            n_new = sum(
                cursor.execute(_insert(len(rows)), _flat(writer, rows)).rowcount
                for rows in self._chunks(records)
            )
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

    def _chunks(self, records: Sequence[Numbered]) -> Iterator[Sequence[Numbered]]:
        start = 0
        for n_rows in self._N_ROWS:  # few sizes, so that the prepared statements stay prepared
            while start + n_rows <= len(records):
                yield records[start : start + n_rows]
                start += n_rows


class _Postgresql:
    def __init__(self, database: RaceDatabase) -> None:
        self._database = database
        self._pooled = database.open().raw_connection()
        connection: Any = self._pooled.driver_connection
        self._connection = connection
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
            cursor.execute("CREATE TEMPORARY TABLE arriving (LIKE prediction) ON COMMIT DELETE ROWS")
            cursor.execute("ALTER TABLE arriving ALTER id DROP NOT NULL")

    def write(self, writer: str, records: Sequence[Numbered]) -> int:
        key = writer.encode()
        with self._connection.transaction(), self._connection.cursor() as cursor:
            with cursor.copy(f"COPY arriving ({_NAMES}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(_COPY_BEGINS)
                for i in range(0, len(records), 32):
                    copy.write(b"".join(_binary_row(key, record) for record in records[i : i + 32]))
                copy.write(_COPY_ENDS)
            cursor.execute(
                f"INSERT INTO prediction ({_NAMES}) SELECT {_NAMES} FROM arriving ORDER BY number "
                "ON CONFLICT (writer, number) DO NOTHING"
            )
            return int(cursor.rowcount)

    def is_there(self) -> bool:
        return not self._connection.closed

    def close(self) -> None:
        self._pooled.invalidate()
        self._database.close()


def _insert(n_rows: int) -> str:
    row = f"({', '.join('?' * len(_COLUMNS))})"
    return f"INSERT INTO prediction ({_NAMES}) VALUES {', '.join([row] * n_rows)} ON CONFLICT DO NOTHING"


def _flat(writer: str, records: Sequence[Numbered]) -> list[object]:
    values: list[object] = []
    for number, (request_id, version, digest, at_us, card, answer) in records:
        at = (_EPOCH + dt.timedelta(microseconds=at_us)).isoformat(" ", "microseconds")
        values += (writer, number, request_id, version, digest, at)
        values += (card.decode(errors="replace"), answer.decode(errors="replace"))
    return values


_EPOCH = dt.datetime(1970, 1, 1)
_COPY_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000
_COPY_BEGINS = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_ENDS = struct.pack("!h", -1)
_TEXT = struct.Struct("!i")
_ROW = struct.Struct("!hi")
_INTEGERS = struct.Struct("!iqi")
_VERSION = struct.Struct("!ii")
_TIME = struct.Struct("!iq")


def _binary_row(writer: bytes, record: Numbered) -> bytes:
    """Return a row as COPY takes it: the number of fields, and before each field its bytes."""
    number, (request_id, version, digest, at_us, card, answer) = record
    name, sha, card, answer = request_id.encode(), digest.encode(), _utf8(card), _utf8(answer)
    size = _TEXT.pack
    return b"".join(
        (
            _ROW.pack(len(_COLUMNS), len(writer)), writer,
            _INTEGERS.pack(8, number, len(name)), name,
            _VERSION.pack(4, version), size(len(sha)), sha,
            _TIME.pack(8, at_us - _COPY_EPOCH_US), size(len(card)), card, size(len(answer)), answer,
        )
    )  # fmt: skip


def _utf8(text: bytes) -> bytes:
    """Return text that PostgreSQL takes: JSON holds no NUL, and was read as UTF-8 before."""
    return text if text.isascii() else text.decode(errors="replace").encode()
