"""Races of today as files bring them: cards, scratchings and results, through the real importers."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.importers.import_files import import_results
from racing.importers.results_api import RaceResult, import_race_results
from tests.clocks.today import today
from tests.racing.importers.builders import RESULTS_HEADER, results_row, write

DOGS = ("Sir Tick", "Nala Ghost", "Slow Coach", "Fast Anna", "Quiet Harbour", "Late Mail")


def race_day_database(url: str) -> Engine:
    """Return an empty race database."""
    return open_database(url, create=True)


def card_lines(day: dt.date, *, dogs: Sequence[str] = DOGS, race: str = "r1") -> list[str]:
    """Return the lines of a results file without results: a card."""
    rows = [
        results_row(dog, box, "", date=day.isoformat(), time="", race_id=race)
        for box, dog in enumerate(dogs, start=1)
    ]
    return [RESULTS_HEADER, *rows]


def store_card(engine: Engine, folder: Path, *, off_in: dt.timedelta = dt.timedelta(hours=1)) -> int:
    """Store a race of today that is due in some time, and return its id."""
    day = today()
    import_results(engine, [write(folder, f"card-{day}.csv", *card_lines(day))])
    off_at = (dt.datetime.now(dt.UTC) + off_in).replace(tzinfo=None, microsecond=0)
    with engine.begin() as connection:
        race_id = connection.execute(text("SELECT max(id) FROM race")).scalar_one()
        connection.execute(
            text("UPDATE race SET off_at = :at WHERE id = :id"), {"at": str(off_at), "id": race_id}
        )
    return int(race_id)


def run_race(engine: Engine, *, dogs: Sequence[str] = DOGS) -> None:
    """Bring the result of that race: they finished in the order of their boxes."""
    runners = [
        {"runner": dog, "box": box, "finish_position": box, "time_s": 25.0 + box / 10}
        for box, dog in enumerate(dogs, start=1)
    ]
    race = RaceResult(date=today(), track="Ballarat", distance_m=450, race_number=1, runners=runners)
    import_race_results(engine, [race])
