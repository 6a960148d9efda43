"""What each importer believes, row by row."""

import datetime as dt
import gzip
from pathlib import Path

import pytest

from racing.domain.errors import FileRefused
from racing.domain.grades import grade_of
from racing.domain.tracks import KNOWN_TRACKS, known_track
from racing.importers.files.csv_file import read_csv
from racing.importers.formats.betfair import parse_betfair
from racing.importers.formats.form_guide_card import read_form_guide_card
from racing.importers.formats.form_guides import parse_form_guide
from racing.importers.formats.results import parse_results
from racing.importers.records.source_record import ParsedFile, SourceRecord
from racing.importers.resolve import merge_facts, resolve
from tests.racing.importers.builders import (
    BETFAIR_HEADER,
    FORM_HEADER,
    RESULTS_HEADER,
    betfair_row,
    form_row,
    results_row,
    write,
)


def parse_form(folder: Path, *rows: str) -> ParsedFile:
    return parse_form_guide(read_csv(write(folder, "form.csv", FORM_HEADER, *rows)))


@pytest.mark.parametrize(
    ("field", "value", "fact", "reason"),
    [
        ("time", "-25.6", "time_s", "time must be"),
        ("time", "60.0", "time_s", "time must be"),
        ("margin", "57.5", "margin_lengths", "margin must be 0..50 lengths"),
        ("sp", "", "starting_price", "starting price is blank"),
        ("sp", "0.5$", "starting_price", "starting price must be"),
        ("split", "31", "first_split_s", "first split must be"),
        ("weight", "3", "weight_kg", "weight must be"),
        ("calls", "x", "position_in_running", "position in running must be digits"),
        ("calls", "1²", "position_in_running", "position in running must be digits"),
        ("time", "25.40", "time_s", "a runner beaten by 3.0 lengths took longer than the winner"),
    ],
)
def test_an_impossible_fact_is_dropped_and_reported_and_its_run_is_imported(
    tmp_path: Path, field: str, value: str, fact: str, reason: str
) -> None:
    parsed = parse_form(tmp_path, form_row("1. Sir Tick", **{field: value}))
    assert len(parsed.records) == 1
    assert parsed.records[0][fact] is None
    assert [problem.what for problem in parsed.problems] == ["fact"]
    assert parsed.problems[0].reason.startswith(reason)


def test_a_nose_behind_may_share_the_winners_time(tmp_path: Path) -> None:
    parsed = parse_form(tmp_path, form_row("1. Sir Tick", time="25.40", margin="0.03"))
    assert parsed.records[0]["time_s"] == 25.4


def test_a_dead_heat_is_a_win_and_box_9_is_a_reserve_of_unknown_box(tmp_path: Path) -> None:
    record = parse_form(tmp_path, form_row("1. Sir Tick", place="1=", box="9")).records[0]
    assert (record["won"], record["finish_position"], record["rug"], record["box"]) == (True, 1, 9, None)


def test_a_quoted_blank_name_continues_the_dog(tmp_path: Path) -> None:
    parsed = parse_form(tmp_path, form_row("1. Sir Tick"), form_row('""', date="2025-06-01"))
    assert [record["dog_key"] for record in parsed.records] == ["SIRTICK", "SIRTICK"]


def test_betfair_tells_scratched_runners_from_races_without_a_result(tmp_path: Path) -> None:
    rows = [
        betfair_row("Winner", 1, won="1.0"),
        betfair_row("Absent", 2, won=""),
        betfair_row("Reserve", 9),
        betfair_row("Waiting", 1, won="", market="78", race="R5 390mHeat", date="5/08/2024"),
    ]
    records = {
        record["dog_name"]: record
        for record in parse_betfair(read_csv(write(tmp_path, "b.csv", BETFAIR_HEADER, *rows))).records
    }
    assert {name for name, record in records.items() if record["is_scratched"]} == {"Absent"}
    assert records["Waiting"]["won"] is None
    assert records["Waiting"]["grade"] == "Heat"
    assert (records["Reserve"]["rug"], records["Reserve"]["box"]) == (9, None)


def test_a_market_under_two_days_was_run_on_the_first(tmp_path: Path) -> None:
    rows = [betfair_row("Sir Tick", 1, date="2025-07-04"), betfair_row("Sir Tick", 1), betfair_row("Anna", 2)]
    parsed = parse_betfair(read_csv(write(tmp_path, "b.csv", BETFAIR_HEADER, *rows)))
    assert len({record["bucket"] for record in parsed.records}) == 1
    assert (len(parsed.records), parsed.n_repeated, parsed.n_refused) == (2, 1, 0)
    alone = parse_betfair(read_csv(write(tmp_path, "a.csv", BETFAIR_HEADER, betfair_row("Anna", 2))))
    assert alone.records[0]["bucket"] == parsed.records[0]["bucket"]


def test_what_two_rows_of_a_runner_have_differently_is_unknown_unless_it_is_the_result(
    tmp_path: Path,
) -> None:
    anna = betfair_row("Anna", 2)
    rows = [betfair_row("Sir Tick", 1, won="1.0", rated=rated) for rated in ("2.19", "2.42")]
    parsed = parse_betfair(read_csv(write(tmp_path, "b.csv", BETFAIR_HEADER, *rows, anna)))
    assert (len(parsed.records), parsed.n_repeated, parsed.n_refused) == (2, 1, 0)
    assert [record["rated_price"] for record in parsed.records] == [None, 6.0]
    assert all(record["is_race_whole"] for record in parsed.records)
    assert [kind.what for kind in parsed.problems.kinds] == ["fact"]
    rows = [betfair_row("Sir Tick", 1, won=won) for won in ("1.0", "0.0")]
    parsed = parse_betfair(read_csv(write(tmp_path, "c.csv", BETFAIR_HEADER, *rows, anna)))
    assert (len(parsed.records), parsed.n_refused) == (2, 1)
    assert not any(record["is_race_whole"] for record in parsed.records)


def test_results_say_who_won_only_where_the_race_has_a_result(tmp_path: Path) -> None:
    rows = [results_row("A", 1, "1"), results_row("B", 2, ""), results_row("C", 3, "", race_id="r2")]
    records = parse_results(read_csv(write(tmp_path, "r.csv", RESULTS_HEADER, *rows))).records
    assert [record["won"] for record in records] == [True, False, None]


def whole(prices: list[str], folder: Path) -> bool:
    rows = [
        form_row(
            f"{i + 1}. Dog {i}",
            place=str(i + 1),
            box=str(i + 1),
            winner="Dog 0",
            winner_s="25.40",
            sp=price,
            margin=str(i),
        )
        for i, price in enumerate(prices)
    ]
    records: list[SourceRecord] = parse_form(folder, *rows).records
    for i, record in enumerate(records):
        record |= {"dog_id": i, "track_id": 1}
    (race,) = resolve(records)
    return race.is_whole({dog_id: merge_facts(rows) for dog_id, rows in race.runners.items()})


def test_a_form_guide_race_is_whole_when_its_prices_add_up(tmp_path: Path) -> None:
    assert whole(["2.5", "4", "5", "3"], tmp_path)  # 1.18
    assert not whole(["2.5", "4", "5"], tmp_path)  # .85: somebody is missing
    assert not whole(["2.5", "4", "5", "3", "2"], tmp_path)  # 1.68
    assert not whole(["2.5", "4", "5", "3", ""], tmp_path)


def test_byte_order_marks_latin_1_and_gzip_are_read(tmp_path: Path) -> None:
    text = f"{FORM_HEADER}\n{form_row('1. Café Noir')}\n"
    for name, raw in (
        ("bom.csv", text.encode("utf-8-sig")),
        ("latin.csv", text.encode("latin-1")),
        ("packed.csv.gz", gzip.compress(text.encode())),
    ):
        (tmp_path / name).write_bytes(raw)
        assert parse_form_guide(read_csv(tmp_path / name)).records[0]["dog_name"] == "Café Noir"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"<html></html>", "HTML"),
        (b"Dog Name|BOX\nA|1\n", "bars"),
        (b"Dog Name,BOX\nA,1\n", "needs columns"),
        (b"a\0b,c\n", "NUL"),
    ],
)
def test_a_file_that_is_no_form_guide_is_refused_with_the_reason(
    tmp_path: Path, raw: bytes, reason: str
) -> None:
    (tmp_path / "f.csv").write_bytes(raw)
    with pytest.raises(FileRefused, match=reason):
        parse_form_guide(read_csv(tmp_path / "f.csv"))


@pytest.mark.parametrize(
    "name",
    [
        "Race 6 - BAL - 10 July 2025.csv",
        "Race 6 - BAL - 2025-07-10.csv",
        "Race 6 - BAL - 10 July 2025_cleaned.csv",
        "BAL_Race6_10_July_2025_enhanced.csv",
        "Race_06_BAL_2025-07-10.csv",
    ],
)
def test_a_form_guide_is_a_card_whose_name_tells_the_race(tmp_path: Path, name: str) -> None:
    path = write(
        tmp_path, name, FORM_HEADER, form_row("2. Sir Tick"), form_row(date="2025-06-01"), form_row("1. Anna")
    )
    card = read_form_guide_card(path).card
    assert (card.date, card.track, card.race_number) == (dt.date(2025, 7, 10), "Ballarat", 6)
    assert card.distance_m == 450
    assert [(runner.name, runner.box, len(runner.form)) for runner in card.runners] == [
        ("Anna", 1, 1),
        ("Sir Tick", 2, 2),
    ]


def test_a_card_without_a_date_in_its_name_wants_one(tmp_path: Path) -> None:
    path = write(tmp_path, "guide.csv", FORM_HEADER, form_row("2. Sir Tick"))
    with pytest.raises(FileRefused, match="date"):
        read_form_guide_card(path)
    card = read_form_guide_card(path, date=dt.date(2025, 8, 1), track="W_PK", distance_m=520).card
    assert (card.track, card.distance_m) == ("Wentworth Park", 520)


def test_both_vocabularies_of_grades_meet() -> None:
    pairs = [
        ("Gr5", "Grade 5"),
        ("Mdn", "Maiden"),
        ("Gr4/5", "Mixed 4/5"),
        ("FFA", "Free For All"),
        ("M23", "M2/M3"),
    ]
    assert [grade_of(a) == grade_of(b) for a, b in pairs] == [True] * len(pairs)
    assert grade_of("Grade 5 T3") == grade_of("Tier 3 - Grade 5") == "Tier 3 Grade 5"
    assert grade_of("") is None


def test_a_track_is_known_by_every_name_and_distance_parts_shared_ones() -> None:
    assert {known_track(alias) for track in KNOWN_TRACKS for alias in track.aliases} <= {
        t.name for t in KNOWN_TRACKS
    }
    assert known_track("W/PK") == known_track("w_pk") == known_track("Wentworth Park") == "Wentworth Park"
    assert (known_track("WAR", 400), known_track("WAR", 390)) == ("Warragul", "Warrnambool")
    assert (known_track("Richmond", 324), known_track("Richmond", 520)) == ("Richmond Straight", "Richmond")
    assert known_track("Nowhere") is None
