"""Official monthly files of Betfair's: recognised by their header, meeting the model results by market id."""

import datetime as dt
import zipfile
from pathlib import Path

from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.domain.track_time import latest_day
from racing.importers.files.csv_file import csv_of, read_csv
from racing.importers.formats.betfair import parse_betfair
from racing.importers.import_files import import_betfair, import_files
from racing.importers.records.off_times import off_of
from racing.importers.records.source_record import ParsedFile, distance_of_key
from tests.racing.importers.builders import BETFAIR_HEADER, betfair_row, content, write

HEADER = (
    "LOCAL_MEETING_DATE,SCHEDULED_RACE_TIME,ACTUAL_OFF_TIME,TRACK,STATE_CODE,RACE_NO,WIN_MARKET_ID,WIN_MARKET_NAME,"
    "PLACE_MARKET_ID,RACING_TYPE,DISTANCE,RACE_TYPE,SELECTION_ID,TAB_NUMBER,SELECTION_NAME,WIN_RESULT,WIN_BSP,"
    "PLACE_RESULT,PLACE_BSP"
)


def row(dog: str, tab: int, result: str = "LOSER", *, market: str = "250000077", **other: str) -> str:
    f = {
        "date": "2025-07-03",
        "kind": "Greyhounds",
        "bsp": "5.2",
        "placed": "LOSER",
        "place_bsp": "1.9",
    } | other
    race = f"{f['date']},18:33:00,18:34:00,Ballarat,VIC,4,{market},R4 450m Gr5,250000078,{f['kind']},450,Gr5"
    return f"{race},1,{tab},{dog},{result},{f['bsp']},{f['placed']},{f['place_bsp']}"


def parse(*rows: str) -> ParsedFile:
    return parse_betfair(csv_of("\n".join((HEADER, *rows)).encode(), "ANZ_Greyhounds_2025_07.csv"))


def test_a_row_is_a_run_with_its_prices_and_results() -> None:
    parsed = parse(
        row("1. Sir Tick", 1, "WINNER", placed="WINNER"), row("Late Comer", 9, bsp="", place_bsp="")
    )
    assert parsed.problems.n == 0
    facts = (
        "dog_name",
        "race_key",
        "rug",
        "box",
        "won",
        "placed",
        "bsp",
        "place_bsp",
        "grade",
        "race_number",
    )
    assert [tuple(record[name] for name in facts) for record in parsed.records] == [
        ("Sir Tick", "betfair:250000077", 1, 1, True, True, 5.2, 1.9, "Grade 5", 4),
        ("Late Comer", "betfair:250000077", 9, None, False, False, None, None, "Grade 5", 4),
    ]


def test_removed_and_blank_runners_were_scratched_only_where_others_have_a_result() -> None:
    parsed = parse(
        row("Winner", 1, "WINNER"),
        row("Removed", 2, "REMOVED"),
        row("Blank", 3, ""),
        row("Waiting", 1, "", market="250000099"),
    )
    assert {record["dog_name"]: record["is_scratched"] for record in parsed.records} == {
        "Winner": False,
        "Removed": True,
        "Blank": True,
        "Waiting": False,
    }


def test_rows_of_other_sports_and_impossible_ones_are_refused() -> None:
    parsed = parse(
        row("A", 1, kind="Harness"),
        row("B", 11),
        row("C", 3, "MAYBE"),
        row("D", 4, market="2.5E+08"),
        row("E", 5),
    )
    assert [record["dog_name"] for record in parsed.records] == ["E"]
    rules = [problem.reason.partition(",")[0].partition(" ")[0] for problem in parsed.problems]
    assert rules == ["RACING_TYPE", "rug", "WIN_RESULT", "WIN_MARKET_ID"]


def test_both_kinds_of_files_and_both_ways_to_write_an_id_make_one_race(tmp_path: Path) -> None:
    official = write(
        tmp_path,
        "ANZ_Greyhounds_2025_07.csv",
        HEADER,
        row("A", 1, "WINNER", market="1.250000077"),
        row("B", 2),
    )
    model = write(
        tmp_path,
        "Iggy_Model_V2_Results_2025_07.csv",
        BETFAIR_HEADER,
        betfair_row("A", 1, won="1.0", market="250000077"),
        betfair_row("B", 2, market="250000077.0"),
    )
    engines: list[Engine] = []
    for name, order in (("one", (official, model)), ("two", (model, official))):
        engine = open_database(f"sqlite:///{tmp_path / name}", create=True)
        first, second = (import_betfair(engine, [path]) for path in order)
        assert (first.n_added, second.n_updated, second.n_added) == (2, 2, 0)
        engines.append(engine)
    with engines[0].connect() as connection:
        facts = connection.execute(
            text("SELECT market_id, rated_price, place_bsp FROM run JOIN race ON race.id = race_id")
        ).all()
    assert [tuple(fact) for fact in facts] == [("250000077", 6.0, 1.9)] * 2
    assert content(engines[0]) == content(engines[1])


def test_the_real_official_file_is_three_races_of_one_winner_each(real_data: Path) -> None:
    (path,) = (real_data / "betfair_official").glob("*.csv")
    parsed = parse_betfair(read_csv(path))
    assert (parsed.n_read, len(parsed.records), parsed.problems.n) == (20, 20, 0)
    winners = [record["race_key"] for record in parsed.records if record["won"]]
    assert len(winners) == len(set(winners)) == 3


FULL_HEADER = (
    f"{HEADER},WIN_BSP_VOLUME,WIN_PREPLAY_LAST_PRICE_TAKEN,WIN_PREPLAY_WEIGHTED_AVERAGE_PRICE_TAKEN,"
    "WIN_PREPLAY_VOLUME,WIN_INPLAY_VOLUME,BEST_AVAIL_BACK_AT_SCHEDULED_OFF,BEST_AVAIL_LAY_AT_SCHEDULED_OFF"
)


def full_row(dog: str, tab: int, result: str = "LOSER", *, quotes: str = "", **other: str) -> str:
    """A row with the columns of the market; in-play ones are empty."""
    market = f"2500{other.get('date', '2025-07-03').replace('-', '')}"
    return f"{row(dog, tab, result, market=market, **other)},315.8,{quotes or '42,38.78,456.05,,42,36'}"


def parse_full(*rows: str) -> ParsedFile:
    return parse_betfair(csv_of("\n".join((FULL_HEADER, *rows)).encode(), "ANZ_Greyhounds_2025_07.csv"))


def test_off_times_are_the_tracks_own_and_prices_at_the_off_are_at_minute_0() -> None:
    parsed = parse_full(
        full_row("Alpha", 1, "WINNER"),
        full_row("Bravo", 2, quotes="5,5,10,,,5.1"),
        full_row("Charlie", 3, quotes=",,,,,"),
    )
    assert parsed.problems.n == 0
    off = dt.datetime(2025, 7, 3, 8, 33)  # 18:33 at Ballarat in winter
    assert {record["off_at"] for record in parsed.records} == {off}
    facts = [(r["last_price"], r["average_price"], r["volume"]) for r in parsed.records]
    assert facts == [(42, 38.78, 456.05), (5, 5, 10), (None, None, None)]
    assert [(p["dog_key"], p["minutes"], p["at"], p["back"], p["lay"], p["last"]) for p in parsed.prices] == [
        ("ALPHA", 0, off, 42, 36, 42),
        ("BRAVO", 0, off, None, 5.1, 5),
    ]
    assert not any(name.startswith("_") for record in parsed.records for name in record)


def test_a_race_without_results_is_upcoming_a_week_ahead_at_most_and_never_run_ahead_of_its_day() -> None:
    day = latest_day()
    soon, late = (day + dt.timedelta(days=n) for n in (7, 8))
    parsed = parse_full(
        full_row("Alpha", 1, "", date=str(soon)),
        full_row("Bravo", 2, "", date=str(late)),
        full_row("Charlie", 3, "WINNER", date=str(soon)),
    )
    assert [(r["dog_name"], r["is_blank"], r["won"]) for r in parsed.records] == [("Alpha", True, None)]
    assert [problem.line for problem in parsed.problems if problem.what == "row"] == [3, 4]


def test_a_year_in_a_zip_is_twelve_files_and_their_prices_are_stored(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ANZ_Greyhounds_2025.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for month in range(1, 13):
            rows = (
                full_row(
                    f"Dog {month} {tab}", tab, "WINNER" if tab == 1 else "LOSER", date=f"2025-{month:02d}-03"
                )
                for tab in (1, 2)
            )
            archive.writestr(f"ANZ_Greyhounds_2025_{month:02d}.csv", "\n".join((FULL_HEADER, *rows)))
    engine = open_database(f"sqlite:///{tmp_path}/db", create=True)
    report = import_files(engine, [tmp_path / "ANZ_Greyhounds_2025.zip"])
    assert (len(report.files), report.n_added, report.problems.n) == (12, 24, 0)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM runnerprice WHERE minutes = 0")) == 24
        # The hour differs by summer time.
        hours = connection.scalars(text("SELECT DISTINCT strftime('%H', off_at) FROM race ORDER BY 1")).all()
    assert hours == ["07", "08"]


def test_a_race_that_nobody_won_is_void_and_a_missing_distance_stands_in_the_markets_name() -> None:
    header = HEADER
    rows = [row(f"Dog {letter}", tab) for tab, letter in enumerate("abcd", 1)]
    parsed = parse_betfair(csv_of("\n".join((header, *rows)).encode(), "ANZ_Greyhounds_2025_07.csv"))
    assert [record["won"] for record in parsed.records] == [None] * 4
    assert "taken for void" in parsed.notes[-1]
    other = row("Dog z", 1, "WON", market="250000099")
    parsed = parse_betfair(csv_of("\n".join((header, *rows, other)).encode(), "ANZ_Greyhounds_2025_07.csv"))
    assert [record["won"] for record in parsed.records] == [None] * 4  # a row of another race was refused
    broken = rows[0].replace("LOSER", "WON", 1)
    parsed = parse_betfair(
        csv_of("\n".join((header, broken, *rows[1:])).encode(), "ANZ_Greyhounds_2025_07.csv")
    )
    assert [record["won"] for record in parsed.records] == [False] * 3  # it may be the winner's row
    placed = row("Dog e", 5, placed="WINNER")
    parsed = parse_betfair(csv_of("\n".join((header, *rows, placed)).encode(), "ANZ_Greyhounds_2025_07.csv"))
    assert [record["won"] for record in parsed.records] == [False] * 5  # a race with places was run
    bare = [one.replace(",450,Gr5,", ",,,") for one in rows]
    parsed = parse_betfair(csv_of("\n".join((header, *bare)).encode(), "ANZ_Greyhounds_2025_07.csv"))
    assert {(distance_of_key(record["bucket"]), record["grade"]) for record in parsed.records} == {
        (450, "Grade 5")
    }


def test_a_clock_may_have_its_day_before_it_in_any_order() -> None:
    clocks = ("18:33", "2025-07-03 18:33:00", "3/07/2025 18:33")
    assert {off_of(dt.date(2025, 7, 3), clock, "Ballarat") for clock in clocks} == {
        dt.datetime(2025, 7, 3, 8, 33)
    }
