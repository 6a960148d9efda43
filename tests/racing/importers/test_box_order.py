"""Results as box order: ten headers, dates in three places, tens among digits."""

import datetime as dt

import pytest

from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import format_of
from racing.importers.formats.box_order import BOX_ORDER, parse_box_order
from racing.importers.records.source_record import ParsedFile

NAMED = "results_2025-11-27.csv"


def file_of(*lines: str, name: str = NAMED) -> InputFile:
    return InputFile(name, Content.of("\n".join(lines).encode("utf-8-sig")))


def parse(*lines: str, name: str = NAMED) -> ParsedFile:
    return parse_box_order(file_of(*lines, name=name).csv)


def orders(parsed: ParsedFile) -> dict[tuple[str, int], list[tuple[int, int]]]:
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for row in parsed.waiting:
        found.setdefault((row["track"], row["race_number"]), []).append((row["rug"], row["finish_position"]))
    return found


@pytest.mark.parametrize(
    ("header", "line", "order"),
    [
        ("Track,Race,Result", "Grafton25/11/25,R1,1875", [(1, 1), (8, 2), (7, 3), (5, 4)]),
        ("Track,RaceNumber,WinnerBox", "Grafton,1,8", [(8, 1)]),
        ("Track,Race,Winner,FullResult", "Grafton,1,8,8762", [(8, 1), (7, 2), (6, 3), (2, 4)]),
        ("Track,Race,Winner,2nd,3rd,4th", "Grafton,1,2,10,4,5", [(2, 1), (10, 2), (4, 3), (5, 4)]),
        ("Date,Track,Race,Winner_Box", "2025-11-25,Grafton,1,1", [(1, 1)]),
        ("Track,Race,Winner", "Grafton,1,9", [(9, 1)]),
        ("Track,Date,Race,Winner", "Grafton,2025-11-25,R1,6", [(6, 1)]),
        ("Track,Date,RaceNumber,Winner", "Grafton,2025-11-25,1,10", [(10, 1)]),
        ("Date,Track,RaceNum,Winner", "25/11/2025,Grafton,Race 1,6", [(6, 1)]),
        ("DATE,VENUE,RACE NO,RESULT", "2025-11-25,Grafton,1,7-10-8-3", [(7, 1), (10, 2), (8, 3), (3, 4)]),
        ("Track,Race,Result", "Grafton,1,71083", [(7, 1), (10, 2), (8, 3), (3, 4)]),
        ("Track,Race,Result", "Grafton,1,12345", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4)]),
        ("Track,Race,Winner,FullResult", "Grafton,1,3/8,3862", [(3, 1), (8, 1), (6, 3), (2, 4)]),
    ],
)
def test_each_header_tells_the_boxes_in_their_order(
    header: str, line: str, order: list[tuple[int, int]]
) -> None:
    assert format_of(file_of(header, line)) is BOX_ORDER
    parsed = parse(header, line)
    assert orders(parsed) == {("Grafton", 1): order}
    assert [row["won"] for row in parsed.waiting] == [place == 1 for _, place in order]


def test_the_day_stands_in_a_column_behind_the_track_or_in_the_name() -> None:
    def days(*lines: str, name: str = NAMED) -> set[dt.date]:
        return {row["date"] for row in parse(*lines, name=name).waiting}

    assert days("Track,Race,Result", "Bet Nation Townsville25/11/25,R1,18") == {dt.date(2025, 11, 25)}
    assert days("Date,Track,Race,Winner", "2025-12-02,Casino,1,1") == {dt.date(2025, 12, 2)}
    assert days("Track,Race,Winner", "Casino,1,1") == {dt.date(2025, 11, 27)}
    parsed = parse("Track,Race,Winner", "Casino,1,1", name="results.csv")
    assert "a race has a day" in parsed.problems[0].reason


def test_sponsors_before_a_track_do_not_matter() -> None:
    parsed = parse("Track,Race,Winner", "Ladbrokes Q1 Lakeside,1,1", "BetDeluxe Capalaba,2,1", "Meadows,3,1")
    assert set(orders(parsed)) == {("Q1 Lakeside", 1), ("Capalaba", 2), ("The Meadows", 3)}


def test_abandoned_and_blank_races_are_left_out_and_counted_and_repeated_rows_count_once() -> None:
    parsed = parse(
        "Track,Race,Result", "Casino,1,ABD", "Casino,2,", "Casino,3,Abandoned", "Casino,4,123", "Casino,4,123"
    )
    assert orders(parsed) == {("Casino", 4): [(1, 1), (2, 2), (3, 3)]}
    assert "3 races without a result left out" in parsed.notes[-1]
    assert (parsed.n_read, parsed.n_repeated, parsed.n_refused) == (5, 1, 0)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Casino,1,1123", "a box stands once"),
        ("Casino,1,0123", "names boxes 1..10"),
        ("Casino,1,12x", "names boxes 1..10"),
        ("Casino,21,1", "race must be 1..20"),
        ("Casino,2,34", "a race has one result"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_alone(line: str, why: str) -> None:
    parsed = parse("Track,Race,Result", "Casino,2,123", line)
    assert len(orders(parsed)) == 1
    assert why in parsed.problems[0].reason


def test_a_winner_and_a_result_that_disagree_are_refused_and_other_columns_are_no_box_order() -> None:
    parsed = parse("Track,Race,Winner,FullResult", "Casino,1,2,1234")
    assert "the winner stands first" in parsed.problems[0].reason
    with pytest.raises(FileRefused, match="of no format that is known"):
        format_of(file_of("Track,Race,Runner,Winner", "Casino,1,Dog,1"))
    with pytest.raises(FileRefused, match="winner or result"):
        parse("Track,Race,2nd", "Casino,1,2")


def test_other_columns_beside_box_order_do_not_matter_and_one_of_dogs_makes_it_another_file() -> None:
    parsed = parse("Race No.,Venue,Winning Box,Dividend", "Race 1,TAB Casino,4,$3.20")
    assert orders(parsed) == {("Casino", 1): [(4, 1)]}
    assert format_of(file_of("Race No.,Venue,Winning Box,Dividend", "1,Casino,4,1")) is BOX_ORDER
    assert not BOX_ORDER.is_it(file_of("Track,Race,Winner,Dog Name", "Casino,1,1,Alpha"))


@pytest.mark.parametrize(
    "text", ["Tue 25th Nov 2025", "25-Nov-25", '"Tuesday, 25 November 2025"', "20251125", '"Nov 25, 2025"']
)
def test_days_are_read_as_people_write_them(text: str) -> None:
    parsed = parse("Meeting,Race Date,Race,1st,2nd", f"Goulburn,{text},1,8,7")
    assert {row["date"] for row in parsed.waiting} == {dt.date(2025, 11, 25)}


def test_a_files_name_may_have_its_day_first() -> None:
    parsed = parse("Track,Race,Winner", "Casino,1,1", name="results 27-11-2025.csv")
    assert parsed.waiting[0]["date"] == dt.date(2025, 11, 27)
