"""On PostgreSQL the log lies in months: made ahead, dropped whole, and nothing is in it twice."""

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from random import Random

import pytest
from sqlalchemy import Engine, func, insert, select, text

from racing.database.engine import open_database
from racing.predictions.latest import recount_all
from racing.predictions.months import make_months, stored_months
from racing.predictions.prediction_filter import PredictionFilter
from racing.predictions.progress import SETTLED, note_read, read_to
from racing.predictions.prune import prune
from racing.predictions.reading import read_unread
from racing.predictions.score import score_predictions
from racing.predictions.tables import COMPARED, LATEST, PREDICTION, RACE, RUNNER, SUMS, UNREADABLE
from racing.predictions.unreadable import try_again
from racing.predictions.update import update_outcomes
from service.prediction_log.database import open_log_database
from service.prediction_log.log_queue import LogRecord
from tests.racing.predictions.logs import RACES, bring_results, log_cards

JANUARY, FEBRUARY, MARCH = (dt.date(2026, month, 1) for month in (1, 2, 3))


@pytest.fixture
def log(postgresql_url: str) -> Iterator[Engine]:
    engine = open_database(postgresql_url, create=True)
    yield engine
    engine.dispose()


def records(*days: dt.date) -> list[LogRecord]:
    """Cards answered at noon, one a day."""
    epoch = dt.datetime(1970, 1, 1)
    card = {"date": "2026-03-08", "track": "Sandown Park", "distance_m": 515}
    runner = {"name": "Anna", "box": 1, "win_probability": 1.0, "place_probability": 1.0}
    return [
        LogRecord(
            number,
            f"r{number}",
            1,
            "0" * 64,
            int((dt.datetime.combine(day, dt.time(12)) - epoch).total_seconds() * 1e6),
            json.dumps(card).encode(),
            json.dumps({"runners": [runner]}).encode(),
        )
        for number, day in enumerate(days, start=1)
    ]


def rows_in(log: Engine, name: str) -> int:
    with log.connect() as connection:
        return connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0


def months_in(log: Engine) -> list[dt.date]:
    with log.connect() as connection:
        return stored_months(connection)


def test_the_log_makes_months_ahead_and_takes_nothing_twice(log: Engine) -> None:
    url = log.url.render_as_string(hide_password=False)
    some = records(JANUARY, JANUARY, dt.date(2026, 2, 28))
    database = open_log_database(url)
    assert database.write("w", some) == 3
    assert database.write("w", some) == 0
    assert database.write("w", [*some, *records(*[MARCH] * 4)[3:]]) == 1
    database.close()
    again = open_log_database(url)  # as another process that found the same records spooled
    assert again.write("w", some) == 0
    again.close()
    assert rows_in(log, "prediction") == 4
    assert rows_in(log, "prediction_2026_01") == 2
    assert rows_in(log, "prediction_other") == 0
    made = months_in(log)
    assert made[:5] == [dt.date(2026, month, 1) for month in (1, 2, 3, 4, 5)]
    today = dt.datetime.now(dt.UTC).date()
    assert {month for month in made if month > today}  # there is room for the next month already


def test_what_came_before_its_month_was_made_moves_there(log: Engine) -> None:
    log_cards(log, Random(1), RACES, "w")
    read_unread(log)
    assert rows_in(log, "prediction_other") == len(RACES) == rows_in(log, "predictedrace_other")
    n_runners = rows_in(log, "predictedrunner")
    with log.begin() as connection:
        make_months(connection, [MARCH])
    for table, n in (
        ("prediction", len(RACES)),
        ("predictedrace", len(RACES)),
        ("predictedrunner", n_runners),
    ):
        assert rows_in(log, f"{table}_2026_03") == n
        assert rows_in(log, f"{table}_other") == 0


def test_two_who_make_the_same_month_at_once_make_it_once(log: Engine) -> None:
    errors: list[BaseException] = []

    def make() -> None:
        try:
            with log.begin() as connection:
                make_months(connection, [JANUARY, FEBRUARY])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert months_in(log) == [JANUARY, FEBRUARY]


def test_pruning_drops_whole_months_and_leaves_the_sums_of_what_is_left(log: Engine) -> None:
    random = Random(2)
    with log.begin() as connection:
        make_months(connection, [JANUARY, FEBRUARY, MARCH])
    log_cards(log, random, RACES, "in-march")
    # the same races were answered in the months before too, by another version
    for n_days, writer in ((31, "in-february"), (59, "in-january")):
        with log.begin() as connection:
            ids = select(PREDICTION.c.id).where(PREDICTION.c.writer == "in-march")
            rows = connection.execute(select(PREDICTION).where(PREDICTION.c.id.in_(ids))).mappings().all()
            earlier = [
                {name: value for name, value in row.items() if name != "id"}
                | {"writer": writer, "model_version": 7, "at": row["at"] - dt.timedelta(days=n_days)}
                for row in rows
            ]
            connection.execute(insert(PREDICTION), earlier)
    with log.begin() as connection:
        broken = earlier[0] | {"number": 999, "card": "no card"}
        connection.execute(insert(PREDICTION), [broken])
    bring_results(log, random, RACES)
    update_outcomes(log)
    assert rows_in(log, "unreadableprediction") == 1
    assert rows_in(log, "prediction_other") == 0
    january = rows_in(log, "prediction_2026_01")
    assert january

    with log.connect() as connection:
        connection.execute(select(PREDICTION).limit(1))  # a reader that is done holds nothing up
    n_gone = prune(log, dt.date(2026, 3, 2))

    assert months_in(log) == [MARCH]
    left = rows_in(log, "prediction")
    assert n_gone == 3 * len(RACES) + 1 - left
    with log.connect() as connection:
        for table in (RACE, RUNNER, COMPARED, LATEST, UNREADABLE):
            orphans = select(func.count()).where(table.c.prediction_id.not_in(select(PREDICTION.c.id)))
            assert connection.scalar(orphans) == 0, table.name
        oldest = connection.scalar(select(func.min(PREDICTION.c.at)))
        assert oldest
        assert oldest >= dt.datetime(2026, 3, 2)
        sums = connection.execute(select(SUMS).order_by(*SUMS.primary_key)).all()
    recount_all(log)
    with log.connect() as connection:
        assert connection.execute(select(SUMS).order_by(*SUMS.primary_key)).all() == sums
    assert score_predictions(log, PredictionFilter(), with_late=True).total.n_races > 0


def test_a_card_that_is_pruned_while_it_is_read_leaves_nothing_behind(log: Engine) -> None:
    with log.begin() as connection:
        make_months(connection, [MARCH])
    log_cards(log, Random(3), RACES, "w")
    errors: list[BaseException] = []

    def read() -> None:
        try:
            read_unread(log, n_at_once=1)
        except BaseException as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    prune(log, dt.date(2026, 3, 5))
    prune(log, dt.date(2026, 4, 1))
    reader.join()
    assert errors == []
    for name in ("prediction", "predictedrace", "predictedrunner", "latestprediction"):
        assert rows_in(log, name) == 0, name


def test_a_prune_gives_way_to_a_reader_and_drops_the_month_once_that_is_done(log: Engine) -> None:
    with log.begin() as connection:
        make_months(connection, [MARCH])
    log_cards(log, Random(3), RACES, "w")
    read_unread(log)
    pruning = threading.Thread(target=prune, args=(log, dt.date(2026, 4, 1)))
    with log.connect() as reader, log.connect() as observer:
        waits = text(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database "
            "WHERE NOT granted AND datname = current_database()"
        )
        assert reader.scalar(select(func.count()).select_from(PREDICTION))
        pruning.start()
        end = time.monotonic() + 60
        while not observer.scalar(waits):  # it has the other tables now
            assert time.monotonic() < end
            observer.rollback()
        for table in (COMPARED, RUNNER, RACE):
            reader.scalar(select(func.count()).select_from(table))
    pruning.join(60)
    assert rows_in(log, "prediction") == 0
    assert MARCH not in months_in(log)


def test_a_search_for_unread_cards_passes_over_what_was_read_long_ago(log: Engine) -> None:
    start = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    with log.begin() as connection:
        note_read(connection, 10, now=start)
        note_read(connection, 20, now=start + SETTLED / 2)  # too soon: one of the ten may not be there yet
        assert read_to(connection) == 0
        note_read(connection, 30, now=start + SETTLED)
        assert read_to(connection) == 10
        note_read(connection, 40, now=start + 2 * SETTLED)
        assert read_to(connection) == 30
    log_cards(log, Random(4), RACES * 3, "w")
    assert read_unread(log) == 3 * len(RACES) - 30
    try_again(log)
    assert read_unread(log) == 30
