"""How far the service has written what it answered, as its database says."""

from sqlalchemy import Engine, Table, func, select

from racing.database.monitor_tables import InputCount
from racing.database.tables import Prediction

_COUNT: Table = InputCount.__table__  # type: ignore[attr-defined]
_PREDICTION: Table = Prediction.__table__  # type: ignore[attr-defined]


def n_logged(engine: Engine) -> int:
    """Return how many answered cards are in the prediction log."""
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(_PREDICTION)) or 0


def n_counted(engine: Engine) -> int:
    """Return how many cards are in the counts of inputs, over all days and versions."""
    with engine.connect() as connection:
        return connection.scalar(select(func.sum(_COUNT.c.n_cards))) or 0
