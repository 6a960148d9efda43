"""The Greyhound Recorder's tables: dates without a year, boxes inside names, prices of nothing."""

import datetime as dt
from typing import Any

import pytest

from racing.domain.track_time import latest_day
from racing.importers.files.csv_file import csv_of
from racing.importers.formats.recorder import parse_recorder
from racing.importers.records.source_record import ParsedFile

HEADER = "Date,Track,Race,Plc,Rug,Name (Box),Trainer,Time,Mgn,Split,In Run,Wgt,Sire,Dam,SP"


def row(name: str, place: str, rug: int, *, date: str = "Saturday, May 10", **other: str) -> str:
    f = {"time": "20.29", "margin": "0.00", "calls": "1", "sp": "$4.40", "race": "1", "split": "4.76"} | other
    ran = f"{f['time']},{f['margin']},{f['split']},{f['calls']},31.9kg"
    of_race = f'"{date}",Angle Park (SA),{f["race"]}'
    return f"{of_race},{place},Rug {rug},{name},J Trengove,{ran},Plaintiff,Pechey,{f['sp']}"


def parse(*rows: str, name: str = "results.csv") -> ParsedFile:
    return parse_recorder(csv_of("\n".join((HEADER, *rows)).encode(), name))


def facts(parsed: ParsedFile, *names: str) -> dict[str, tuple[Any, ...]]:
    return {one["dog_name"]: tuple(one[name] for name in names) for one in parsed.waiting}


def test_a_row_waits_with_its_facts_and_no_distance() -> None:
    parsed = parse(
        row("Polarised (8)", "1", 8),
        row("Ritza Riot (5)", "2", 9, margin="2.50", time="20.47", calls="M22", sp="$0.00"),
        row("Mount Tate (4)", "DNF", 4, time="", margin="", calls="", sp=""),
        row("Blazin' Bon", "SCR", 5, time="", margin="", calls="", split="", sp=""),
    )
    assert parsed.records == []
    names = ("box", "rug", "finish_position", "won", "is_scratched", "margin_lengths", "starting_price")
    assert facts(parsed, *names) == {
        "Polarised": (8, 8, 1, True, False, 2.5, 4.4),
        "Ritza Riot": (5, 9, 2, False, False, 2.5, None),
        "Mount Tate": (4, 4, None, False, False, None, None),
        "Blazin' Bon": (None, 5, None, None, True, None, None),
    }
    more = facts(parsed, "position_in_running", "time_s", "winner_time_s")
    assert more["Ritza Riot"] == ("22", 20.47, 20.29)
    first = parsed.waiting[0]
    assert (first["track"], first["race_number"], first["sire"], first["trainer"]) == (
        "Angle Park", 1, "Plaintiff", "J Trengove",
    )  # fmt: skip
    assert (first["weight_kg"], first["first_split_s"], first["dog_key"]) == (31.9, 4.76, "POLARISED")


def test_a_day_without_a_year_is_the_newest_past_one_of_that_weekday() -> None:
    today = latest_day()
    days = [today - dt.timedelta(days=n) for n in (2, 300)]
    parsed = parse(*(row(f"Dog {day}", "1", 1, date=f"{day:%A}, {day:%B} {day.day}") for day in days))
    assert [one["date"] for one in parsed.waiting] == days
    assert str(days[1].year) in parsed.notes[-1]
    ahead = today + dt.timedelta(days=3)
    future = parse(row("Dog", "1", 1, date=f"{ahead:%A}, {ahead:%B} {ahead.day}"))
    assert [one["date"].year < ahead.year for one in future.waiting] == [True] * len(future.waiting)


@pytest.mark.parametrize(
    ("date", "name", "day"),
    [
        ("Saturday, May 10", "results_2014.csv", "2014-05-10"),
        ("Saturday, May 10", "scraped 2015 or 2014.csv", "2014-05-10"),  # no Saturday in 2015
        ("Saturday, May 10, 2014", "results 2025.csv", "2014-05-10"),
        ("Sat 10 May", "2014/results 2025.csv", "2025-05-10"),
        ("2014-05-10", "results.csv", "2014-05-10"),
    ],
)
def test_a_year_in_the_name_of_the_file_counts_where_the_weekday_fits(date: str, name: str, day: str) -> None:
    parsed = parse(row("Dog", "1", 1, date=date), name=name)
    assert [str(one["date"]) for one in parsed.waiting] == [day]


def test_races_without_a_result_and_rows_that_break_a_rule_do_not_wait() -> None:
    parsed = parse(
        row("A (1)", "1", 1),
        row("B (2)", "2", 2, race="2", date="Friday, February 30"),
        row("C (3)", "", 3, race="3"),
        row("VACANT", "", 4, race="3"),
        row("D (1)", "1", 1, race="5"),
        row("E (2)", "second", 2, race="5"),
    )
    assert facts(parsed, "is_race_whole") == {"A": (True,), "D": (False,)}
    assert (parsed.n_refused, parsed.n_empty) == (2, 1)
    assert "1 rows of races without a result left out" in " ".join(parsed.notes)


def test_a_day_without_year_and_weekday_says_what_a_date_needs() -> None:
    assert (
        "or the weekday by which the year is found"
        in parse(row("A (1)", "1", 1, date="10 May")).problems[0].reason
    )
    parsed = parse(row("A (1)", "1", 1))
    assert "write it into the file's name" in parsed.notes[-1]
