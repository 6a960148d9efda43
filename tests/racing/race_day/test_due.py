"""What is due, on both sides of the date line, and what the list says of races that make no card."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.importers.import_files import import_results
from racing.race_day.report_cards import report_cards, report_scratching
from racing.race_day.upcoming import upcoming_races
from racing.stored_race import stored_race
from tests.clocks.today import today
from tests.racing.importers.builders import write
from tests.racing.race_day.builders import NINE, make_card

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'races.db'}", create=True)


def store(engine: Engine, track: str, date: str, off_at: str | None, number: int = 1) -> int:
    names = (f"Anna {track} {number}", f"Bela {track} {number}")
    card = make_card(*names, track=track, date=dt.date.fromisoformat(date), number=number, off_at=off_at)
    (stored,) = report_cards(engine, [card], NINE)
    return stored.id


def due(engine: Engine, now: str) -> list[tuple[str, str]]:
    at = dt.datetime.fromisoformat(now)
    return [(race.track, race.date.isoformat()) for race in upcoming_races(engine, at)]


def test_a_meeting_in_new_zealand_is_due_while_its_day_is_tomorrow_in_utc(engine: Engine) -> None:
    store(engine, "Addington", "2026-04-01", "2026-04-01T11:45:00+13:00")  # 22:45 UTC of the day before
    store(engine, "Manukau", "2026-04-01", None)
    assert due(engine, "2026-03-31T22:00:00+00:00") == [
        ("Addington", "2026-04-01"), ("Manukau", "2026-04-01")
    ]  # fmt: skip
    assert due(engine, "2026-03-31T10:30:00+00:00") == [("Addington", "2026-04-01")]  # 23:30 of the 31st
    assert due(engine, "2026-04-01T10:30:00+00:00") == [("Manukau", "2026-04-01")]  # 23:30 of the 1st
    assert due(engine, "2026-04-01T11:30:00+00:00") == []


def test_a_british_evening_is_due_while_it_is_the_day_after_in_australia(engine: Engine) -> None:
    store(engine, "Romford", "2026-03-31", "2026-03-31T21:58:00+01:00")
    store(engine, "Monmore", "2026-03-31", None)
    store(engine, "Ballarat", "2026-04-01", None)
    # 07:30 on the 1st in Ballarat, 21:30 on the 31st in Romford
    assert due(engine, "2026-03-31T20:30:00+00:00") == [
        ("Romford", "2026-03-31"), ("Ballarat", "2026-04-01"), ("Monmore", "2026-03-31")
    ]  # fmt: skip
    assert due(engine, "2026-03-31T21:28:00+00:00")[0] == ("Romford", "2026-03-31")
    assert due(engine, "2026-03-31T23:30:00+00:00") == [("Ballarat", "2026-04-01")]  # 00:30 in Britain


@pytest.mark.parametrize(
    ("track", "date", "off_at"),
    [
        ("Addington", "2026-04-05", "2026-04-05T02:30:00+13:00"),  # the hour that New Zealand has twice
        ("Ballarat", "2026-04-05", "2026-04-05T02:30:00+11:00"),
        ("Romford", "2026-03-29", "2026-03-29T02:10:00+01:00"),  # just after the hour that Britain has not
    ],
)
def test_a_race_is_due_a_day_ahead_and_half_an_hour_after_it_was_whatever_clocks_do(
    engine: Engine, track: str, date: str, off_at: str
) -> None:
    store(engine, track, date, off_at)
    at = dt.datetime.fromisoformat(off_at)
    for when, is_due in ((-24 * HOUR, True), (-24.1 * HOUR, False), (HOUR / 2, True), (0.6 * HOUR, False)):
        assert bool(upcoming_races(engine, at + when)) is is_due


def test_a_race_with_one_runner_left_is_listed_and_says_in_a_sentence_why_it_has_no_prediction(
    engine: Engine,
) -> None:
    (stored,) = report_cards(engine, [make_card("Anna", "Bela", "Cora")], NINE)
    for name in ("Anna", "Bela"):
        report_scratching(engine, stored.id, name, NINE + HOUR)
    (race,) = upcoming_races(engine, NINE, make_card("Anna", "Bela").date)
    assert (race.n_runners, race.scratched) == (1, ("Anna", "Bela"))
    assert stored_race(engine, stored.id).why_no_card == (
        "only Cora is left of 3 runners, and a race needs two that start"
    )


def test_a_race_with_a_runner_whose_box_nobody_tells_names_it(engine: Engine, tmp_path: Path) -> None:
    day = today("Ballarat")
    rows = [f"r1,{day},Ballarat,450,{dog},{box},19:30" for dog, box in (("Anna", 1), ("Bela", ""))]
    header = "race_id,date,track,distance_m,runner,box,off_time"
    report = import_results(engine, [write(tmp_path, "cards.csv", header, *rows)])
    assert not [str(problem) for problem in report.problems]
    (race,) = upcoming_races(engine, NINE, day)
    assert stored_race(engine, race.id).why_no_card == (
        "a card tells every runner's box, and that of Bela is not known"
    )
