"""On the real files, where they are: sources meet, and what is messy is refused with a reason."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import text

from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.files.csv_file import read_csv
from racing.importers.files.dates import DateOrder
from racing.importers.formats.betfair import parse_betfair
from racing.importers.formats.results import parse_results
from racing.importers.import_files import import_betfair, import_form_guides, import_results
from racing.importers.records.source_record import day_of_key
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


# What each of these files is; the names in them are invented, the faults are not.
FAULTS = {
    "03_ANZ_Greyhounds_2026_01.csv": (parse_betfair, 2, []),
    "06a_one_stray_quote.csv": (parse_results, 23, [6]),
    "06b_two_stray_quotes.csv": (parse_results, 22, [6, 21]),
    "10b_pandas_and_topaz_dates.csv": (parse_results, 2, []),
    "11a_cp1252.csv": (parse_results, 2, []),
    "11c_mac_line_ends.csv": (parse_results, 1, []),
    "12_suffixes_and_prices.csv": (parse_results, 4, []),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_once_went_wrong_is_read_but_for_its_broken_rows(real_data: Path, name: str) -> None:
    parse, n_runs, broken_lines = FAULTS[name]
    parsed = parse(read_csv(real_data / "faults" / name))
    assert len(parsed.records) == n_runs
    assert [problem.line for problem in parsed.problems] == broken_lines


def test_the_faults_files_have_the_right_names_days_and_prices(real_data: Path) -> None:
    ghost, _ = parse_results(read_csv(real_data / "faults" / "11a_cp1252.csv")).records
    assert ghost["dog_name"] == "Nala\N{RIGHT SINGLE QUOTATION MARK}s Ghost"
    days = parse_results(read_csv(real_data / "faults" / "10b_pandas_and_topaz_dates.csv")).records
    assert {day_of_key(record["bucket"]) for record in days} == {dt.date(2026, 3, 5)}
    prices = parse_results(read_csv(real_data / "faults" / "12_suffixes_and_prices.csv")).records
    assert [record["starting_price"] for record in prices] == [2.4, 3.5, 2.4, 2.0]


def test_a_month_first_file_is_refused_unless_its_order_is_given(real_data: Path) -> None:
    path = real_data / "faults" / "10a_month_first.csv"
    with pytest.raises(FileRefused, match=r"line 4 .*--dates month-first"):
        parse_results(read_csv(path))
    for order in (DateOrder.MONTH_FIRST, DateOrder.AUTO):
        records = parse_results(read_csv(path, order)).records
        days = [day_of_key(record["bucket"]) for record in records]
        assert days == [dt.date(2026, 3, 4)] * 2 + [dt.date(2026, 3, 28)] * 2


def test_dates_of_a_real_month_are_day_first_and_stay_so(real_data: Path) -> None:
    path = real_data / "betfair" / "ANZ_Greyhounds_2024_08.csv.gz"
    for order in (DateOrder.DEFAULT, DateOrder.AUTO):
        months = {
            day_of_key(record["bucket"]).month for record in parse_betfair(read_csv(path, order)).records
        }
        assert months == {8}


# Files, in the order of their import -> races, whole ones, runs, and who won them by race number.
RACES_OF_FAULTS = {
    ("01a_race4_with_reserve.csv", "01b_race7_it_ran_in.csv"): (2, 2, 6, {"Alpha One", "Spare Hound"}),
    ("01b_race7_it_ran_in.csv", "01a_race4_with_reserve.csv"): (2, 2, 6, {"Alpha One", "Spare Hound"}),
    ("01c_both_in_one_file.csv",): (2, 2, 6, {"Alpha One", "Spare Hound"}),
    ("04_finish_codes.csv",): (1, 1, 7, {"Alpha One"}),
    ("06a_one_stray_quote.csv",): (8, 7, 23, {f"Dog {n} 1" for n in range(1, 9)}),
    ("06b_two_stray_quotes.csv",): (8, 6, 22, {f"Dog {n} 1" for n in range(1, 9)}),
    ("07a_tracks_without_latin_letters.csv",): (2, 2, 4, {"Dog A", "Dog C"}),
    ("07b_dogs_without_latin_letters.csv",): (2, 2, 2, {"Стрела 2", "Молния 2"}),
    ("08a_meeting_number_as_race_id.csv",): (3, 3, 18, {f"Dog {n} 1" for n in range(1, 4)}),
    ("08c_winner_missing.csv",): (1, 0, 6, set()),
    ("09a_vacant_and_nan.csv",): (1, 1, 2, {"Alpha One"}),
    ("12_suffixes_and_prices.csv",): (2, 2, 4, {"Alpha One"}),
}


@pytest.mark.parametrize("names", RACES_OF_FAULTS, ids=" then ".join)
def test_a_file_that_once_went_wrong_gives_the_races_that_were_run(
    tmp_path: Path, real_data: Path, names: tuple[str, ...]
) -> None:
    n_races, n_whole, n_runs, winners = RACES_OF_FAULTS[names]
    engine = open_database(f"sqlite:///{tmp_path / 'db'}", create=True)
    for name in names:
        import_results(engine, [real_data / "faults" / name])
    with engine.connect() as connection:
        counts = connection.execute(
            text(
                "SELECT (SELECT count(*) FROM race), (SELECT count(*) FROM race WHERE is_whole), "
                "(SELECT count(*) FROM run)"
            )
        ).one()
        won = connection.scalars(text("SELECT d.name FROM run r JOIN dog d ON d.id = r.dog_id WHERE r.won"))
        assert (*counts, set(won)) == (n_races, n_whole, n_runs, winners)
        assert connection.scalar(text("SELECT count(*) FROM run WHERE won AND is_scratched")) == 0
    engine.dispose()
