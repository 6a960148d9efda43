"""New Zealand's results pages: menus first, a header a race, the winner's margin blank."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import format_of
from racing.importers.formats.nz_results import NZ_RESULTS, parse_nz
from racing.importers.import_files import import_files
from racing.importers.records.source_record import ParsedFile, day_of_key, distance_of_key

MENUS = [",,,,,,,", "MEMBERS LOG IN,,,,,,,", "Results,,,,,,,", "Blog,,,,,,,"]
MEETING = ["Results\xa0Otago GRC\xa0,,,,,,,", "25-Feb-20,,,,,,,", "Hatrick Raceway,,,,,,,", ",,,,,,,"]
FIRST = [
    'FULL RESULTS,Race 1,"Cafe, Club",'  # a title with a comma
    '"C0q 305 $1,365.00",Photo Finish,,,',
    "PLACE,DOG,BOX,SP,WEIGHT,BENDS,TRAINER,MARGIN",
    "1,Mitcham Magic,1,$1.90,29.8kg,111,J T McInerney,",
    "2,Opawa Nash,7,$5.00,31.9kg,222,J S Rush,1.8",
    "3=,Go Blue,8,$12.40,31.3kg,33F,R Wales,3.1",
    "3=,Impressive Gift,2,$47.60,30.1kg,444,A & B Pair,3.1",
    "Fell,Tides End,5,$16.60,30.1kg,5F,J F Allen,124.8",
    "Scratched,Opawa Pauline,,,,,,",
    'Winners Time:\xa018.65,|,Margins:\xa01tL1qL,|,"Owned/Raced by:\xa0A, B",|,Trained by:\xa0J T McInerney,',
    "Sectional 1:\xa07.04 (Opawa Nash),Run home:\xa010.85,,,,,,",
    "IMPRESSIVE GIFT (2)\xa0- bumped from the outside.,,,,,,,",
]
SECOND = [
    'FULL RESULTS,Race 2,Title,"C2/3 520 $2,390.00",Photo Finish,,,',
    "PLACE,DOG,BOX,ODDS,WEIGHT,BENDS,TRAINER,MARGIN",
    "1,Opal Hunter,8,$2.80,28.9kg,221,J T McInerney,",
    "2,Shanly Star,3,$4.70,28.6kg,332,J T McInerney,4.3",
    "Winners Time:\xa030.70,|,Margins:\xa04qL,|,,|,,",
]


def page(*lines: str) -> InputFile:
    return InputFile("Race_1.csv", Content.of("\n".join(lines).encode("latin-1")))


def facts(parsed: ParsedFile, *names: str) -> dict[str, tuple[Any, ...]]:
    return {record["dog_name"]: tuple(record[name] for name in names) for record in parsed.records}


def test_a_page_is_a_meeting_of_races_below_its_menus() -> None:
    file = page(*MENUS, *MEETING, *FIRST, ",,,,,,,", *SECOND)
    assert format_of(file) is NZ_RESULTS
    parsed = parse_nz(file)
    assert (parsed.n_read, parsed.n_refused) == (8, 0)
    assert {
        (r["race_number"], r["track"], str(day_of_key(r["bucket"])), distance_of_key(r["bucket"]), r["grade"])
        for r in parsed.records
    } == {(1, "Hatrick", "2020-02-25", 305, "Class 0"), (2, "Hatrick", "2020-02-25", 520, "Class 2/3")}
    names = ("box", "finish_position", "won", "is_scratched", "margin_lengths", "time_s", "first_split_s")
    assert facts(parsed, *names) == {
        "Mitcham Magic": (1, 1, True, False, 1.8, 18.65, None),
        "Opawa Nash": (7, 2, False, False, 1.8, None, 7.04),
        "Go Blue": (8, 3, False, False, 3.1, None, None),
        "Impressive Gift": (2, 3, False, False, 3.1, None, None),
        "Tides End": (5, None, False, False, None, None, None),
        "Opawa Pauline": (None, None, None, True, None, None, None),
        "Opal Hunter": (8, 1, True, False, 4.3, 30.7, None),
        "Shanly Star": (3, 2, False, False, 4.3, None, None),
    }
    names = ("winner_time_s", "starting_price", "weight_kg", "position_in_running", "trainer", "remarks")
    more = facts(parsed, *names)
    assert more["Impressive Gift"] == (18.65, 47.6, 30.1, "444", "A & B Pair", "bumped from the outside.")
    assert more["Go Blue"][3] == "33"
    assert all(record["is_race_whole"] for record in parsed.records)


def test_a_row_that_cannot_be_taken_is_refused_alone_and_its_race_is_not_whole() -> None:
    bad = [line.replace("2,Opawa Nash,7", "2,Opawa Nash,77") for line in FIRST]
    parsed = parse_nz(page(*MENUS, *MEETING, *bad, *SECOND))
    assert parsed.n_refused == 1
    assert {(r["race_number"], r["is_race_whole"]) for r in parsed.records} == {(1, False), (2, True)}


def test_a_race_without_its_distance_and_a_page_without_its_day_are_refused() -> None:
    parsed = parse_nz(page(*MENUS, *MEETING, FIRST[0].replace("C0q 305", "C0q"), *FIRST[1:], *SECOND))
    assert (parsed.n_refused, len(parsed.records)) == (6, 2)
    with pytest.raises(FileRefused, match="day of the meeting"):
        parse_nz(page(*MENUS, *FIRST))


def test_ten_real_meetings_give_whole_races(tmp_path: Path, real_data: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'db'}", create=True)
    report = import_files(engine, [real_data / "nz_grnz"])
    assert {file.taken_as for file in report.files} == {NZ_RESULTS.title}
    assert (report.n_read, report.n_added, report.n_refused) == (1165, 1165, 0)
    with engine.connect() as connection:
        races = connection.execute(text("SELECT count(*), sum(is_whole) FROM race")).one()
        runs = connection.execute(text("SELECT sum(won), sum(is_scratched) FROM run")).one()
        tracks = set(connection.scalars(text("SELECT name FROM track")))
    assert (tuple(races), tuple(runs)) == ((122, 122), (122, 215))
    assert tracks == {"Addington", "Cambridge", "Forbury Park", "Hatrick", "Manawatu", "Manukau"}


def test_a_day_in_numbers_a_code_of_stewards_and_an_abandoned_race() -> None:
    meeting = [line.replace("25-Feb-20", "25/02/20") for line in MEETING]
    first = [line.replace("Fell,Tides End", "FTP,Tides End") for line in FIRST]
    abandoned = [SECOND[0], "Race Abandoned,,,,,,,"]
    parsed = parse_nz(page(*MENUS, *meeting, *first, *abandoned))
    assert {day_of_key(record["bucket"]).isoformat() for record in parsed.records} == {"2020-02-25"}
    assert facts(parsed, "won", "finish_position")["Tides End"] == (False, None)
    assert parsed.notes[-1] == "1 races that were abandoned left out"


def test_a_runner_with_an_unknown_code_is_refused_and_its_race_is_not_whole() -> None:
    first = [line.replace("Fell,Tides End", "QQ,Tides End") for line in FIRST]
    parsed = parse_nz(page(*MENUS, *MEETING, *first))
    assert parsed.n_refused == 1
    assert not any(record["is_race_whole"] for record in parsed.records)
