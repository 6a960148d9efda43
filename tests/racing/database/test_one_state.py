"""Reads of several statements, while another process corrects what they read."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event, select, text, update

from racing.database.engine import open_database
from racing.database.tables import Race, Run
from racing.simulation.simulator import simulate_season
from racing.stored_race import stored_races

RACE, RUN = Race.__table__, Run.__table__  # type: ignore[attr-defined]


def after_its_first_read(engine: Engine, do: Callable[[], None]) -> None:
    """Let something happen once, between the first SELECT of an engine and what follows."""
    happened: list[bool] = []

    @event.listens_for(engine, "after_cursor_execute")
    def listen(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT") and not happened:
            happened.append(True)
            do()


def test_a_race_and_its_runners_are_those_of_one_moment(url: str) -> None:
    writer = open_database(url, create=True)
    simulate_season(writer, n_races=20, seed=3, until=dt.date(2026, 6, 30))
    with writer.connect() as connection:
        race_id = connection.scalars(select(RACE.c.id).order_by(RACE.c.id)).first()
    assert race_id is not None
    reader = open_database(url)
    (before,) = stored_races(reader, [race_id])

    def correct() -> None:
        with writer.begin() as connection:
            connection.execute(update(RACE).where(RACE.c.id == race_id).values(grade="Grade 5"))
            connection.execute(update(RUN).where(RUN.c.race_id == race_id).values(box=text("9 - box")))

    after_its_first_read(reader, correct)
    assert stored_races(reader, [race_id]) == [before]
    (corrected,) = stored_races(reader, [race_id])
    assert corrected.grade == "Grade 5" != before.grade
    assert corrected.runners != before.runners
    for engine in (reader, writer):
        engine.dispose()
