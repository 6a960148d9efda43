"""On the real files, where they are: sources meet, and what is messy is refused with a reason."""

from pathlib import Path

from sqlalchemy import text

from racing.database.engine import open_database
from racing.importers.betfair import import_betfair
from racing.importers.form_guides import import_form_guides
from racing.importers.report import FileStatus
from racing.importers.undo import imported_files, undo_import


def test_form_guides_meet_a_month_of_betfair(tmp_path: Path, real_data: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'db'}", create=True)
    files = sorted((real_data / "form_guides").glob("Race 3 - BEN - *.csv"))
    guides = import_form_guides(engine, files)
    assert guides.n_files(FileStatus.REFUSED) == 0
    import_betfair(engine, [real_data / "betfair" / "ANZ_Greyhounds_2025_07.csv.gz"])
    in_july = (
        "FROM run r JOIN race a ON a.id = r.race_id WHERE r.time_s IS NOT NULL AND r.date >= '2025-07-01' "
    )
    with engine.connect() as connection:
        n_all = connection.scalar(text(f"SELECT count(*) {in_july}"))
        n_met = connection.scalar(
            text(f"SELECT count(*) {in_july} AND a.market_id IS NOT NULL AND r.rug IS NOT NULL")
        )
    assert n_met > 0.9 * n_all > 20
    assert import_form_guides(engine, files).n_added == 0


def test_every_messy_file_is_taken_or_refused_with_a_reason(tmp_path: Path, real_data: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'db'}", create=True)
    report = import_form_guides(engine, [real_data / "messy_files"])
    assert len(report.files) == 29
    refused = {file.file for file in report.files if file.status == FileStatus.REFUSED}
    assert refused == {problem.file for problem in report.problems if problem.what == "file"}
    taken = {Path(file.file).name for file in report.files} - {Path(file).name for file in refused}
    # The last two are made up, and well: nothing in a row tells. The list of files does, and undo.
    well_made = {"test_form_guide.csv", "test_race_1 (2).csv"}
    assert taken == {"Race_03_GRDN_2025-07-25.csv", "Upcoming_UNKNOWN_2025-07-26_01.csv"} | well_made
    assert {Path(file.name).name for file in imported_files(engine)} == taken
    for name in well_made:
        assert undo_import(engine, name).n_runs_removed > 0
    assert len(imported_files(engine)) == 2
