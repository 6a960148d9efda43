"""Betfair's daily starting prices: a race's own day, its track behind a broadcaster, win and place apart."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from racing.database.engine import open_database
from racing.importers.files.contents import Content
from racing.importers.files.csv_file import csv_of, read_csv
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import format_of
from racing.importers.formats.betfair_sp import parse_sp, race_of_name, track_of_hint
from racing.importers.import_files import import_files
from racing.importers.records.source_record import ParsedFile, RowRefused, day_of_key, distance_of_key
from tests.racing.importers.builders import write

HEADER = (
    "EVENT_ID,MENU_HINT,EVENT_NAME,EVENT_DT,SELECTION_ID,SELECTION_NAME,WIN_LOSE,BSP,PPWAP,MORNINGWAP,PPMAX,PPMIN,"
    "IPMAX,IPMIN,MORNINGTRADEDVOL,PPTRADEDVOL,IPTRADEDVOL"
)
OFF = dt.datetime(2022, 12, 4, 8, 46)


def row(name: str, won: str = "0", **other: str) -> str:
    f = {
        "market": "207195253", "hint": "AUS / Richmond (AUS) 4th Dec", "race": "R6 401m Rest",
        "at": "04-12-2022 08:46", "bsp": "7.6", "mean": "1", "morning": "1", "morning_volume": "0",
        "volume": "2666.78",
    } | other  # fmt: skip
    return (
        f"{f['market']},{f['hint']},{f['race']},{f['at']},5078,{name},{won},{f['bsp']},{f['mean']},{f['morning']},"
        f"1,1001,1,1001,{f['morning_volume']},{f['volume']},0"
    )


def parse(*rows: str) -> ParsedFile:
    return parse_sp(csv_of("\n".join((HEADER, *rows)).encode(), "dwbfgreyhoundwin05122022.csv"))


def test_a_row_is_a_run_with_its_off_and_prices_and_constants_for_missing_are_none() -> None:
    parsed = parse(
        row(
            "8. Solo Fernando",
            "1",
            morning="7.60594799721011856996077666699165285475",
            morning_volume="2666.78",
        ),
        row("9. Late Comer (res)", mean="5.5", bsp="9.530448152314014"),
    )
    assert parsed.problems.n == 0
    first, second = parsed.records
    assert (first["race_key"], first["box"], first["race_number"], first["grade"]) == (
        "betfair:207195253",
        8,
        6,
        "Restricted Win",
    )
    assert (first["off_at"], first["won"], first["average_price"], first["volume"]) == (
        OFF,
        True,
        None,
        2666.78,
    )
    assert first["morning_price"] == pytest.approx(7.605947997210119)
    assert (second["dog_name"], second["rug"], second["box"]) == ("Late Comer", 9, None)
    assert (second["morning_price"], second["average_price"]) == (None, 5.5)


@pytest.mark.parametrize(
    ("hint", "at", "track", "day"),
    [
        ("AUS / Richmond (AUS) 4th Dec", "04-12-2022 08:46", "Richmond", dt.date(2022, 12, 4)),
        ("NZL / Addington (NZL) 5th Dec", "04-12-2022 23:05", "Addington", dt.date(2022, 12, 5)),
        ("RPGTV / Doncaster 4th Dec", "04-12-2022 13:02", "Doncaster", dt.date(2022, 12, 4)),
        ("Sky Sports Racing / Swindon 4th Dec", "04-12-2022 18:36", "Swindon", dt.date(2022, 12, 4)),
        ("GB / Romford 9th Jul", "09-07-2010 21:30", "Romford", dt.date(2010, 7, 9)),
        ("IRE / Mullingar 31st Dec", "31-12-2022 21:30", "Mullingar", dt.date(2022, 12, 31)),
        ("Crayford 1st Jan", "01-01-2009 12:08", "Crayford", dt.date(2009, 1, 1)),
    ],
)
def test_the_venue_is_the_track_and_the_day_is_the_tracks_own(
    hint: str, at: str, track: str, day: dt.date
) -> None:
    (record,) = parse(row("1. Alpha", "1", hint=hint, at=at)).records
    assert (record["track"], day_of_key(record["bucket"])) == (track, day)


def test_times_are_of_london_in_summer_too() -> None:
    (winter,) = parse(row("1. Alpha", "1", hint="SIS / Romford 4th Dec", at="04-12-2022 18:36")).records
    (summer,) = parse(row("1. Alpha", "1", hint="SIS / Romford 4th Jul", at="04-07-2022 18:36")).records
    assert (winter["off_at"].hour, summer["off_at"].hour) == (18, 17)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("R6 401m Rest", (6, 401, "Restricted Win")),
        ("R11 515m Gr5", (11, 515, "Grade 5")),
        ("OR 480m", (None, 480)),
        ("OR3 476m Flat", (None, 476)),
        ("480m A3", (None, 480)),
        ("D4 400m", (None, 400)),
        ("525y A2", (None, 480)),
        ("R4 375m C1", (4, 375, "Class 1")),
    ],
)
def test_a_races_name_gives_number_distance_and_grade(name: str, found: tuple[object, ...]) -> None:
    assert race_of_name(name)[: len(found)] == found


def test_horse_races_and_names_without_a_distance_are_refused() -> None:
    for name in ("7f Hcap", "2m4f Nov Chs", "To Be Placed"):
        with pytest.raises(RowRefused, match="distance in metres"):
            race_of_name(name)


def test_a_code_that_says_another_country_than_our_track_is_another_track() -> None:
    assert track_of_hint("AUS / Sandown Park (AUS) 4th Dec", OFF, 515)[0] == "Sandown Park"
    assert track_of_hint("USA / Sandown Park (NZL) 4th Dec", OFF, 515)[0] == "Sandown Park (NZL)"


def place_copy(*, winners: tuple[str, ...] = ("1", "1", "0")) -> list[str]:
    """Rows of a place market, made up: there is no sample of a place file."""
    names = ("1. Alpha", "2. Bravo", "3. Charlie")
    return [row(name, won, market="207195254", bsp="2.1") for name, won in zip(names, winners, strict=True)]


def test_a_place_file_is_known_by_what_pays_and_joins_the_win_race(tmp_path: Path) -> None:
    win = write(tmp_path, "win.csv", HEADER, row("1. Alpha", "1"), row("2. Bravo"), row("3. Charlie"))
    place = write(tmp_path, "other.csv", HEADER, *place_copy())
    for number, order in enumerate(((win, place), (place, win))):
        engine = open_database(f"sqlite:///{tmp_path}/{number}.db", create=True)
        reports = [import_files(engine, [path]) for path in order]
        assert {report.files[0].taken_as for report in reports} == {
            "Betfair's starting prices of a day",
            "Betfair's place starting prices of a day",
        }
        with engine.connect() as connection:
            races = connection.execute(text("SELECT market_id, is_whole FROM race")).all()
            runs = connection.execute(text("SELECT won, placed, bsp, place_bsp FROM run ORDER BY box")).all()
        assert [tuple(race) for race in races] == [("207195253", 1)]
        assert [tuple(run) for run in runs] == [(1, 1, 7.6, 2.1), (0, 1, 7.6, 2.1), (0, 0, 7.6, 2.1)]


def test_without_any_result_the_name_says_whether_it_is_a_place_file() -> None:
    rows = "\n".join((HEADER, *place_copy(winners=("", "", ""))))
    for name, kind in (("dwbfgreyhoundplace05122022.csv", "betfair-sp-place"), ("x.csv", "betfair-sp")):
        assert format_of(InputFile(f"folder/{name}", Content.of(rows.encode()))).name == kind


def test_the_real_day_is_263_races_of_one_winner_each(real_data: Path) -> None:
    parsed = parse_sp(read_csv(real_data / "betfair_sp" / "dwbfgreyhoundwin05122022.csv"))
    assert (parsed.n_read, len(parsed.records), parsed.problems.n) == (1720, 1720, 0)
    winners = Counter(record["race_key"] for record in parsed.records if record["won"])
    assert (len(winners), set(winners.values())) == (263, {1})
    assert {day_of_key(record["bucket"]) for record in parsed.records if record["track"] == "Addington"} == {
        dt.date(2022, 12, 5)
    }
    assert all(record["off_at"] for record in parsed.records)
    assert {
        distance_of_key(record["bucket"]) for record in parsed.records if record["track"] == "Richmond"
    } == {
        320,
        401,
        622,
    }


def test_a_place_market_without_a_distance_waits_for_its_dogs_race(tmp_path: Path) -> None:
    win = write(tmp_path, "win.csv", HEADER, row("1. Alpha", "1"), row("2. Bravo"), row("3. Charlie"))
    of_race = [one.replace("R6 401m Rest", "To Be Placed") for one in place_copy()]
    void = [
        row(f"{n}. Void {n}x", "0", race="To Be Placed", market="207195300", hint="GB / Hove 4th Dec")
        for n in (1, 2, 3)
    ]
    place = write(tmp_path, "dwbfgreyhoundplace05122022.csv", HEADER, *of_race, *void)
    query = text("SELECT placed, place_bsp, won FROM run ORDER BY box")
    for number, order in enumerate(((win, place), (place, win))):
        engine = open_database(f"sqlite:///{tmp_path}/{number}.db", create=True)
        report = import_files(engine, order)
        assert (report.n_added, report.problems.n) == (3, 0)
        assert report.left_out == {"PLACE without a result": 1}
        with engine.connect() as connection:
            found = [tuple(one) for one in connection.execute(query)]
        assert found == [(1, 2.1, 1), (1, 2.1, 0), (0, 2.1, 0)]


@pytest.mark.parametrize(
    ("hint", "track"),
    [("Greyhounds/Shelbourne Park/20:28", "Shelbourne Park"), ("Brighton & Hove 4th Dec", "Hove")],
)
def test_menus_of_other_years_name_the_track_too(hint: str, track: str) -> None:
    assert track_of_hint(hint, OFF, 480)[0] in (track, "Brighton & Hove")


def test_names_with_a_clock_or_a_bare_distance_are_read() -> None:
    assert race_of_name("Shel 20:28 525y A3") == (None, 480, "A3")
    assert race_of_name("R10 457 M5")[:2] == (10, 457)
