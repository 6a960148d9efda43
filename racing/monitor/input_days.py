"""The counts of inputs in the database, by day and version: written by each process, summed when read."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from racing.database.monitor_tables import InputCount
from racing.monitor.input_counts import Counted, decode, encode

MERGED = "merged"
"""The writer of a row that sums those of processes that have ended."""
MERGE_AFTER_DAYS = 7
"""No process writes days so old any more: it holds those of the last :data:`WRITTEN_DAYS`."""
WRITTEN_DAYS = 3
MAX_MERGED_DAYS = 50
_COUNT = InputCount.__table__  # type: ignore[attr-defined]
_KEY = ("date", "model_version", "writer")


@dataclass(frozen=True, slots=True)
class DayOfInputs:
    """What was counted of one day's cards of a version, by all processes."""

    date: dt.date
    version: int
    digest: str
    counted: Counted


def store_counts(
    connection: Connection, *, writer: str, date: dt.date, version: int, digest: str, counted: Counted
) -> None:
    """Write what one writer has counted of a day so far, in the place of what it wrote before."""
    row = {"date": date, "model_version": version, "writer": writer, "digest": digest}
    row |= {**counted.facts, "counts": encode(counted)}
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(_COUNT).values(row)
    changed = {name: new.excluded[name] for name in row if name not in _KEY}
    connection.execute(new.on_conflict_do_update(index_elements=_KEY, set_=changed))


def days_of_inputs(engine: Engine, version: int, *, since: dt.date) -> list[DayOfInputs]:
    """Return a version's days from one on, in order; of the later artifact, if two had its number."""
    columns = _COUNT.c.date, _COUNT.c.digest, _COUNT.c.counts
    query = select(*columns).where(_COUNT.c.model_version == version, _COUNT.c.date >= since)
    by_day: dict[tuple[dt.date, str], Counted] = {}
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(_COUNT.c.date, _COUNT.c.writer)).all()
    newest = rows[-1].digest if rows else ""
    for row in rows:
        if row.digest == newest:
            _add(by_day, (row.date, row.digest), decode(row.counts))
    return [DayOfInputs(date, version, digest, counted) for (date, digest), counted in by_day.items()]


def versions_with_inputs(engine: Engine, *, since: dt.date) -> list[int]:
    """Return the versions that answered cards from a day on, the one with the most cards first."""
    n_cards = func.sum(_COUNT.c.n_cards)
    query = select(_COUNT.c.model_version).where(_COUNT.c.date >= since).group_by(_COUNT.c.model_version)
    with engine.connect() as connection:
        return list(connection.scalars(query.order_by(n_cards.desc(), _COUNT.c.model_version.desc())))


def tidy_counts(engine: Engine, *, today: dt.date, retention_days: int) -> int:
    """Make one row of those of old days' writers, and remove days beyond the retention; return rows gone.

    The rows that are summed are removed by the statement that reads them, so two that do it at once, or one
    that is killed, lose and double nothing.
    """
    n_gone = 0
    with engine.begin() as connection:
        too_old = _COUNT.c.date < today - dt.timedelta(days=retention_days)
        n_gone += connection.execute(delete(_COUNT).where(too_old)).rowcount
    for date, version in _days_with_many_writers(engine, today - dt.timedelta(days=MERGE_AFTER_DAYS)):
        with engine.begin() as connection:
            n_gone += _merge(connection, date, version)
    return n_gone


def _days_with_many_writers(engine: Engine, before: dt.date) -> Sequence[Any]:
    columns = _COUNT.c.date, _COUNT.c.model_version
    n_digests = func.count(func.distinct(_COUNT.c.digest))
    query = select(*columns).where(_COUNT.c.date < before).group_by(*columns)
    query = query.having(func.count() > n_digests).order_by(_COUNT.c.date).limit(MAX_MERGED_DAYS)
    with engine.connect() as connection:
        return connection.execute(query).all()


def _merge(connection: Connection, date: dt.date, version: int) -> int:
    """Put one row a digest in the place of a day's rows; return how many fewer there are."""
    of_day = (_COUNT.c.date == date) & (_COUNT.c.model_version == version)
    rows = connection.execute(delete(_COUNT).where(of_day).returning(_COUNT.c.digest, _COUNT.c.counts)).all()
    by_digest: dict[str, Counted] = {}
    for row in rows:
        _add(by_digest, row.digest, decode(row.counts))
    merged = [
        {"date": date, "model_version": version, "writer": f"{MERGED}-{digest}", "digest": digest}
        | {**counted.facts, "counts": encode(counted)}
        for digest, counted in by_digest.items()
    ]
    if merged:
        connection.execute(insert(_COUNT), merged)
    return len(rows) - len(merged)


def _add(by_key: dict[Any, Counted], key: Any, counted: Counted) -> None:
    if key in by_key:
        by_key[key].add(counted)
    else:
        by_key[key] = counted
