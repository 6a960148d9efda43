"""Read logged cards: which race each is about, and the probabilities of each runner.

The service logs answers as bytes, since that is quick. They can be read later, by any process, and twice does
no harm. A card that is read after its race was run is matched with its outcome at once. One that cannot be
read is set aside (:mod:`racing.predictions.unreadable`), and those after it are read.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import Connection, Engine, Row, func, select, text

from racing.database.upsert import insert_missing
from racing.domain.names import name_key
from racing.domain.regions import dog_key
from racing.domain.track_time import is_over
from racing.domain.tracks import known_track
from racing.predictions.latest import begin_writing, lock_days
from racing.predictions.match import match_outcomes
from racing.predictions.progress import note_read, read_to
from racing.predictions.shadows import shadows_by_box
from racing.predictions.tables import PREDICTION, RACE, RUNNER, STORED, UNREADABLE
from racing.predictions.unreadable import fetch, is_about_row, set_aside

CHUNK = 200
MAX_COUNTED = 10_000  # unread cards: a stranger can make more of them than a page has time to count
_LOGGED = (
    PREDICTION.c.id,
    PREDICTION.c.model_version,
    PREDICTION.c.at,
    PREDICTION.c.card,
    PREDICTION.c.answer,
    PREDICTION.c.experiment_id,
    PREDICTION.c.shadows,
)


_Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _Card(BaseModel):
    date: dt.date
    track: str
    distance_m: _Number
    race_number: _Number | None = None


_Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Runner(BaseModel):
    name: str
    box: _Number
    status: str = "starter"
    """Answers of before there were others have none."""
    win_probability: _Probability
    place_probability: _Probability


class _Answer(BaseModel):
    runners: Annotated[list[_Runner], Field(min_length=1)]


def read_unread(
    engine: Engine,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    after: int = 0,
    n_at_once: int = CHUNK,
    pause: Callable[[], None] = lambda: None,
) -> int:
    """Read every unread card of the log numbered above ``after``; return how many could be read.

    What was read long ago is passed over. ``pause`` is called between two batches, for a process that has
    other things to do.
    """
    n_read = total = 0
    with engine.connect() as connection:
        passed = read_to(connection)
        after, newest = max(after, passed), newest_id(connection)
        is_whole = after == passed
        if on_progress:
            total = n_unread(connection, after)
    while ids := _unread(engine, after, n_at_once):
        after = ids[-1]
        rows = fetch(engine, select(*_LOGGED).where(PREDICTION.c.id.in_(ids)).order_by(PREDICTION.c.id))
        n_read += read_rows(engine, rows)
        pause()
        if on_progress:
            on_progress(n_read, max(total, n_read))
    if is_whole and newest > passed:
        with engine.begin() as connection:
            note_read(connection, newest)
    return n_read


def newest_id(connection: Connection) -> int:
    """Return the highest number of a card in the log, 0 if there is none."""
    return connection.scalar(select(func.max(PREDICTION.c.id))) or 0


def n_unread(connection: Connection, after: int = 0) -> int:
    """Return how many logged cards numbered above ``after`` were neither read nor set aside yet."""
    n = [
        connection.scalar(select(func.count()).select_from(column.table).where(column > after)) or 0
        for column in (PREDICTION.c.id, RACE.c.prediction_id, UNREADABLE.c.prediction_id)
    ]
    return max(0, n[0] - n[1] - n[2])


def n_newest_unread(connection: Connection) -> int:
    """Return how many cards were logged since the newest that was read, at most :data:`MAX_COUNTED`."""
    newest = 0
    for column in (RACE.c.prediction_id, UNREADABLE.c.prediction_id):
        newest = max(newest, connection.scalar(select(func.max(column))) or 0)
    unread = select(PREDICTION.c.id).where(PREDICTION.c.id > newest).limit(MAX_COUNTED)
    return connection.scalar(select(func.count()).select_from(unread.subquery())) or 0


def numbers_of_writer(engine: Engine, writer: str, after: int, n: int) -> list[int]:
    """Return the next cards that a process logged, by its own count."""
    query = select(PREDICTION.c.number).where(PREDICTION.c.writer == writer, PREDICTION.c.number > after)
    with engine.connect() as connection:
        return list(connection.scalars(query.order_by(PREDICTION.c.number).limit(n)))


def rows_of_writer(engine: Engine, writer: str, numbers: Sequence[int]) -> list[Row[Any]]:
    """Return cards that a process logged, by its own count."""
    query = select(*_LOGGED).where(PREDICTION.c.writer == writer, PREDICTION.c.number.in_(numbers))
    return fetch(engine, query.order_by(PREDICTION.c.number))


def read_rows(engine: Engine, rows: Sequence[Row[Any]]) -> int:
    """Read some logged cards and store their races and runners; return how many could be read.

    The others are set aside: those that are no card with its answer, and, if the database refuses the batch,
    each that it refuses alone.
    """
    read = []
    for row in rows:
        try:
            read.append(_read(row))
        except Exception as error:  # whatever a text of anyone's can do to a parser
            set_aside(engine, row.id, error)
    try:
        _store(engine, read)
    except Exception as error:
        if not is_about_row(error):
            raise
        return sum(_is_stored_alone(engine, one) for one in read)
    return len(read)


_Read = tuple[dict[str, Any], list[dict[str, Any]]]


def _is_stored_alone(engine: Engine, read: _Read) -> bool:
    try:
        _store(engine, [read])
    except Exception as error:
        if not is_about_row(error):
            raise
        set_aside(engine, read[0]["prediction_id"], error)
        return False
    return True


def _store(engine: Engine, read: Sequence[_Read]) -> None:
    if not read:
        return
    with engine.begin() as connection:
        begin_writing(connection)
        read = _still_there(connection, read)
        races = [race for race, _ in read]
        _wait_for_imports(connection)
        days = {race["date"] for race in races}
        run = set(connection.scalars(select(STORED.c.date).where(STORED.c.date.in_(days)).distinct()))
        if run:
            lock_days(connection, run)
        insert_missing(connection, RACE, races)
        insert_missing(connection, RUNNER, [runner for _, runners in read for runner in runners])
        if run:
            match_outcomes(connection, [race["prediction_id"] for race in races if race["date"] in run])


def _still_there(connection: Connection, read: Sequence[_Read]) -> Sequence[_Read]:
    """Return those whose cards are in the log, where they stay until the transaction ends.

    PostgreSQL's partitions have no foreign keys; a card that is being pruned would leave a race behind.
    """
    if connection.dialect.name != "postgresql":
        return read
    times = [race["at"] for race, _ in read]
    ids = [race["prediction_id"] for race, _ in read]
    there = select(PREDICTION.c.id).where(
        PREDICTION.c.id.in_(ids), PREDICTION.c.at.between(min(times), max(times))
    )
    locked = set(connection.scalars(there.with_for_update(read=True, key_share=True)))
    return [one for one in read if one[0]["prediction_id"] in locked]


def _wait_for_imports(connection: Connection) -> None:
    """Let an import end first, and no other begin: one of the two then sees the other's rows."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.execute(text("LOCK TABLE race IN ROW EXCLUSIVE MODE"))


def _read(row: Row[Any]) -> _Read:
    card = _Card.model_validate_json(row.card)
    answered = _Answer.model_validate_json(row.answer).runners
    runners = [one for one in answered if one.status == "starter"]
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
        "experiment_id": row.experiment_id,
        "shadows": row.shadows and shadows_by_box(row.shadows, [(one.box, one.status) for one in answered]),
    }
    runners_read = [
        {
            "prediction_id": row.id,
            "at": row.at,
            "box": runner.box,
            "dog_key": dog_key(runner.name, card.track),
            "name": runner.name,
            "win_probability": runner.win_probability,
            "place_probability": runner.place_probability,
        }
        for runner in runners
    ]
    return race, runners_read


def track_key(name: str, distance_m: int) -> str:
    """Return the key of a track under whatever name a card calls it."""
    return name_key(known_track(name, distance_m) or name)


def _unread(engine: Engine, after: int, n: int) -> list[int]:
    is_read = select(RACE.c.prediction_id).where(RACE.c.prediction_id == PREDICTION.c.id).exists()
    is_aside = (
        select(UNREADABLE.c.prediction_id).where(UNREADABLE.c.prediction_id == PREDICTION.c.id).exists()
    )
    query = select(PREDICTION.c.id).where(PREDICTION.c.id > after, ~is_read, ~is_aside)
    with engine.connect() as connection:
        return list(connection.scalars(query.order_by(PREDICTION.c.id).limit(n)))
