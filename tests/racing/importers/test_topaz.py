"""Topaz's bulk runs: CSV and two kinds of JSON say the same; a race may lack runs, and is not whole then."""

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content
from racing.importers.files.input_file import InputFile
from racing.importers.files.json_table import MAX_OBJECT_CHARS
from racing.importers.formats.all_formats import format_of
from racing.importers.formats.topaz import TOPAZ, parse_topaz
from racing.importers.import_files import import_files
from racing.importers.records.source_record import ParsedFile, day_of_key

RUN = {
    "trackCode": "GAW", "track": "Gawler", "distance": "531", "raceId": "184204888",
    "meetingDate": "2017-01-01T00:00:00.000Z", "raceType": "Grade 6", "dogName": "CHANCE IT",
    "weightInKg": "26.4", "raceNumber": "6", "boxNumber": "8", "rugNumber": "8", "startPrice": "18",
    "place": "1", "unplaced": "",
    "unplacedCode": "", "scratched": "FALSE", "resultTime": "31.73", "resultMargin": "0.0035",
    "resultMarginLengths": "0.25L", "sex": "Bitch", "comment": "", "trainerName": "Kevin Bewley",
    "damName": "TA TA", "sireName": "MAGIC SPRITE", "dateWhelped": "2013-08-08T00:00:00.000Z",
    "isLateScratching": "FALSE", "pir": "0", "firstSplitTime": "3.21",
}  # fmt: skip
Run = dict[str, Any]


def run(dog: str, box: int, place: str = "", **other: str) -> Run:
    return RUN | {"dogName": dog, "boxNumber": str(box), "rugNumber": str(box), "place": place} | other


def race(n_runs: int = 8, price: str = "6.5") -> list[Run]:
    margins = ["1.5L", "1.5L", *(f"{2 * i}L" for i in range(2, n_runs))]
    return [
        run(f"Dog {chr(65 + i)}", i + 1, str(i + 1), resultMarginLengths=margins[i], startPrice=price)
        for i in range(n_runs)
    ]


def csv_file(runs: list[Run]) -> InputFile:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(runs[0]), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(runs)
    return InputFile("runs.csv", Content.of(b"\xef\xbb\xbf" + out.getvalue().encode()))


def json_file(content: Any) -> InputFile:
    return InputFile("runs.json", Content.of(json.dumps(content, indent=1).encode()))


def facts(parsed: ParsedFile, *names: str) -> dict[str, tuple[Any, ...]]:
    return {record["dog_name"]: tuple(record[name] for name in names) for record in parsed.records}


def test_a_row_is_a_run_on_the_local_day_with_lengths_and_not_seconds_as_its_margin() -> None:
    (record,) = parse_topaz(csv_file([RUN])).records
    expected = {
        "race_key": "topaz:184204888", "track": "Gawler", "race_number": 6, "grade": "Grade 6",
        "box": 8, "rug": 8, "won": True, "time_s": 31.73, "margin_lengths": 0.25, "first_split_s": 3.21,
        "weight_kg": 26.4, "starting_price": 18.0, "position_in_running": None, "sex": "B",
        "born": "2013-08-08",
        "remarks": None, "sire": "MAGIC SPRITE", "dam": "TA TA",
        "trainer": "Kevin Bewley", "is_race_whole": False,
    }  # fmt: skip
    assert {name: record[name] for name in expected} == expected
    assert str(day_of_key(record["bucket"])) == "2017-01-01"


def test_json_of_runs_and_json_as_documented_say_the_same_as_csv() -> None:
    runs = race()
    expected = [record | {"line": 0} for record in parse_topaz(csv_file(runs)).records]
    typed = [
        {name: int(value) if value.isdigit() else value or None for name, value in one.items()}
        for one in runs
    ]
    single_keys = [{name: value} for one in runs for name, value in one.items()]
    for content in (typed, single_keys):
        file = json_file(content)
        assert format_of(file) is TOPAZ
        assert [record | {"line": 0} for record in parse_topaz(file).records] == expected


def test_codes_scratchings_and_blanks_tell_who_ran() -> None:
    parsed = parse_topaz(
        csv_file(
            [
                run("Winner", 1, "1"),
                run("Faller", 2, "", unplacedCode="F", resultTime=""),
                run("Unplaced", 3, "", unplaced="TRUE", resultTime=""),
                run("Scratched", 4, "", scratched="TRUE", resultTime=""),
                run("Late", 5, "", isLateScratching="TRUE", resultTime=""),
                run("Reserve", 9, "", resultTime="", boxNumber="0"),
            ]
        )
    )
    assert facts(parsed, "won", "is_scratched", "box", "rug") == {
        "Winner": (True, False, 1, 1),
        "Faller": (False, False, 2, 2),
        "Unplaced": (False, False, 3, 3),
        "Scratched": (None, True, 4, 4),
        "Late": (None, True, 5, 5),
        "Reserve": (None, True, None, 9),
    }


@pytest.mark.parametrize(
    ("runs", "is_whole"),
    [
        (race(), True),
        (race(4, "3.2"), True),  # a small field whose prices make a whole book
        (race(4, "30"), False),
        ([*race()[:3], *race()[4:]], False),
        ([*race(7, "30"), run("H", 8, "", scratched="TRUE")], True),
        (race()[:1], False),
    ],
)  # fmt: skip
def test_a_race_is_whole_only_if_no_run_can_be_missing(runs: list[Run], is_whole: bool) -> None:
    parsed = parse_topaz(csv_file(runs))
    assert {record["is_race_whole"] for record in parsed.records} == {is_whole}
    assert (parsed.problems.n > 0) is not is_whole


def test_a_file_that_is_json_and_no_rows_is_refused_with_the_rule() -> None:
    for raw, why in ((b'[{"dogName": ', "is none"), (b"[]", "without rows"), (b"[" * 5000, "is none|deep")):
        with pytest.raises(FileRefused, match=why):
            parse_topaz(InputFile("x.json", Content.of(raw)))
    many = json.dumps([RUN] * 7_000).encode()
    assert len(many) > MAX_OBJECT_CHARS  # read in parts
    assert parse_topaz(InputFile("x.json", Content.of(many))).n_read == 7_000
    for bomb in (
        b'{"a": [' + b"{}," * 2_000_000 + b"{}]}",
        json.dumps({"dogName": "x" * 1_000_000, "runs": [{"place": 1}] * 100}).encode(),
    ):
        with pytest.raises(FileRefused, match="at most"):
            parse_topaz(InputFile("x.json", Content.of(bomb)))
    without = [{name: value for name, value in RUN.items() if name not in ("track", "trackCode")}]
    with pytest.raises(FileRefused, match="track or trackCode"):
        parse_topaz(csv_file(without))


def test_the_real_row_is_one_run_in_both_files(tmp_path: Path, real_data: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'db'}", create=True)
    report = import_files(engine, [real_data / "topaz"])
    assert [file.taken_as for file in report.files] == [TOPAZ.title, TOPAZ.title]
    assert (report.n_read, report.n_added, report.n_known) == (2, 1, 1)
    with engine.connect() as connection:
        facts_ = connection.execute(text("SELECT time_s, margin_lengths, trainer FROM run")).one()
        assert connection.scalar(text("SELECT is_whole FROM race")) == 0
    assert tuple(facts_) == (31.73, 0.25, "Kevin Bewley")


def test_the_services_own_names_of_columns_are_known_and_a_time_in_utc_is_of_the_tracks_day() -> None:
    names = {"track": "trackName", "distance": "distanceInMetres"}
    runs = [
        {names.get(name, name): value for name, value in one.items()}
        | {"trackName": "Ballarat", "meetingDate": "2025-05-09T14:00:00.000Z"}
        for one in race()
    ]
    for file in (csv_file(runs), json_file(runs)):
        assert format_of(file) is TOPAZ
        parsed = parse_topaz(file)
        assert {record["track"] for record in parsed.records} == {"Ballarat"}
        assert {day_of_key(record["bucket"]) for record in parsed.records} == {dt.date(2025, 5, 10)}
        assert all(record["is_race_whole"] for record in parsed.records)


def test_a_scratched_dog_without_a_box_has_that_of_its_rug() -> None:
    runs = race(price="20")  # no whole book
    runs[7] |= {
        "scratched": "TRUE",
        "boxNumber": "",
        "place": "",
        "resultTime": "",
        "resultMarginLengths": "",
    }
    parsed = parse_topaz(csv_file(runs))
    assert all(record["is_race_whole"] for record in parsed.records)
