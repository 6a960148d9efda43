"""British results: margins to the winner, trials left out, what was void or vacant, in CSV and in JSON."""

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import format_of
from racing.importers.formats.gbgb import GBGB, parse_gbgb
from racing.importers.import_files import import_files
from racing.importers.records.beaten_distance import lengths_of
from racing.importers.records.births import born_of
from racing.importers.records.source_record import ParsedFile
from racing.importers.report import FileStatus

RACE = {
    "meetingDate": "15/05/2024", "meetingId": "410747", "trackName": "Romford", "raceTime": "18:38:00",
    "raceDate": "15/05/2024", "raceId": "1037796", "raceTitle": "Café Stakes", "raceNumber": "1",
    "raceType": "Flat", "raceHandicap": "False", "raceClass": "A11", "raceDistance": "400.0",
    "raceGoing": "-10",
}  # fmt: skip
TRAP = {
    "trapNumber": "1", "trapHandicap": "", "dogName": "", "dogSire": "Ballymac Best",
    "dogDam": "Aayamza Royale",
    "dogBorn": "Oct-2022", "dogSex": "b", "trainerName": "P W Young", "SP": "5/2", "resultPosition": "",
    "resultBtnDistance": "", "resultSectionalTime": "3.82", "resultComment": "QAw,Led2", "resultRunTime": "",
    "resultDogWeight": "30.1", "resultAdjustedTime": "",
}  # fmt: skip


def row(
    dog: str, trap: int, place: str = "", gap: str = "", time_s: str = "", **other: str
) -> dict[str, str]:
    """One trap of a race; ``other`` are columns of it or of its race."""
    own = {"trapNumber": str(trap), "dogName": dog, "resultPosition": place, "resultBtnDistance": gap}
    return RACE | TRAP | own | {"resultRunTime": time_s, "resultAdjustedTime": "24.00"} | other


def csv_bytes(rows: list[dict[str, str]], columns: list[str] | None = None) -> bytes:
    columns = columns or list(rows[0])
    lines = [columns, *([one[name] for name in columns] for one in rows)]
    return "\n".join(",".join(f'"{field}"' for field in line) for line in lines).encode("cp1252")


def parse(*rows: dict[str, str]) -> ParsedFile:
    return parse_gbgb(InputFile("gbgb.csv", Content.of(csv_bytes(list(rows)))))


def facts(parsed: ParsedFile, *names: str) -> dict[str, tuple[Any, ...]]:
    return {record["dog_name"]: tuple(record[name] for name in names) for record in parsed.records}


def test_a_row_is_a_run_with_its_dog_its_race_and_the_time_that_it_ran() -> None:
    parsed = parse(row("Alpha One", 5, "1", "", "25.02", SP="11/10F"), row("Beta Two", 2, "2", "SH", "25.03"))
    first = parsed.records[0]
    expected = {
        "race_key": "gbgb:1037796", "track": "Romford", "race_number": 1, "grade": "A11", "box": 5,
        "won": True,
        "finish_position": 1, "time_s": 25.02, "winner_time_s": 25.02, "first_split_s": 3.82,
        "weight_kg": 30.1,
        "starting_price": 2.1, "going_s": -0.1, "off_at": dt.datetime(2024, 5, 15, 17, 38), "sex": "B",
        "sire": "Ballymac Best", "dam": "Aayamza Royale", "born": "2022-10", "trainer": "P W Young",
        "remarks": "QAw,Led2", "is_race_whole": True, "is_scratched": False, "is_blank": False,
    }  # fmt: skip
    assert {name: first[name] for name in expected} == expected
    assert (first["margin_lengths"], parsed.records[1]["margin_lengths"]) == (0.125, 0.125)
    assert any("cp1252" in note for note in parsed.notes)


def test_an_adjusted_time_never_stands_for_one_that_was_run() -> None:
    parsed = parse(row("Alpha One", 1, "1", "", "25.02"), row("Beta Two", 2, "2", "1", ""))
    assert facts(parsed, "time_s") == {"Alpha One": (25.02,), "Beta Two": (None,)}


def test_margins_are_summed_up_to_the_winner_over_dead_heats_and_stop_at_a_distance() -> None:
    parsed = parse(
        row("Winner", 1, "1", "", "25.00"),
        row("Second", 2, "2", "DH", "25.12"),
        row("Equal", 3, "2", "1 1/2", "25.12"),
        row("Fourth", 4, "4", "NK", "25.15"),
        row("Distanced", 5, "5", "DIS", ""),
        row("Faller", 6, "6", "DNF", ""),
    )
    assert facts(parsed, "finish_position", "margin_lengths", "won") == {
        "Winner": (1, 1.5, True),
        "Second": (2, 1.5, False),
        "Equal": (2, 1.5, False),
        "Fourth": (4, 1.875, False),
        "Distanced": (5, None, False),
        "Faller": (None, None, False),
    }
    assert all(record["is_race_whole"] for record in parsed.records)


def test_of_two_winners_in_a_dead_heat_each_won_by_nothing() -> None:
    parsed = parse(
        row("A", 1, "1", "DH", "25.0"), row("B", 2, "1", "", "25.0"), row("C", 3, "3", "2", "25.16")
    )
    assert facts(parsed, "won", "margin_lengths") == {"A": (True, 0.0), "B": (True, 0.0), "C": (False, 2.0)}


def test_trials_are_left_out_counted_and_named() -> None:
    parsed = parse(
        row("A", 1, "1", "", "25.0"),
        row("B", 2, "2", "1", "25.1"),
        row("T", 1, "1", "", "16.4", raceId="7", raceClass="T2"),
        row("U", 2, "2", "1", "16.5", raceId="7", raceClass="T2"),
        row("V", 0, "0", "", "", raceId="8", raceClass="", raceTitle="", raceDistance="0.0"),
    )
    assert [record["dog_name"] for record in parsed.records] == ["A", "B"]
    assert parsed.notes[-1] == "3 rows of 2 trials left out: they are no races"
    with pytest.raises(FileRefused, match="trials alone"):
        parse(row("T", 1, "1", "", "16.4", raceClass="T"))
    assert len(parse(row("A", 1, "1", "", "25.0", raceClass="IT")).records) == 1  # between tracks


def test_without_the_class_of_races_trials_are_those_that_say_nothing_of_a_handicap() -> None:
    rows = [row("A", 1, "1", "", "25.0"), row("T", 1, "1", "", "16.4", raceId="7", raceHandicap="")]
    columns = [name for name in rows[0] if name != "raceClass"]
    parsed = parse_gbgb(InputFile("g.csv", Content.of(csv_bytes(rows, columns))))
    assert [record["dog_name"] for record in parsed.records] == ["A"]


def test_vacant_traps_withdrawn_dogs_and_void_races_have_no_result() -> None:
    parsed = parse(
        row("", 1),
        row("Moved", 2, SP="", resultComment=""),
        row("Moved", 3, "1", "", "25.0"),
        row("Withdrawn", 4, SP=""),
        row("Other", 5, "2", "1", "25.08"),
        row("A", 1, "0", raceId="9", raceDistance="500", resultComment="(NoRace)"),
        row("B", 2, "0", raceId="9", raceDistance="500", resultComment="(NoRace)"),
    )
    assert (parsed.n_empty, parsed.n_repeated, parsed.n_refused) == (1, 1, 0)
    assert facts(parsed, "box", "won", "is_scratched", "is_blank") == {
        "Moved": (3, True, False, False),
        "Withdrawn": (4, None, True, False),
        "Other": (5, False, False, False),
        "A": (1, None, False, False),
        "B": (2, None, False, False),
    }


def test_a_race_without_places_has_no_result_yet() -> None:
    parsed = parse(row("A", 1), row("B", 2))
    assert facts(parsed, "won", "is_blank") == {"A": (None, True), "B": (None, True)}


def test_the_time_of_a_dog_that_started_ahead_is_left_out() -> None:
    parsed = parse(
        row("Ahead", 1, "1", "", "24.5", trapHandicap="R12"),
        row("Scratch", 6, "2", "1", "24.58", trapHandicap="Scr"),
    )
    assert facts(parsed, "time_s", "is_scratched") == {"Ahead": (None, False), "Scratch": (24.58, False)}
    assert "1 times of dogs that started ahead" in parsed.notes[-1]


def test_a_row_that_cannot_be_taken_makes_its_race_not_whole() -> None:
    parsed = parse(
        row("A", 1, "1", "", "25.0"),
        row("B", 2, "second", "1", "25.1"),
        row("C", 1, "1", "", "25.0", raceId="9", raceDistance="500"),
    )
    assert parsed.n_refused == 1
    assert facts(parsed, "is_race_whole") == {"A": (False,), "C": (True,)}


def test_columns_may_come_in_any_order_and_case_and_some_may_be_missing() -> None:
    rows = [row("A", 1, "1", "", "25.0"), row("B", 2, "2", "1 1/4", "25.1")]
    needed = ["resultBtnDistance", "dogName", "trapNumber", "resultPosition", "raceDistance", "trackName"]
    columns = [*needed, "meetingDate", "raceNumber"]
    renamed = [{name.upper(): value for name, value in one.items()} for one in rows]
    file = InputFile("g.csv", Content.of(csv_bytes(renamed, [name.upper() for name in columns])))
    assert format_of(file) is GBGB
    parsed = parse_gbgb(file)
    assert facts(parsed, "won", "margin_lengths", "race_key") == {
        "A": (True, 1.25, "gbgb:15/05/2024|ROMFORD|1"),
        "B": (False, 1.25, "gbgb:15/05/2024|ROMFORD|1"),
    }
    without = csv_bytes(rows, [*needed, "meetingDate"])
    with pytest.raises(FileRefused, match="raceId or raceNumber or raceTime"):
        parse_gbgb(InputFile("g.csv", Content.of(without)))


def test_json_of_meetings_and_of_pages_says_the_same_as_csv() -> None:
    rows = [row("A", 1, "1", "", "25.0"), row("B", 2, "2", "1 1/4", "25.1"), row("", 3)]
    traps = [{name: one[name] or None for name in TRAP} for one in rows]
    race = {name: RACE[name] for name in list(RACE)[3:]} | {"raceId": 1037796, "traps": traps}
    meetings = [{name: RACE[name] for name in list(RACE)[:3]} | {"races": [race]}]
    for content in (meetings, {"items": rows, "meta": {"page": 1}}):
        file = InputFile("g.json", Content.of(json.dumps(content).encode()))
        assert format_of(file) is GBGB
        parsed = parse_gbgb(file)
        assert [record | {"line": 0} for record in parsed.records] == [
            record | {"line": 0} for record in parse(*rows).records
        ]
        assert (parsed.sha256, parsed.n_empty) == (file.sha256, 1)


@pytest.mark.parametrize(
    ("written", "lengths"),
    [
        ("SH", 0.125), ("HD", 0.25), ("NK", 0.375), ("1/2", 0.5), ("3/4", 0.75), ("3 1/2", 3.5), ("10", 10.0),
        ("2½", 2.5), ("¾", 0.75), ("0.25L", 0.25), ("2.50", 2.5), ("DH", 0.0), ("DIS", None), ("", None),
        ("x 3", None), ("31/2", None),
    ],
)  # fmt: skip
def test_a_beaten_distance_in_lengths(written: str, lengths: float | None) -> None:
    assert lengths_of(written) == lengths


@pytest.mark.parametrize(
    ("written", "born"),
    [("Oct-2022", "2022-10"), ("14/10/2022", "2022-10-14"), ("2022-10-14T00:00", "2022-10-14"), ("?", None)],
)
def test_a_birth_is_a_day_or_a_month(written: str, born: str | None) -> None:
    assert born_of(written) == born


def test_three_real_days_give_whole_races_whose_margins_agree_with_their_times(
    tmp_path: Path, real_data: Path
) -> None:
    path = next((real_data / "gbgb").glob("*.csv"))
    engine = open_database(f"sqlite:///{tmp_path / 'db'}", create=True)
    report = import_files(engine, [path])
    assert report.files[0].status == FileStatus.IMPORTED
    assert report.files[0].taken_as == GBGB.title
    assert "676 rows of 441 trials left out: they are no races" in report.files[0].notes
    assert (report.n_read, report.n_refused, report.n_empty) == (3358, 0, 90)
    with engine.connect() as connection:
        n_races, n_whole = connection.execute(text("SELECT count(*), sum(is_whole) FROM race")).one()
        behind = connection.execute(
            text(
                "SELECT time_s - winner_time_s, margin_lengths FROM run WHERE time_s IS NOT NULL "
                "AND winner_time_s IS NOT NULL AND NOT won AND margin_lengths IS NOT NULL"
            )
        ).all()
    assert (n_races, n_whole) == (447, 447)
    assert len(behind) > 1700
    # A length is 0.08 s; the sum of up to five distances, each rounded, is off by half a length at most.
    n_close = sum(abs(seconds / 0.08 - lengths) <= 0.6 for seconds, lengths in behind)
    assert n_close > 0.98 * len(behind)
    with path.open(encoding="cp1252") as file:
        races = {one["raceId"] for one in csv.DictReader(file) if not one["raceClass"].startswith("T")}
    assert len(races) == 447 + 1  # one trial has no class


def test_runs_of_a_dogs_own_history_are_no_whole_race() -> None:
    rows = [
        row(
            "Hoffa", 5, str(place), "" if place == 1 else "2", "24.46", raceId=str(place), winnerOr2ndName="X"
        )
        | {"raceDate": f"0{place}/05/2024"}
        for place in (1, 2)
    ]
    parsed = parse(*rows)
    assert facts(parsed, "is_race_whole") == {"Hoffa": (False,)}
    assert [record["won"] for record in parsed.records] == [True, False]
    assert parsed.problems.n == 0
    assert "none of their races is whole" in parsed.notes[-1]


def test_a_starter_in_trap_seven_is_taken_and_noted(tmp_path: Path) -> None:
    rows = [row(f"Dog {chr(64 + trap)}", trap, str(trap), "1", "24.5") for trap in range(1, 8)]
    (tmp_path / "gbgb.csv").write_bytes(csv_bytes(rows))
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}", create=True)
    report = import_files(engine, [tmp_path / "gbgb.csv"])
    assert report.n_added == 7
    assert "1 starters in traps 7 and up at Romford" in report.files[0].notes[-1]
