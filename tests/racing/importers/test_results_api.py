"""Results that are reported race by race."""

import datetime as dt
from pathlib import Path

from sqlalchemy import text

from racing.database.engine import open_database
from racing.importers.results_api import RaceResult, import_race_results


def test_who_lost_has_run_also_as_a_reserve_and_its_place_comes_with_another_source(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/r.db", create=True)

    def report(**outcomes: object) -> list[tuple[object, ...]]:
        runners = [
            {"runner": name, "box": box, name_of: value}
            for (name, value), box in zip(outcomes.items(), (1, 2, 9), strict=True)
            for name_of in ("won" if isinstance(value, bool) else "finish_position",)
        ]
        race = RaceResult(
            date=dt.date(2026, 3, 14), track="Ballarat", distance_m=450, race_number=1, runners=runners
        )
        assert import_race_results(engine, [race]).files[0].n_refused == 0
        query = """SELECT run.won, run.finish_position, run.is_scratched, race.is_whole
                   FROM run JOIN race ON race.id = run.race_id ORDER BY run.box"""
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    by_exchange = report(Anna=False, Bela=True, Cleo=False)
    assert by_exchange == [(0, None, 0, 1), (1, 1, 0, 1), (0, None, 0, 1)]
    assert report(Anna=3, Bela=1, Cleo=2) == [(0, 3, 0, 1), (1, 1, 0, 1), (0, 2, 0, 1)]
    engine.dispose()
