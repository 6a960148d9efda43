"""Races to come on PostgreSQL: cards, scratchings, distances and what is due, with writers at once."""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.domain.cards import Runner
from racing.race_day.report_cards import report_cards, report_scratching
from racing.race_day.upcoming import upcoming_races
from racing.stored_race import stored_race
from tests.racing.race_day.builders import DAY, NINE, make_card

HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
N_ROUNDS = 8


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    engine = open_database(postgresql_url, create=True)
    yield engine
    engine.dispose()


def test_writers_at_once_leave_what_was_stated_last_and_each_race_once(
    engine: Engine, postgresql_url: str
) -> None:
    (shared,) = report_cards(engine, [make_card("Anna", "Bela", "Cora")], NINE)
    failures: list[BaseException] = []

    def write(who: int) -> None:
        mine = open_database(postgresql_url)
        try:
            for i in range(N_ROUNDS):
                at = NINE + (2 * i + who) * MINUTE
                own = make_card(f"Eva {who} {i}", f"Finn {who} {i}", number=10 + who, distance_m=390)
                scratched = ("Anna",) if who else ("Bela",)
                card = make_card("Anna", "Bela", "Cora", scratched=scratched)
                if who:
                    card = replace(card, distance_m=460)
                report_cards(mine, [own, card] if i % 2 else [card, own], at)
                report_scratching(mine, shared.id, "Cora", at + MINUTE / 2, is_scratched=bool(who))
        except BaseException as error:
            failures.append(error)
        finally:
            mine.dispose()

    threads = [threading.Thread(target=write, args=(who,)) for who in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures
    races = {race.race_number: race for race in upcoming_races(engine, NINE, DAY)}
    assert sorted(race.race_number or 0 for race in races.values()) == [4, 10, 11]
    assert len(upcoming_races(engine, NINE, DAY)) == 3
    last = races[4]
    assert (last.id, last.distance_m, last.scratched) == (shared.id, 460, ("Anna", "Cora"))


def test_a_day_goes_as_it_does_on_sqlite(engine: Engine) -> None:
    reserve = Runner(name="Late Mail", box=9)
    card = make_card("Anna", "Bela", "Cora")
    (stored,) = report_cards(engine, [replace(card, runners=(*card.runners, reserve))], NINE)
    (again,) = report_cards(engine, [make_card("Anna", "Bela", "Cora", distance_m=460)], NINE + HOUR)
    assert (again.id, again.changes) == (stored.id, ("Late Mail is scratched",))
    report_scratching(engine, stored.id, "Anna", NINE + 2 * HOUR)
    (race,) = upcoming_races(engine, NINE)
    assert (race.distance_m, race.n_runners, race.scratched) == (460, 2, ("Anna", "Late Mail"))
    assert race.off_at == dt.datetime(2026, 3, 31, 8, 30, tzinfo=dt.UTC)
    card_now = stored_race(engine, race.id).card
    assert card_now is not None
    assert [runner.name for runner in card_now.runners if not runner.is_scratched] == ["Bela", "Cora"]
