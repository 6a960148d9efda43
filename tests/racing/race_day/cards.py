"""Races of today as files bring them: cards, scratchings and results, through the real importers."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.domain.cards import Card, Runner
from racing.importers.results_api import RaceResult, import_race_results
from racing.race_day.report_cards import report_cards
from tests.clocks.today import today

DOGS = ("Sir Tick", "Nala Ghost", "Slow Coach", "Fast Anna", "Quiet Harbour", "Late Mail")


def race_day_database(url: str) -> Engine:
    """Return an empty race database."""
    return open_database(url, create=True)


def store_card(
    engine: Engine, *, off_in: dt.timedelta = dt.timedelta(hours=1), dogs: Sequence[str] = DOGS
) -> int:
    """Store a race of today that is due in some time, and return its id."""
    off_at = (dt.datetime.now(dt.UTC) + off_in).replace(microsecond=0)
    runners = tuple(Runner(name=dog, box=box) for box, dog in enumerate(dogs, start=1))
    card = Card(
        date=today(),
        track="Ballarat",
        distance_m=450,
        race_number=1,
        runners=runners,
        off_at=off_at.isoformat(),
    )
    (stored,) = report_cards(engine, [card], dt.datetime.now(dt.UTC))
    return stored.id


def run_race(engine: Engine, *, dogs: Sequence[str] = DOGS) -> None:
    """Bring the result of that race: they finished in the order of their boxes."""
    runners = [
        {"runner": dog, "box": box, "finish_position": box, "time_s": 25.0 + box / 10}
        for box, dog in enumerate(dogs, start=1)
    ]
    race = RaceResult(date=today(), track="Ballarat", distance_m=450, race_number=1, runners=runners)
    import_race_results(engine, [race])
