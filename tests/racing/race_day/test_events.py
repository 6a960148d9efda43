"""Events are written with what happened, once, and read in the order in which they were committed."""

import datetime as dt
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from racing.database.change_log import lock_races
from racing.domain.errors import PricesRefused
from racing.importers.import_files import import_results
from racing.race_day.events import (
    KINDS,
    MAX_EVENTS,
    StoredEvent,
    add_event,
    events_after,
    newest_event,
    prune_events,
)
from racing.race_day.report_cards import report_scratching
from racing.race_day.report_prices import PriceReport, QuotedRunner, report_prices
from tests.clocks.today import today
from tests.racing.importers.builders import RESULTS_HEADER, results_row, write
from tests.racing.race_day.cards import DOGS, race_day_database, run_race, store_card
from tests.service.living import SOON_S, wait_until


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return race_day_database(f"sqlite:///{tmp_path}/day.db")


def seen(engine: Engine, after: int = 0) -> list[StoredEvent]:
    with engine.connect() as connection:
        return events_after(connection, after, None, 1000)


def test_a_card_its_other_field_and_its_result_are_events_and_a_second_import_is_none(
    engine: Engine,
) -> None:
    race_id = store_card(engine)
    (card,) = seen(engine)
    assert (card.kind, card.race_id) == ("card", race_id)
    assert '"is_new": true' in card.body
    store_card(engine, dogs=[*DOGS[:5], "Fair Wind"])
    bodies = "".join(event.body for event in seen(engine, after=1))
    assert "Fair Wind is in" in bodies
    assert '"is_new": false' in bodies
    run_race(engine, dogs=DOGS[:5])
    assert seen(engine)[-1].kind == "result"
    assert '"winners": ["Sir Tick"]' in seen(engine)[-1].body
    n = len(seen(engine))
    run_race(engine, dogs=DOGS[:5])
    assert len(seen(engine)) == n


def test_races_of_long_ago_are_no_events(engine: Engine, tmp_path: Path) -> None:
    day = (today() - dt.timedelta(days=30)).isoformat()
    rows = [results_row(dog, box, str(box), date=day) for box, dog in enumerate(DOGS, start=1)]
    import_results(engine, [write(tmp_path, "past.csv", RESULTS_HEADER, *rows)])
    assert seen(engine) == []


def test_a_scratching_and_its_taking_back_are_events(engine: Engine, tmp_path: Path) -> None:
    race_id = store_card(engine)
    for is_scratched in (True, False):
        stated_at = dt.datetime.now(dt.UTC)
        report_scratching(engine, race_id, DOGS[0], stated_at, is_scratched=is_scratched)
    gone, back = seen(engine, after=1)
    assert (gone.kind, gone.race_id, back.kind) == ("scratching", race_id, "scratching")
    assert f'"name": "{DOGS[0]}", "box": 1, "is_scratched": true' in gone.body
    assert '"is_scratched": false' in back.body


def test_what_is_rolled_back_was_never_an_event_and_leaves_no_gap(engine: Engine) -> None:
    connection = engine.connect()
    add_event(connection, "card", {"changes": []}, 1)
    connection.rollback()
    connection.close()
    with engine.begin() as connection:
        assert add_event(connection, "card", {}, 1) == 1
        assert add_event(connection, "result", {}, 1) == 2
    assert [event.id for event in seen(engine)] == [1, 2]


def test_pruning_leaves_the_newest_so_that_no_number_is_used_twice(engine: Engine) -> None:
    with engine.begin() as connection:
        for kind in KINDS:
            add_event(connection, kind, {})
    with engine.begin() as connection:
        assert prune_events(connection, dt.datetime.now(dt.UTC).replace(tzinfo=None)) == len(KINDS) - 1
        assert add_event(connection, "card", {}) == len(KINDS) + 1
        connection.execute(text("UPDATE raceevent SET id = id + :n WHERE id > 5"), {"n": MAX_EVENTS})
    with engine.begin() as connection:  # young, and one too many
        assert prune_events(connection, dt.datetime(2020, 1, 1)) == 1


def test_on_postgresql_a_smaller_number_is_never_committed_after_a_larger_one(postgresql_url: str) -> None:
    engine = race_day_database(postgresql_url)
    slow = engine.connect()
    lock_races(slow)
    assert add_event(slow, "card", {"changes": []}, 1) == 1
    numbers: list[int] = []

    def add() -> None:  # a promotion, which locks no races
        with engine.begin() as connection:
            numbers.append(add_event(connection, "promotion", {}))

    other = threading.Thread(target=add)
    other.start()
    wait_until(lambda: _n_waiting(engine) == 1)
    assert (seen(engine), numbers) == ([], [])  # a reader has passed nothing that could be overtaken
    slow.commit()
    slow.close()
    other.join(SOON_S)
    assert numbers == [2]
    assert [event.id for event in seen(engine)] == [1, 2]
    engine.dispose()


def test_on_postgresql_eight_who_write_at_once_leave_no_gap_and_readers_lose_nothing(
    postgresql_url: str,
) -> None:
    engine, n_each = race_day_database(postgresql_url), 25
    read: list[int] = []

    def add(number: int) -> None:
        for i in range(n_each):
            with engine.begin() as connection:
                add_event(connection, "price", {}, number)
                if i % 5 == 0:
                    connection.rollback()

    writers = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        read += [event.id for event in seen(engine, after=read[-1] if read else 0)]
    read += [event.id for event in seen(engine, after=read[-1] if read else 0)]
    assert read == list(range(1, 4 * n_each * 4 // 5 + 1))
    engine.dispose()


def _n_waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return int(connection.execute(text(waiting)).scalar_one())


def now(**ago: float) -> dt.datetime:
    return (dt.datetime.now(dt.UTC) - dt.timedelta(**ago)).replace(tzinfo=None)


def test_prices_are_stored_whole_and_the_newest_of_a_race_are_one_event(
    engine: Engine, tmp_path: Path
) -> None:
    race_id = store_card(engine)
    first, second = now(minutes=5), now(minutes=1)
    runners = (QuotedRunner(name="sir tick", back=3.4, lay=3.5), QuotedRunner(box=2, last=6.0))
    reports = [PriceReport(race_id=race_id, at=at, runners=runners) for at in (second, first)]
    taken = report_prices(engine, reports)
    assert (taken.n_races, taken.n_prices, taken.n_known) == (1, 4, 0)
    (event,) = seen(engine, after=1)
    assert (event.kind, event.race_id) == ("price", race_id)
    assert f'"stated_at": "{second.isoformat()}Z"' in event.body
    again = report_prices(engine, reports)
    assert (again.n_prices, again.n_known) == (0, 4)
    with engine.connect() as connection:
        assert newest_event(connection) == 2  # known prices, and older ones, are no news
        stored = connection.execute(
            text("SELECT minutes, last FROM runnerprice ORDER BY minutes, last")
        ).all()
    assert sorted({minutes for minutes, _ in stored}) in ([60, 64], [61, 65], [60, 65])


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"race_id": 99}, "the database has no race 99"),
        ({"runners": (QuotedRunner(name="Nobody", back=2.0),)}, "has none named 'Nobody'"),
        ({"runners": (QuotedRunner(box=7, back=2.0),)}, "has none in box 7"),
        ({"runners": (QuotedRunner(box=1, back=2.0), QuotedRunner(name=DOGS[0], last=3.0))}, "has twice"),
        ({"at": dt.datetime(2020, 1, 1)}, "got 2020-01-01 00:00:00Z"),
    ],
)
def test_a_report_with_one_wrong_price_is_refused_whole(
    engine: Engine, tmp_path: Path, change: dict[str, object], rule: str
) -> None:
    race_id = store_card(engine)
    good: dict[str, object] = {"race_id": race_id, "at": now(), "runners": (QuotedRunner(box=1, back=2.0),)}
    reports = [PriceReport(**good), PriceReport(**(good | change))]  # type: ignore[arg-type]
    with pytest.raises(PricesRefused, match=rule):
        report_prices(engine, reports)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM runnerprice")).scalar_one() == 0
        assert newest_event(connection) == 1


def test_on_postgresql_prices_are_stored_as_in_sqlite(postgresql_url: str, tmp_path: Path) -> None:
    engine = race_day_database(postgresql_url)
    race_id = store_card(engine)
    for price, ago in ((3.0, 2), (4.0, 1)):
        runners = (QuotedRunner(box=1, back=price),)
        report = PriceReport(race_id=race_id, at=now(seconds=ago), runners=runners)
        assert report_prices(engine, [report]).n_prices == 1
    assert [event.kind for event in seen(engine)] == ["card", "price", "price"]
    engine.dispose()
