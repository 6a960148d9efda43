"""Races of different numbers never merge; a race is whole if all of it was understood and it is possible."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.importers.import_files import import_betfair, import_form_guides, import_results
from racing.importers.report import ImportReport
from racing.importers.undo import undo_import
from tests.racing.importers.builders import (
    BETFAIR_HEADER,
    FORM_HEADER,
    betfair_row,
    content,
    form_row,
    write,
)

HEADER = "race_id,date,track,distance_m,race_number,runner,box,finish_position,time_s,starting_price"


def row(number: int, dog: str, box: object, finish: str, **other: str) -> str:
    f = {
        "race_id": f"R{number}",
        "time": "25.5" if finish.isdigit() else "",
        "distance": "450",
        "price": "",
    } | other
    f = {"number": str(number)} | f
    race = f"{f['race_id']},2026-03-01,Riverside,{f['distance']},{f['number']}"
    return f"{race},{dog},{box},{finish},{f['time']},{f['price']}"


RACE_4 = [row(4, "Alpha One", 1, "1"), row(4, "Bravo Two", 2, "2")]
RACE_7 = [row(7, "Charlie Three", 3, "2"), row(7, "Delta Four", 4, "3")]


def new_database(folder: Path, name: str = "a") -> Engine:
    return open_database(f"sqlite:///{folder / name}.db", create=True)


def races_of(engine: Engine) -> dict[int, tuple[bool, dict[str, tuple[Any, ...]]]]:
    """Return, by race number, whether a race is whole and of each dog place, won and scratched."""
    query = (
        "SELECT a.number, a.is_whole, d.name, r.finish_position, r.won, r.is_scratched FROM race a "
        "JOIN run r ON r.race_id = a.id JOIN dog d ON d.id = r.dog_id"
    )
    found: dict[int, tuple[bool, dict[str, tuple[Any, ...]]]] = {}
    with engine.connect() as connection:
        for number, is_whole, name, place, won, is_scratched in connection.execute(text(query)):
            runs = found.setdefault(number, (bool(is_whole), {}))[1]
            runs[name] = (place, None if won is None else bool(won), bool(is_scratched))
    return found


def imported(folder: Path, *lines: str) -> tuple[Engine, ImportReport]:
    engine = new_database(folder)
    return engine, import_results(engine, [write(folder, "r.csv", HEADER, *lines)])


# Where race 4 lists the dog that wins race 7: a reserve's box, any box, none, another distance.
RESERVES = {
    "reserve": row(4, "Spare Hound", 9, ""),
    "box": row(4, "Spare Hound", 3, ""),
    "no box": row(4, "Spare Hound", "", ""),
    "scratched": row(4, "Spare Hound", 3, "SCR"),
    "suffix": row(4, "10. Spare Hound (Res)", 10, ""),
}


@pytest.mark.parametrize("listed", RESERVES.values(), ids=RESERVES)
@pytest.mark.parametrize("distance", ["450", "520"])
def test_a_reserve_runs_in_the_race_in_which_it_has_a_result(
    tmp_path: Path, listed: str, distance: str
) -> None:
    ran = row(7, "Spare Hound", 5, "1", distance=distance)
    race_7 = [line.replace(",450,", f",{distance},") for line in RACE_7]
    first, second = [*RACE_4, listed], [*race_7, ran]
    orders = {"ab": [first, second], "ba": [second, first], "one": [first + second], "back": [second + first]}
    contents = []
    for name, files in orders.items():
        engine = new_database(tmp_path, name)
        for i, lines in enumerate(files):
            import_results(engine, [write(tmp_path, f"{name}{i}.csv", HEADER, *lines)])
        races = races_of(engine)
        assert races[4] == (
            True,
            {
                "Alpha One": (1, True, False),
                "Bravo Two": (2, False, False),
                "Spare Hound": (None, None, True),
            },
        )
        assert races[7][0]
        assert races[7][1]["Spare Hound"] == (1, True, False)
        assert len(races[7][1]) == 3
        contents.append(content(engine))
    assert all(one == contents[0] for one in contents)


def test_taking_the_result_out_again_leaves_the_reserve_as_its_file_has_it(tmp_path: Path) -> None:
    alone, both = new_database(tmp_path, "alone"), new_database(tmp_path, "both")
    listing = write(tmp_path, "a.csv", HEADER, *RACE_4, RESERVES["box"])
    ran = write(tmp_path, "b.csv", HEADER, row(7, "Spare Hound", 5, "1", distance="520"))
    import_results(alone, [listing])
    for path in (listing, ran):
        import_results(both, [path])
    assert content(both) != content(alone)
    undo_import(both, ran)
    assert content(both) == content(alone)


def test_a_reserve_of_a_race_that_betfair_or_a_form_guide_knows_merges_none(tmp_path: Path) -> None:
    betfair = write(
        tmp_path,
        "b.csv",
        BETFAIR_HEADER,
        betfair_row("Alpha One", 1, won="1.0", date="2025-07-03"),
        betfair_row("Bravo Two", 2),
        betfair_row("Spare Hound", 9, won=""),
    )
    form = write(
        tmp_path, "f.csv", FORM_HEADER, form_row("5. Spare Hound", place="3", box="5", winner="Delta Four")
    )
    results = write(
        tmp_path,
        "r.csv",
        HEADER,
        *(
            line.replace("2026-03-01,Riverside", "2025-07-03,Ballarat")
            for line in [*RACE_7[:1], row(7, "Delta Four", 4, "1"), row(7, "Spare Hound", 5, "3")]
        ),
    )
    importers = {betfair: import_betfair, form: import_form_guides, results: import_results}
    contents = []
    for i, order in enumerate(itertools.permutations(importers)):
        engine = new_database(tmp_path, f"order{i}")
        for path in order:
            importers[path](engine, [path])
        races = races_of(engine)
        assert races[4][1]["Spare Hound"] == (None, None, True)
        assert races[7][1]["Spare Hound"] == (3, False, False)
        contents.append(content(engine))
    assert all(one == contents[0] for one in contents)


def test_two_results_of_a_dog_leave_both_races_in_doubt(tmp_path: Path) -> None:
    engine, report = imported(tmp_path, *RACE_4, *RACE_7, row(7, "Alpha One", 5, "1"))
    assert {number: whole for number, (whole, _) in races_of(engine).items()} == {4: False, 7: False}
    assert any("'Alpha One' twice" in problem.reason for problem in report.problems)


def test_one_race_id_over_three_numbers_is_three_races(tmp_path: Path) -> None:
    lines = [row(n, f"Dog {n} {i}", i, str(i), race_id="M1") for n in (1, 2, 3) for i in range(1, 7)]
    engine, _ = imported(tmp_path, *lines)
    races = races_of(engine)
    assert {number: (whole, len(runs)) for number, (whole, runs) in races.items()} == dict.fromkeys(
        (1, 2, 3), (True, 6)
    )


def test_a_race_id_in_three_spellings_is_one_race(tmp_path: Path) -> None:
    lines = [
        row(1, f"Dog {i}", i, str(i), race_id=name) for i, name in enumerate(("1", "01", "1.0"), start=1)
    ]
    engine, _ = imported(tmp_path, *lines)
    assert [(whole, len(runs)) for whole, runs in races_of(engine).values()] == [(True, 3)]


REFUSED = {
    "code": row(4, "Echo Five", 5, "XYZ"),
    "box": row(4, "Echo Five", 12, "3"),
    "name": row(4, "?!", 5, "3"),
    "date": row(4, "Echo Five", 5, "3").replace("2026-03-01", "2026-13-01"),
    "distance": row(4, "Echo Five", 5, "3", distance="far"),
    "fields": row(4, "Echo Five", 5, "3") + ",,",
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_race_with_a_refused_row_is_not_whole(tmp_path: Path, refused: str, at: int) -> None:
    lines = [*RACE_4[:at], refused, *RACE_4[at:], row(7, "Golf", 1, "1"), row(7, "Hotel", 2, "2")]
    engine, report = imported(tmp_path, *lines)
    races = races_of(engine)
    assert report.n_refused == 1
    assert not races[4][0]
    assert races[7][0] == (at < 2 or "Echo Five,5,3,25.5,,," not in refused)


def test_what_a_refused_row_left_out_another_file_may_tell(tmp_path: Path) -> None:
    broken = write(tmp_path, "broken.csv", HEADER, *RACE_4, REFUSED["box"])
    whole = write(tmp_path, "whole.csv", HEADER, *RACE_4, row(4, "Echo Five", 5, "3"))
    for i, order in enumerate(itertools.permutations((broken, whole))):
        engine = new_database(tmp_path, f"order{i}")
        for path in order:
            import_results(engine, [path])
        assert races_of(engine)[4][0]
        undo_import(engine, whole)
        assert not races_of(engine)[4][0]


def test_a_betfair_race_with_a_refused_row_is_not_whole(tmp_path: Path) -> None:
    lines = [betfair_row("A", 1, won="1.0"), betfair_row("B", 2), betfair_row("C", 12)]
    engine = new_database(tmp_path)
    import_betfair(engine, [write(tmp_path, "b.csv", BETFAIR_HEADER, *lines)])
    assert [whole for whole, _ in races_of(engine).values()] == [False]


@pytest.mark.parametrize(
    ("places", "is_whole"),
    [
        ("1 2 3", True),
        ("1 =2 =2 4", True),
        ("1 2 2 4", True),
        ("1DH 1DH 3", True),
        ("=1 =1 =1", True),
        ("1 2 DNF F", True),
        ("2 3 4 5 6 7", False),
        ("1 1 2", False),
        ("1 2 2 3", False),
        ("1 2 4", False),
        ("1 =2 3", False),
        ("1 1 1 1", False),
    ],
)
def test_a_race_is_whole_if_its_places_can_be(tmp_path: Path, places: str, is_whole: bool) -> None:
    lines = [row(4, f"Dog {i}", i, place, time="25.5") for i, place in enumerate(places.split(), start=1)]
    engine, report = imported(tmp_path, *lines)
    assert races_of(engine)[4][0] == is_whole
    assert len(races_of(engine)[4][1]) == len(lines)
    assert [problem.what for problem in report.problems] == ([] if is_whole else ["race"])


def test_two_dogs_in_a_box_and_eleven_starters_are_no_whole_race(tmp_path: Path) -> None:
    box = [row(4, "A", 1, "1"), row(4, "B", 1, "2")]
    many = [row(7, f"Dog {i}", "", str(i) if i < 11 else "", price="9") for i in range(1, 12)]
    engine, report = imported(tmp_path, *box, *many)
    assert [whole for whole, _ in races_of(engine).values()] == [False, False]
    assert [problem.reason for problem in report.problems] == [
        "a box is one runner's, got box 1 for 2",
        "a race has at most 10 starters, got 11",
    ]


def test_a_race_over_two_distances_is_not_whole(tmp_path: Path) -> None:
    engine, report = imported(tmp_path, *RACE_4, row(4, "Echo Five", 5, "1", distance="520"))
    assert not any(whole for whole, _ in races_of(engine).values())
    assert "a race has one distance, 'R4' has 450 and 520 m" in {
        problem.reason for problem in report.problems
    }


@pytest.mark.parametrize("name", ["VACANT", "nan", "N/A", "", "-"])
def test_an_empty_box_is_no_dog_and_the_race_is_whole(tmp_path: Path, name: str) -> None:
    engine, report = imported(tmp_path, *RACE_4, row(4, name, 3, ""))
    assert (report.n_empty, report.n_refused) == (1, 0)
    whole, runs = races_of(engine)[4]
    assert whole
    assert set(runs) == {"Alpha One", "Bravo Two"}


def test_an_empty_box_that_has_a_place_is_a_dog_whose_name_is_missing(tmp_path: Path) -> None:
    engine, report = imported(tmp_path, *RACE_4, row(4, "nan", 3, "3"))
    assert (report.n_empty, report.n_refused) == (0, 1)
    assert not races_of(engine)[4][0]


def test_betfair_and_form_guides_have_empty_boxes_too(tmp_path: Path) -> None:
    engine = new_database(tmp_path)
    lines = [betfair_row("A", 1, won="1.0"), betfair_row("B", 2), betfair_row("VACANT", 3, won="")]
    report = import_betfair(engine, [write(tmp_path, "b.csv", BETFAIR_HEADER, *lines)])
    guide = write(
        tmp_path, "f.csv", FORM_HEADER, form_row("1. A"), form_row("2. VACANT"), form_row(date="2025-06-01")
    )
    report_of_guide = import_form_guides(engine, [guide])
    assert (report.n_empty, report_of_guide.n_empty) == (1, 2)
    assert [whole for whole, _ in races_of(engine).values()] == [True]
