"""Features of stored races, written a month at a time; a month's work is the same wherever it is done."""

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from sqlalchemy import Engine, func, select

from greyhound.parquet.whole_parquet import whole_parquet
from racing.database.engine import open_database
from racing.database.tables import Run
from racing.domain.errors import DatabaseUnavailable, NotEnoughHistory
from racing.features import FEATURE_NAMES, FEATURE_VERSION, race_tables
from racing.race_table import RaceTable
from training.engines.work import Data

VERSION_KEY = b"greyhound.feature_version"
FILE = "runners.parquet"
ROWS_A_GROUP = 20_000
_ABOUT = {
    "race_id": pa.int64(),
    "run_id": pa.int64(),
    "date": pa.date32(),
    "track_name": pa.string(),
    "won": pa.bool_(),
}
"""Columns beside the features, of which the box, the distance and a track's number are some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSource:
    """Which races, from where, and whereto."""

    database: str | None
    """Its URL; ``None`` is what the process has in GREYHOUND_DATABASE: no password goes over a network."""
    start: dt.date | None
    until: dt.date | None
    countries: tuple[str, ...]
    folder: str


def months_between(engine: Engine, start: dt.date | None, until: dt.date | None) -> tuple[str, ...]:
    """Return the months from the first to the last day with runs, ``2026-03``."""
    day = Run.__table__.c.date  # type: ignore[attr-defined]
    query = select(func.min(day), func.max(day))
    if start is not None:
        query = query.where(day >= start)
    if until is not None:
        query = query.where(day <= until)
    with engine.connect() as connection:
        first, last = connection.execute(query).one()
    if first is None:
        raise NotEnoughHistory(f"there is no race from {start or 'the start'} to {until or 'today'}")
    months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1)
    return tuple(months.astype(str).tolist())


def write_month(data: Data[FeatureSource], month: str) -> int:
    """Write the features of a month and return its number of runners; none is written for a month without."""
    source = data.value
    if "engine" not in data.made:
        data.made["engine"] = _engine(source)
    first, last = _days_of(month, source)
    found = list(race_tables(data.made["engine"], start=first, until=last, countries=source.countries))
    if not found:
        return 0
    (table,) = found
    folder = Path(source.folder) / f"month={month}"
    folder.mkdir(parents=True, exist_ok=True)
    with whole_parquet(folder / FILE, _schema()) as writer:
        writer.write_table(_rows(table), row_group_size=ROWS_A_GROUP)
    return len(table)


def _engine(source: FeatureSource) -> Engine:
    url = source.database or os.environ.get("GREYHOUND_DATABASE")
    if not url:
        raise DatabaseUnavailable("workers find the races by GREYHOUND_DATABASE, which this one has not set")
    return open_database(url)


def _days_of(month: str, source: FeatureSource) -> tuple[dt.date, dt.date]:
    """Return the first and last day of a month that are wanted."""
    first = dt.date.fromisoformat(f"{month}-01")
    last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    return max(first, source.start or first), min(last, source.until or last)


def _schema() -> pa.Schema:
    features = [(name, pa.float32()) for name in FEATURE_NAMES]
    return pa.schema([*_ABOUT.items(), *features], metadata={VERSION_KEY: str(FEATURE_VERSION)})


def _rows(table: RaceTable) -> pa.Table:
    columns = [table.race_id, table.run_id, table.date, table.track.astype(object), table.won]
    columns += [np.ascontiguousarray(column) for column in table.features.T]
    schema = _schema()
    arrays = [pa.array(column).cast(field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
