"""Read logged cards: which race each was about, and what was said of each runner.

The service logs answers as bytes, since that is quick. Their reading can wait; whoever comes first does it,
and twice does no harm. A card that is read after its race was run meets its outcome at once.
"""

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Engine, Row, func, select, text

from racing.names import name_key
from racing.predictions.outcomes import meet
from racing.predictions.tables import PREDICTION, RACE, RUNNER, STORED, insert_missing
from racing.track_time import is_over
from racing.tracks import known_track

log = logging.getLogger("greyhound.racing")
CHUNK = 200
_LOGGED = (
    PREDICTION.c.id,
    PREDICTION.c.model_version,
    PREDICTION.c.at,
    PREDICTION.c.card,
    PREDICTION.c.answer,
)


class _Card(BaseModel):
    date: dt.date
    track: str
    distance_m: int
    race_number: int | None = None


class _Runner(BaseModel):
    name: str
    box: int
    status: str = "starter"
    """Answers of before there were others have none."""
    win_probability: float
    place_probability: float


class _Answer(BaseModel):
    runners: list[_Runner]


def read_unread(
    engine: Engine,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    n_at_once: int = CHUNK,
    rest: Callable[[], None] = lambda: None,
) -> int:
    """Read every logged card that nobody has read; return how many.

    ``rest`` is called between two batches, for a process that has other things to do.
    """
    n_read = 0
    with engine.connect() as connection:
        total = n_unread(connection)
    after = 0
    while rows := _unread(engine, after, n_at_once):
        after = rows[-1].id
        n_read += read_rows(engine, rows)
        rest()
        on_progress(n_read, max(total, n_read))
    return n_read


def n_unread(connection: Connection) -> int:
    """Return how many logged cards nobody has read yet."""
    logged = connection.scalar(select(func.count()).select_from(PREDICTION)) or 0
    return logged - (connection.scalar(select(func.count()).select_from(RACE)) or 0)


def n_newest_unread(connection: Connection) -> int:
    """Return how many cards were logged since the newest that was read, which is quick to count."""
    newest = select(func.coalesce(func.max(RACE.c.prediction_id), 0)).scalar_subquery()
    query = select(func.count()).select_from(PREDICTION).where(PREDICTION.c.id > newest)
    return connection.scalar(query) or 0


def rows_of_writer(engine: Engine, writer: str, after: int, n: int) -> list[Row[Any]]:
    """Return the next cards that a process logged, by its own count."""
    query = select(*_LOGGED, PREDICTION.c.number).where(
        PREDICTION.c.writer == writer, PREDICTION.c.number > after
    )
    with engine.connect() as connection:
        return list(connection.execute(query.order_by(PREDICTION.c.number).limit(n)))


def read_rows(engine: Engine, rows: Sequence[Row[Any]]) -> int:
    """Read some logged cards and store what they say; return how many could be read."""
    races: list[dict[str, Any]] = []
    runners: list[dict[str, Any]] = []
    for row in rows:
        try:
            race, said = _read(row)
        except ValidationError as error:
            log.warning("logged prediction %s cannot be read: %s", row.id, error)
            continue
        races.append(race)
        runners += said
    with engine.begin() as connection:
        _wait_for_imports(connection)
        insert_missing(connection, RACE, races)
        insert_missing(connection, RUNNER, runners)
        days = {race["date"] for race in races}
        run = set(connection.scalars(select(STORED.c.date).where(STORED.c.date.in_(days)).distinct()))
        if run:
            meet(connection, [race["prediction_id"] for race in races if race["date"] in run])
    return len(races)


def _wait_for_imports(connection: Connection) -> None:
    """Let an import end first, and no other begin: either it sees our cards, or we see its results."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.execute(text("LOCK TABLE race IN ROW EXCLUSIVE MODE"))


def _read(row: Row[Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    card = _Card.model_validate_json(row.card)
    runners = [one for one in _Answer.model_validate_json(row.answer).runners if one.status == "starter"]
    race = {
        "prediction_id": row.id,
        "model_version": row.model_version,
        "at": row.at,
        "date": card.date,
        "track": track_key(card.track, card.distance_m),
        "distance_m": card.distance_m,
        "race_number": card.race_number,
        "n_runners": len(runners),
        "is_ahead": not is_over(card.date, card.track, row.at.replace(tzinfo=dt.UTC)),
    }
    said = [
        {
            "prediction_id": row.id,
            "box": runner.box,
            "dog_key": name_key(runner.name),
            "name": runner.name,
            "win_probability": runner.win_probability,
            "place_probability": runner.place_probability,
        }
        for runner in runners
    ]
    return race, said


def track_key(name: str, distance_m: int) -> str:
    """Return the key of a track under whatever name a card calls it."""
    return name_key(known_track(name, distance_m) or name)


def _unread(engine: Engine, after: int, n: int) -> list[Row[Any]]:
    is_read = select(RACE.c.prediction_id).where(RACE.c.prediction_id == PREDICTION.c.id).exists()
    query = select(*_LOGGED).where(PREDICTION.c.id > after, ~is_read)
    with engine.connect() as connection:
        return list(connection.execute(query.order_by(PREDICTION.c.id).limit(n)))
