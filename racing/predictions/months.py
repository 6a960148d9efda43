"""The months of the log on PostgreSQL: partitions that are made ahead, and dropped whole.

A month is that of ``at``, when a card was answered (UTC). All tables of the log have the same months.
What comes before its month was made lies in ``..._other`` until it is made. SQLite has one table each,
and nothing here does anything.
"""

import datetime as dt
import re
from collections.abc import Iterable

from sqlalchemy import Connection, text

from racing.predictions.tables import COMPARED, PREDICTION, RACE, RUNNER

TABLES = tuple(table.name for table in (PREDICTION, RACE, RUNNER, COMPARED))
N_AHEAD = 2
_LOCK = 7_302
_MONTH = re.compile(r"prediction_(\d{4})_(\d\d)")


def has_months(connection: Connection) -> bool:
    """Return whether the log lies in partitions."""
    return connection.dialect.name == "postgresql"


def month_of(at: dt.datetime | dt.date) -> dt.date:
    """Return the first day of a month."""
    return dt.date(at.year, at.month, 1)


def next_month(month: dt.date) -> dt.date:
    """Return the first day of the month after."""
    return month_of(month + dt.timedelta(days=31))


def with_months_ahead(month: dt.date) -> list[dt.date]:
    """Return a month and those after it for which there should be room already."""
    months = [month]
    for _ in range(N_AHEAD):
        months.append(next_month(months[-1]))
    return months


def stored_months(connection: Connection) -> list[dt.date]:
    """Return the months that have partitions, oldest first."""
    names = text(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass('prediction')"
    )
    found = (_MONTH.search(name) for name in connection.scalars(names))
    return sorted(dt.date(int(month[1]), int(month[2]), 1) for month in found if month)


def make_months(connection: Connection, months: Iterable[dt.date]) -> None:
    """Make the partitions of months that have none; nobody who reads or writes the log waits for it.

    A new table is attached, rather than made as a partition: that would lock out everybody else. Its rows
    that came too early move there in the same transaction.
    """
    if not has_months(connection):
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock, 0)"), {"lock": _LOCK})
    missing = sorted(set(map(month_of, months)) - set(stored_months(connection)))
    for month in missing:
        for table in TABLES:
            _make_month(connection, table, month)


def hold_month(connection: Connection, month: dt.date) -> None:
    """Let nobody add to a month or store what its cards are about, until the transaction ends."""
    connection.execute(text(f"LOCK TABLE prediction_{month:%Y_%m} IN EXCLUSIVE MODE"))


def drop_month(connection: Connection, month: dt.date) -> None:
    """Drop the partitions of a month, with all that is in them; fails where one is read just now.

    Readers lock the same tables in any order. Before PostgreSQL would end one of them for the deadlock, after
    a second, this gives way.
    """
    give_way(connection)
    names = ", ".join(f"{table}_{month:%Y_%m}" for table in reversed(TABLES))
    connection.execute(text(f"DROP TABLE {names}"))


def give_way(connection: Connection) -> None:
    """Let the transaction fail from here on rather than wait for a lock, so that no reader fails for it."""
    connection.execute(text("SET LOCAL lock_timeout = '200ms'"))


def _make_month(connection: Connection, table: str, month: dt.date) -> None:
    name, bounds = f"{table}_{month:%Y_%m}", {"first": month, "after": next_month(month)}
    like = f"LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES"
    connection.execute(text(f"CREATE TABLE {name} ({like})"))
    early = f"DELETE FROM {table}_other WHERE at >= :first AND at < :after RETURNING *"
    connection.execute(text(f"WITH early AS ({early}) INSERT INTO {name} SELECT * FROM early"), bounds)
    limits = f"FROM ('{bounds['first']}') TO ('{bounds['after']}')"
    connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {limits}"))
