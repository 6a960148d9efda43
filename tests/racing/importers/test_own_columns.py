"""Columns of anybody's own: units, codes, dates and constants as a TOML file says; faults by line and key."""

import datetime as dt
from pathlib import Path

import pytest

from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content
from racing.importers.files.input_file import InputFile
from racing.importers.formats.column_units import converter
from racing.importers.formats.own_columns import EXAMPLE, format_of_columns, read_columns
from racing.importers.records.source_record import ParsedFile, day_of_key, distance_of_key

HEADER = "Meeting,Race,Race Date,Greyhound,Trap,Distance,Grade,Fin,Time,Beaten By,Weight,SP,Trainer"
ROWS = (
    "SPK,1,05.07.2025,Sir Tick,1,525,A3,1,0:28.51,,72.5,5/2F,A Trainer",
    "SPK,1,05.07.2025,Nala's Ghost,2,525,A3,2,28.75,0.24,68,9/4,B Trainer",
    "SPK,1,05.07.2025,Slow Coach,3,525,A3,fell,,,70,10,C Trainer",
    "SPK,1,05.07.2025,Late Again,4,525,A3,N/R,,,,,",
)
MINIMAL = """
[columns]
race_id = "id"
date = "date"
track = "track"
runner = "dog"
distance_m = "m"
"""


def parse(toml: str, header: str, *rows: str) -> ParsedFile:
    file = InputFile("mine.csv", Content.of("\n".join((header, *rows)).encode()))
    return format_of_columns(toml, "mine.toml").read(file)


def refusal_of(toml: str, header: str = "id,date,track,dog,m") -> str:
    with pytest.raises(FileRefused) as refused:
        parse(toml, header, "1,2025-07-05,Ballarat,Alpha,450")
    return str(refused.value)


def test_the_example_reads_its_file_in_our_units() -> None:
    parsed = parse(EXAMPLE, HEADER, *ROWS)
    assert parsed.problems.n == 0
    first, second, third, fourth = parsed.records
    assert (first["track"], day_of_key(first["bucket"])) == ("Shelbourne Park", dt.date(2025, 7, 5))
    assert distance_of_key(first["bucket"]) == 480  # 525 yards
    assert (first["won"], first["time_s"], first["weight_kg"]) == (
        True,
        28.51,
        pytest.approx(32.89, abs=0.01),
    )
    assert (first["starting_price"], second["starting_price"], third["starting_price"]) == (3.5, 3.25, 11.0)
    assert (second["margin_lengths"], second["trainer"]) == (3.0, "B Trainer")  # 0.24 s at 0.08 s a length
    assert (third["won"], third["finish_position"], third["is_scratched"]) == (False, None, False)
    assert fourth["is_scratched"]
    assert {record["race_key"] for record in parsed.records} == {
        "csv:2025-07-05|SHELBOURNEPARK|480|SPK 1",
    }


def test_case_and_blanks_of_a_header_do_not_matter() -> None:
    shouted = ",".join(f" {name.upper().replace(' ', '_')} " for name in HEADER.split(","))
    assert len(parse(EXAMPLE, shouted, *ROWS).records) == 4


@pytest.mark.parametrize(
    ("column", "unit", "text", "ours"),
    [
        ("starting_price", "american", "+150", "2.5000"),
        ("starting_price", "american", "-200", "1.5000"),
        ("starting_price", "percent", "40%", "2.5000"),
        ("starting_price", "fraction", "5", "6"),
        ("starting_price", "fraction", "Evs", "2.0000"),
        ("time_s", "mm:ss.cc", "1:02.33", "62.330"),
        ("weight_kg", "lb", "70 lbs", "31.75"),
        ("margin_lengths", "seconds", "0.16", "2.00"),
        ("distance_m", "yards", "550y", "503"),
    ],
)
def test_units_are_turned_into_ours(column: str, unit: str, text: str, ours: str) -> None:
    convert = converter(column, unit, "GB", None)
    assert convert is not None
    assert convert(text) == ours


def test_a_value_that_is_none_of_its_unit_is_dropped_and_never_taken_for_another() -> None:
    units = '[units]\nstarting_price = "american"\nweight_kg = "lb"'
    toml = f'{MINIMAL}starting_price = "sp"\nweight_kg = "wt"\n{units}'
    parsed = parse(toml, "id,date,track,dog,m,sp,wt", "1,2025-07-05,Ballarat,Alpha,450,5.0,5st")
    assert [parsed.records[0][name] for name in ("starting_price", "weight_kg")] == [None, None]
    assert [problem.what for problem in parsed.problems] == ["fact", "fact"]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            MINIMAL + 'trianer = "t"',
            "mine.toml:8: columns.trianer: a key is one of our columns, got 'trianer'",
        ),
        (MINIMAL + 'trianer = "t"', "did you mean 'trainer'?"),
        (MINIMAL + '[units]\ndistance_m = "yard"', "mine.toml:9: units.distance_m"),
        (MINIMAL + '[units]\ndistance_m = "yard"', "known are metres, yards; did you mean 'yards'?"),
        (MINIMAL + "[unit]\n", "mine.toml:8: unit: a table is one of columns, units"),
        (MINIMAL.replace('"dog"', '"hound"'), "mine.toml:6: columns.runner: the file has no column 'hound'"),
        (MINIMAL.replace('"dog"', '"dogs"'), "known are id, date, track, dog, m; did you mean 'dog'?"),
        (MINIMAL.replace('track = "track"', ""), "[columns] or [constants] must say track"),
        (MINIMAL + '[dates]\norder = "american"', "mine.toml:9: dates.order"),
        (MINIMAL + '[constants]\ncountry = "UK"', "mine.toml:9: constants.country"),
        (MINIMAL + "box = 3", "mine.toml:8: columns.box: it names a column or a list of them, got 3"),
        ("[columns", "mine.toml: it is no TOML: "),
    ],
)
def test_a_fault_names_line_and_key_what_is_known_and_what_was_meant(toml: str, message: str) -> None:
    assert message in refusal_of(toml)


def test_dates_are_read_by_their_format_or_order_and_no_other() -> None:
    header, row = "id,date,track,dog,m", "1,03/04/2025,Ballarat,Alpha,450"
    (day_first,) = parse(MINIMAL, header, row).records
    (month_first,) = parse(f'{MINIMAL}[dates]\norder = "month-first"', header, row).records
    assert [day_of_key(one["bucket"]) for one in (day_first, month_first)] == [
        dt.date(2025, 4, 3),
        dt.date(2025, 3, 4),
    ]
    refused = parse(f'{MINIMAL}[dates]\nformat = "%Y%m%d"', header, row)
    assert (len(refused.records), refused.n_refused) == (0, 1)


def test_broken_rows_are_refused_and_their_races_known_in_part() -> None:
    header = "id,date,track,dog,m"
    parsed = parse(
        MINIMAL, header, "1,2025-07-05,Ballarat,Alpha,450", '1,2025-07-05,Ballarat,Br"avo,450', "1,2025-07-05"
    )
    assert [problem.line for problem in parsed.problems if problem.what == "row"] == [3, 4]
    assert [record["is_race_whole"] for record in parsed.records] == [False]


def test_a_file_that_is_absent_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        read_columns(tmp_path / "absent.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(FileRefused, match="UTF-8"):
        read_columns(tmp_path / "odd.toml")


def test_the_clock_of_an_unknown_track_is_its_countrys_or_its_states() -> None:
    toml = MINIMAL.replace('track = "track"', 'off_time = "time"') + '[constants]\ntrack = "Sim Park"\n'
    row = "1,2025-07-05,19:45,Alpha,450"

    def off(constants: str) -> dt.datetime | None:
        at: dt.datetime | None = parse(toml + constants, "id,date,time,dog,m", row).records[0]["off_at"]
        return at

    assert off("") is None
    assert off('country = "IE"') == dt.datetime(2025, 7, 5, 18, 45)
    assert off('country = "AU"') is None
    assert off('country = "AU"\nstate = "QLD"') == dt.datetime(2025, 7, 5, 9, 45)
