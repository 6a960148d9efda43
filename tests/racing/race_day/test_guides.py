"""A form guide whose name tells its race is a race to come, beside the past runs that it lists."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.history import load_runs
from racing.importers.import_files import import_cards, import_files
from racing.importers.report import FileStatus
from racing.race_day.upcoming import upcoming_races
from racing.stored_race import stored_race
from tests.clocks.today import today
from tests.racing.importers.builders import FORM_HEADER, form_row, write

ROWS = (
    form_row("1. Anna", date="2025-06-20"),
    form_row(date="2025-06-13"),
    form_row("2. Bela", date="2025-06-20", place="1", box="2"),
    form_row("4. Cora", date="2025-06-06"),
    form_row("9. Dora", date="2025-06-06"),
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'races.db'}", create=True)


def guide(folder: Path, date: dt.date) -> Path:
    return write(folder, f"Race 6 - BAL - {date.day} {date:%B %Y}.csv", FORM_HEADER, *ROWS)


def test_its_race_to_come_is_stored_beside_the_past_runs(engine: Engine, tmp_path: Path) -> None:
    day = dt.date(2025, 7, 10)
    report = import_cards(engine, [guide(tmp_path, day)])
    assert not [str(problem) for problem in report.problems]
    (race,) = upcoming_races(engine, dt.datetime.now(dt.UTC), day)
    assert (race.track, race.race_number, race.distance_m) == ("Ballarat", 6, 450)
    assert (race.n_runners, race.n_without_form) == (3, 0)
    card = stored_race(engine, race.id).card
    assert card is not None
    assert [(runner.name, runner.box) for runner in card.runners] == [
        ("Anna", 1), ("Bela", 2), ("Cora", 4), ("Dora", 9)
    ]  # fmt: skip
    assert len(load_runs(engine).run_id) == 5


@pytest.mark.parametrize(("days_ahead", "n_races"), [(-400, 0), (1, 1)])
def test_a_plain_import_takes_it_for_a_race_to_come_where_its_day_is_not_long_over(
    engine: Engine, tmp_path: Path, days_ahead: int, n_races: int
) -> None:
    day = today("Ballarat") + dt.timedelta(days=days_ahead)
    report = import_files(engine, [guide(tmp_path, day)])
    assert report.n_files(FileStatus.IMPORTED) == 1
    assert len(upcoming_races(engine, dt.datetime.now(dt.UTC), day)) == n_races


def test_a_newer_guide_leaves_out_who_is_scratched(engine: Engine, tmp_path: Path) -> None:
    day = dt.date(2025, 7, 10)
    import_cards(engine, [guide(tmp_path, day)])
    newer = tmp_path / "newer"
    newer.mkdir()
    write(newer, f"Race 6 - BAL - {day.day} {day:%B %Y}.csv", FORM_HEADER, *ROWS[:3], ROWS[4])
    import_cards(engine, [newer])
    (race,) = upcoming_races(engine, dt.datetime.now(dt.UTC), day)
    assert race.scratched == ("Cora",)


def test_a_guide_whose_name_does_not_tell_its_race_is_refused_as_a_card(
    engine: Engine, tmp_path: Path
) -> None:
    report = import_cards(engine, [write(tmp_path, "guide.csv", FORM_HEADER, *ROWS)])
    assert [file.status for file in report.files] == [FileStatus.REFUSED]
    assert "the file's name does not tell the race's date" in str(next(iter(report.problems)))


def test_of_a_guide_whose_distance_nothing_tells_the_past_runs_are_taken_and_a_line_says_what_is_not(
    engine: Engine, tmp_path: Path
) -> None:
    path = write(tmp_path, "Race 6 - SAN - 10 July 2025.csv", FORM_HEADER, *ROWS)
    report = import_cards(engine, [path])
    assert [(file.status, file.n_added) for file in report.files] == [(FileStatus.IMPORTED, 5)]
    (problem,) = report.problems
    assert "race 6 at Sandown Park is not stored, its past runs are" in str(problem)
    assert upcoming_races(engine, dt.datetime.now(dt.UTC), dt.date(2025, 7, 10)) == []
