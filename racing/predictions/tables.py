"""The tables of the log in SQLAlchemy's core."""

from sqlalchemy import Table

from racing.database.experiment_tables import ComparedRace, ContestantPrice
from racing.database.monitor_tables import DaySeal
from racing.database.tables import (
    LatestPrediction,
    LogProgress,
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
PROGRESS: Table = LogProgress.__table__  # type: ignore[attr-defined]
UNREADABLE: Table = UnreadablePrediction.__table__  # type: ignore[attr-defined]
STORED: Table = Race.__table__  # type: ignore[attr-defined]
COMPARED: Table = ComparedRace.__table__  # type: ignore[attr-defined]
PRICE: Table = ContestantPrice.__table__  # type: ignore[attr-defined]
SEAL: Table = DaySeal.__table__  # type: ignore[attr-defined]
