"""PostgreSQL gives what SQLite gives, bit for bit: races, ratings, features."""

import datetime as dt
from pathlib import Path

import numpy as np

from racing.database.engine import open_database
from racing.features import CardFeaturizer, race_table
from racing.importers.import_files import import_results
from racing.importers.undo import imported_files, undo_import
from racing.ratings import update_ratings
from racing.simulation.simulator import simulate_season
from tests.racing.importers.builders import RESULTS_HEADER, results_row, write
from tests.racing.seasons import LAST_DAY, card_of_stored_race, make_season
from tests.racing.test_ratings_store import replay_everything, stored_tables
from tests.racing.test_stored_form import assert_packed_is_read


def test_a_season_has_the_same_features_as_in_sqlite(tmp_path: Path, postgresql_url: str) -> None:
    lite, server = make_season(tmp_path, n_races=150), open_database(postgresql_url, create=True)
    simulate_season(server, n_races=150, seed=7, until=LAST_DAY)
    update_ratings(server)
    day = (LAST_DAY - dt.timedelta(days=2)).isoformat()
    rows = [results_row(f"Dog {box}", box, str(box), date=day) for box in range(1, 7)]
    path = write(tmp_path, "late.csv", RESULTS_HEADER, *rows)
    for engine in (lite, server):
        import_results(engine, [path])
        update_ratings(engine)
    tables = [race_table(engine) for engine in (lite, server)]
    for name in ("features", "race_id", "run_id", "date", "won", "market_probability"):
        np.testing.assert_array_equal(getattr(tables[0], name), getattr(tables[1], name))
    race = int(tables[0].race_id[len(tables[0]) // 2])
    cards = [CardFeaturizer(e).features_of_card(card_of_stored_race(e, race)).values for e in (lite, server)]
    np.testing.assert_array_equal(*cards)
    assert stored_tables(lite)["dogform"] == stored_tables(server)["dogform"]
    assert_packed_is_read(server, LAST_DAY + dt.timedelta(days=1))

    undo_import(server, str(imported_files(server)[-1].id))
    update_ratings(server)
    assert stored_tables(server) == replay_everything(server)
    server.dispose()
