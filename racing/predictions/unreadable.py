"""Logged cards that cannot be read: set aside one by one, counted, listed, and tried again on request.

A card is at fault if reading or storing it fails while the database works: JSON that is broken
or something else than a card, a number that no column holds, a NUL in a name (PostgreSQL's text takes
none). Whatever else goes wrong is the database's, and is tried again.
"""

import logging
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, Row, Select, delete, func, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from racing.database.upsert import insert_missing
from racing.predictions.progress import forget_progress
from racing.predictions.tables import PREDICTION, UNREADABLE

log = logging.getLogger("greyhound.racing")
MAX_REASON = 300
_UNDECODABLE = "Could not decode to UTF-8"  # SQLite's driver, of a text that holds other bytes


@dataclass(frozen=True, slots=True)
class UnreadableCard:
    """A logged card that was set aside, by its number in the log."""

    id: int
    reason: str


def is_about_row(error: Exception) -> bool:
    """Return whether an error is the fault of the row at hand, and not of the database or its schema."""
    if isinstance(error, DBAPIError):
        return isinstance(error, (DataError, IntegrityError)) or _UNDECODABLE in str(error.orig)
    if isinstance(error, StatementError):  # a value that the driver does not take
        return True
    return not isinstance(error, (SQLAlchemyError, OSError))


def fetch(engine: Engine, query: Select[Any]) -> list[Row[Any]]:
    """Return the rows of a query over the log; those that cannot even be fetched are set aside.

    The query selects ``PREDICTION.c.id`` among others.
    """
    try:
        with engine.connect() as connection:
            return list(connection.execute(query))
    except Exception as error:
        if not is_about_row(error):
            raise
    with engine.connect() as connection:
        ids = list(connection.scalars(query.with_only_columns(PREDICTION.c.id, maintain_column_froms=True)))
    rows: list[Row[Any]] = []
    for number in ids:
        try:
            with engine.connect() as connection:
                rows += connection.execute(query.where(PREDICTION.c.id == number))
        except Exception as error:
            if not is_about_row(error):
                raise
            set_aside(engine, number, error)
    return rows


def set_aside(engine: Engine, prediction_id: int, error: Exception) -> None:
    """Note that a logged card cannot be read, and why."""
    reason = _reason(error)
    log.warning("logged prediction %s is set aside, it cannot be read: %s", prediction_id, reason)
    row = {"prediction_id": prediction_id, "reason": reason}
    with engine.begin() as connection:
        insert_missing(connection, UNREADABLE, [row])


def n_unreadable(connection: Connection) -> int:
    """Return how many logged cards are set aside."""
    return connection.scalar(select(func.count()).select_from(UNREADABLE)) or 0


def unreadable_cards(engine: Engine, limit: int) -> list[UnreadableCard]:
    """Return cards that are set aside, the newest first."""
    query = select(UNREADABLE).order_by(UNREADABLE.c.prediction_id.desc()).limit(limit)
    with engine.connect() as connection:
        return [UnreadableCard(row.prediction_id, row.reason) for row in connection.execute(query)]


def try_again(engine: Engine) -> int:
    """Let the cards that are set aside be read again; return how many they are."""
    with engine.begin() as connection:
        forget_progress(connection)
        return connection.execute(delete(UNREADABLE)).rowcount


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):  # the first rule alone, without the values
        fault = error.errors(include_url=False, include_input=False)[0]
        text = ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"])))
    else:
        text = str(getattr(error, "orig", None) or error) or type(error).__name__
    text = " ".join(text.replace("\x00", "\\x00").split())
    return text[:MAX_REASON].encode(errors="replace").decode()
