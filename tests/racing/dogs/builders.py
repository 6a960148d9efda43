"""A small season beside dogs whose names are hard to find, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.importers.import_files import import_betfair
from racing.ratings import update_ratings
from racing.simulation.simulator import simulate_season
from tests.conftest import new_postgresql_database
from tests.racing.importers.builders import BETFAIR_HEADER, betfair_row, write
from tests.racing.seasons import LAST_DAY

NAMES = ("Nala's Ghost", "Sir Tick", "Tick Sir Tock", "Besiktas", "Zoë Ülrike", "Хо Ши", "O'Hara Belle")


def dogs_database(request: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    """Yield a rated database of the kind that the fixture's parameter names."""
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'races.db'}"
    else:
        url = new_postgresql_database(request.getfixturevalue("postgresql_server"))
    engine = open_database(url, create=True)
    simulate_season(engine, n_races=100, seed=7, until=LAST_DAY)
    rows = [
        betfair_row(name, box, won="1.0" if box == 1 else "0.0", date="2026-07-10")
        for box, name in enumerate(NAMES, start=1)
    ]
    later = [
        betfair_row("Nala's Ghost", 2, won="", date="2026-07-20", market="78", bsp=""),
        betfair_row("Sir Tick", 3, won="", date="2026-07-20", market="78", bsp=""),
    ]
    import_betfair(
        engine, [write(folder, "Iggy_Model_V2_Results_2026_07.csv", BETFAIR_HEADER, *rows, *later)]
    )
    update_ratings(engine)
    yield engine
    engine.dispose()
