"""The tables of the log in SQLAlchemy's core, and inserts that skip what is there."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from racing.database.tables import (
    LatestPrediction,
    PredictedRace,
    PredictedRunner,
    Prediction,
    PredictionSums,
    Race,
    UnreadablePrediction,
)

PREDICTION: Table = Prediction.__table__  # type: ignore[attr-defined]
RACE: Table = PredictedRace.__table__  # type: ignore[attr-defined]
RUNNER: Table = PredictedRunner.__table__  # type: ignore[attr-defined]
LATEST: Table = LatestPrediction.__table__  # type: ignore[attr-defined]
SUMS: Table = PredictionSums.__table__  # type: ignore[attr-defined]
UNREADABLE: Table = UnreadablePrediction.__table__  # type: ignore[attr-defined]
STORED: Table = Race.__table__  # type: ignore[attr-defined]


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, leaving out those whose key is there."""
    if rows:
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), list(rows))
