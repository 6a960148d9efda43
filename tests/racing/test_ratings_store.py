"""Ratings in the database: an update from the first change on leaves what a replay of everything leaves."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.importers.import_files import import_results
from racing.importers.undo import imported_files, undo_import
from racing.ratings import update, update_ratings
from racing.ratings.catalog import RATINGS
from racing.ratings.store import load_effects, ratings_are_current
from racing.results_file import write_results
from racing.simulation.simulator import simulate_season
from tests.racing.importers.builders import RESULTS_HEADER, results_row, write
from tests.racing.seasons import LAST_DAY, make_season

TABLES = ("runworth", "effect", "dogform", "doglevels", "levelchanges", "monthofwords")
LATER = (LAST_DAY - dt.timedelta(days=20)).isoformat()


def stored_tables(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Return all that the ratings keep in the database."""
    with engine.connect() as connection:
        return {
            table: [tuple(row) for row in connection.execute(text(f"select * from {table} order by 1, 2"))]
            for table in (*TABLES, "racechange where reader = 'ratings'")
        }


def replay_everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Return what a replay keeps that finds nothing to go on from."""
    with engine.begin() as connection:
        for table in (*TABLES, "racechange"):
            connection.execute(text(f"delete from {table}"))
    update_ratings(engine)
    return stored_tables(engine)


def made_up_results(folder: Path, track: str, day: str = LATER) -> Path:
    rows = [results_row(f"Dog {box}", box, str(box), date=day, track=track) for box in range(1, 7)]
    return write(folder, f"{track}-{day}.csv", RESULTS_HEADER, *rows)


def another_season(engine: Engine, folder: Path) -> None:
    simulate_season(engine, n_races=60, seed=8, until=LAST_DAY, start=LAST_DAY - dt.timedelta(days=30))


def season_after_a_gap(engine: Engine, folder: Path) -> None:
    start = LAST_DAY + dt.timedelta(days=70)
    simulate_season(engine, n_races=40, seed=9, start=start, until=start + dt.timedelta(days=40))


def new_course(engine: Engine, folder: Path) -> None:
    import_results(engine, [made_up_results(folder, "Aardvark Park")])  # stands before the others


def two_imports_and_one_undone(engine: Engine, folder: Path) -> None:
    paths = [made_up_results(folder, "Ballarat"), made_up_results(folder, "Ballarat", "2026-05-31")]
    for path in paths:
        import_results(engine, [path])
        update_ratings(engine)
    undo_import(engine, paths[1])


def before_all_else(engine: Engine, folder: Path) -> None:
    import_results(engine, [made_up_results(folder, "Ballarat", "2020-02-29")])


def changed_twice_before_the_update(engine: Engine, folder: Path) -> None:
    new_course(engine, folder)
    import_results(engine, [made_up_results(folder, "Ballarat", "2026-04-02")])


CHANGES = [
    another_season,
    season_after_a_gap,
    new_course,
    two_imports_and_one_undone,
    before_all_else,
    changed_twice_before_the_update,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_an_update_from_the_first_change_on_is_a_replay_of_everything(
    change: Callable[[Engine, Path], None], tmp_path: Path
) -> None:
    engine = make_season(tmp_path, n_races=200)
    before = stored_tables(engine)
    change(engine, tmp_path)
    assert not ratings_are_current(engine)
    update_ratings(engine)
    updated = stored_tables(engine)
    assert ratings_are_current(engine)
    assert updated != before
    assert updated == replay_everything(engine)


def days_of_a_season(folder: Path) -> list[Path]:
    """Return the results of some days, a file a day, in order."""
    made = open_database(f"sqlite:///{folder}/made.db", create=True)
    simulate_season(made, n_races=120, seed=5, until=LAST_DAY, start=LAST_DAY - dt.timedelta(days=90))
    write_results(made, folder / "season.csv")
    header, *rows = (folder / "season.csv").read_text(encoding="utf-8").splitlines()
    column = header.split(",").index("date")
    by_day: dict[str, list[str]] = {}
    for row in rows:
        by_day.setdefault(row.split(",")[column], []).append(row)
    return [write(folder, f"{day}.csv", header, *by_day[day]) for day in sorted(by_day)]


@pytest.mark.parametrize("races_at_once", [25, update.RACES_AT_ONCE])
def test_days_imported_in_any_order_are_rated_as_if_all_had_come_at_once(
    races_at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update, "RACES_AT_ONCE", races_at_once)
    days = days_of_a_season(tmp_path)
    engine = open_database(f"sqlite:///{tmp_path}/days.db", create=True)
    half = len(days) // 2
    late = days[half - 3]
    imports = [
        [path for path in days[:half] if path != late],
        [days[half]],
        [days[half + 1]],  # the day after
        [late],  # in the middle of the history
        [days[half]],  # again
        days[-4:-2],  # after a gap
        [days[half + 2]],
        days,  # what is left
    ]
    for paths in imports:
        import_results(engine, paths)
        update_ratings(engine)
        assert ratings_are_current(engine)
    by_days = stored_tables(engine)
    assert by_days == replay_everything(engine)
    undo_import(engine, late)
    update_ratings(engine)
    assert stored_tables(engine) == replay_everything(engine) != by_days


def test_an_undone_season_leaves_what_was_there_before(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=200)
    before = stored_tables(engine)
    season_after_a_gap(engine, tmp_path)
    update_ratings(engine)
    report = undo_import(engine, str(imported_files(engine)[-1].id))
    assert report.n_runs_removed == report.n_rows > 200
    update_ratings(engine)
    assert stored_tables(engine) == before == replay_everything(engine)


def test_only_the_months_from_the_change_on_are_replayed(tmp_path: Path) -> None:
    engine = make_season(tmp_path)
    new_course(engine, tmp_path)
    seen: list[tuple[int, int]] = []
    update_ratings(engine, on_progress=lambda done, total: seen.append((done, total)))
    n_runs = len(stored_tables(engine)["runworth"])
    assert seen[-1][0] == seen[-1][1] < len(RATINGS) * n_runs / 3


def test_an_update_that_was_interrupted_is_made_up_for_by_the_next(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=200)
    before = stored_tables(engine)
    new_course(engine, tmp_path)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update_ratings(engine, on_progress=interrupt)
    assert not ratings_are_current(engine)
    assert stored_tables(engine)["effect"] == before["effect"]
    update_ratings(engine)
    assert stored_tables(engine) == replay_everything(engine)


def test_a_change_during_an_update_is_not_lost(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=200)
    new_course(engine, tmp_path)
    changes = [lambda: import_results(engine, [made_up_results(tmp_path, "Ballarat")])]
    update_ratings(engine, on_progress=lambda done, total: changes and changes.pop()())
    assert stored_tables(engine) == replay_everything(engine)
    assert ratings_are_current(engine)


def test_a_stored_past_that_is_not_whole_is_not_trusted(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=200)
    with engine.begin() as connection:
        connection.execute(text("delete from runworth where run_id in (select min(run_id) from runworth)"))
    new_course(engine, tmp_path)
    update_ratings(engine)
    assert stored_tables(engine) == replay_everything(engine)


def test_nothing_imported_is_rated_as_nothing(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/empty.db", create=True)
    update_ratings(engine)
    assert ratings_are_current(engine)
    assert len(load_effects(engine).months) == 0
