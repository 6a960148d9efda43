"""The record of predictions: what was sealed is found to be as it was, and whatever was changed is found."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from racing.database.engine import open_database
from racing.predictions.before_off import before_off
from racing.predictions.prune import prune
from racing.predictions.seal_check import Check, verify_record
from racing.predictions.seals import days_due, list_seals, seal_days, seal_of
from racing.predictions.tables import PREDICTION, SEAL

DAY = dt.date(2026, 3, 2)
NOW = dt.datetime(2026, 3, 6, 7, tzinfo=dt.UTC)
"""The days to 5 March are over for longer than the grace."""
NOON = dt.time(12)
LAST = dt.date(2026, 3, 5)


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A log of six answers on three of four days, sealed; one of them came after its race day."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    with engine.begin() as connection:
        connection.execute(insert(PREDICTION), six_answers())
    seal_days(engine, now=NOW)
    yield engine
    engine.dispose()


def six_answers() -> list[dict[str, object]]:
    """Return rows 1 to 6 of a log: two each on 2, 3 and 5 March, the last about a race of 1 March."""
    of = [
        (0, 1, None),
        (0, 0, None),
        (1, 1, "2026-03-03T19:42:00+11:00"),
        (1, 1, None),
        (3, 4, None),
        (3, -1, None),
    ]
    return [
        answered(number, DAY + dt.timedelta(days=on), DAY + dt.timedelta(days=race), off_at)
        for number, (on, race, off_at) in enumerate(of, start=1)
    ]  # fmt: skip


def answered(number: int, on: dt.date, race_day: dt.date, off_at: str | None = None) -> dict[str, object]:
    """Return a row of the log: a card of a race day, answered on a day at 03:00 UTC."""
    card = {"date": race_day.isoformat(), "track": "Sandown Park", "distance_m": 515}
    if off_at:
        card["off_at"] = off_at
    return {
        "id": number,
        "writer": "w",
        "number": number,
        "request_id": f"r{number}",
        "model_version": 7,
        "digest": "d" * 64,
        "at": dt.datetime.combine(on, dt.time(3)),
        "card": json.dumps(card),
        "answer": json.dumps({"runners": [], "name": "Señor Größe", "number": number}),
    }


def findings(check: Check) -> list[tuple[str, dt.date, int | None]]:
    return [(one.kind, one.date, one.prediction_id) for one in check.findings]


def change(engine: Engine, number: int, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(update(PREDICTION).where(PREDICTION.c.id == number).values(**values))


def test_what_came_before_the_off_is_apart_from_what_may_have_and_what_did_not() -> None:
    def basis(track: str, at: str, off_at: str | None = None) -> str | None:
        card = {"date": "2026-03-02", "track": track, "distance_m": 515, "off_at": off_at}
        return before_off(json.dumps(card), dt.datetime.fromisoformat(at))

    # At Sandown Park 2 March lasts from 13:00 UTC of the day before to 13:00 UTC.
    assert basis("Sandown Park", "2026-03-01 12:59:59") == "day"
    assert basis("Sandown Park", "2026-03-01 13:00:00") == "same-day"
    assert basis("Sandown Park", "2026-03-02 12:59:59") == "same-day"
    assert basis("Sandown Park", "2026-03-02 13:00:00") is None
    off = "2026-03-02T19:42:00+11:00"
    assert basis("Sandown Park", "2026-03-02 08:41:59", off) == "off"
    assert basis("Sandown Park", "2026-03-02 08:42:00", off) is None
    # Where nobody knows the zone, the day begins with the first of all zones and ends with the last.
    assert basis("Nowhere", "2026-03-01 09:59:59") == "day"
    assert basis("Nowhere", "2026-03-03 11:59:59") == "same-day"
    assert basis("Nowhere", "2026-03-03 12:00:00") is None
    assert before_off("no card", dt.datetime(2026, 3, 1)) is None


def test_each_day_is_sealed_once_it_is_over_and_only_what_came_before_the_off(log: Engine) -> None:
    seals = {seal.date: (seal.n_predictions, seal.n_before_off) for seal in list_seals(log)}
    days = [DAY + dt.timedelta(days=i) for i in range(4)]
    assert seals == dict(zip(days, [(2, 1), (2, 1), (0, 0), (1, 0)], strict=True)) | {days[3]: (1, 1)}
    assert days_due(log, now=NOW) == 0
    assert days_due(log, now=NOW + dt.timedelta(hours=22)) == 0  # the 6th is over, the grace is not
    assert days_due(log, now=NOW + dt.timedelta(hours=23)) == 1
    assert seal_days(log, now=NOW) == []
    check = verify_record(log, now=NOW)
    assert check.is_intact
    assert (check.n_days, check.n_predictions, check.last_date) == (4, 5, LAST)


def test_seals_are_the_same_on_every_database(log: Engine) -> None:
    newest = list_seals(log, limit=1)[0]
    assert newest.seal == "4e66c317cf5024862f7c34203d92cdf7e7ea6a62a1b8505ffcda5b60c2f8cf2e"


def test_changed_missing_and_late_added_rows_are_found_by_day_and_number(log: Engine) -> None:
    card = six_answers()[0]["card"]
    changes: list[Callable[[], None]] = [
        lambda: change(log, 1, answer='{"runners": []}'),
        lambda: change(log, 2, at=dt.datetime(2026, 3, 5, 1)),  # to another day, after its race
        lambda: change(log, 3, card=str(card).replace("515", "516")),
        lambda: change(log, 4, model_version=8),
    ]
    for one in changes:
        one()
    with log.begin() as connection:
        connection.execute(delete(PREDICTION).where(PREDICTION.c.id == 5))
        late = answered(9, DAY + dt.timedelta(days=2), DAY + dt.timedelta(days=5))
        connection.execute(insert(PREDICTION), [late, answered(10, DAY - dt.timedelta(days=9), DAY)])
    change(log, 6, card=six_answers()[4]["card"])  # it was late, and would count
    third, fourth = DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=2)
    assert sorted(findings(verify_record(log, now=NOW)), key=str) == sorted(
        [
            ("changed row", DAY, 1),
            ("changed row", DAY, 2),
            ("changed row", third, 3),
            ("changed row", third, 4),
            ("missing row", LAST, 5),
            ("late-added row", fourth, 9),
            ("late-added row", DAY - dt.timedelta(days=9), 10),
            ("late-added row", LAST, 6),
        ],
        key=str,
    )


@pytest.mark.parametrize(
    "values",
    [
        {"seal": "0" * 64},
        {"digest": "0" * 64},
        {"n_predictions": 3},
        {"n_before_off": 2},
        {"leaves": b"short"},
    ],
    ids=str,
)
def test_a_changed_seal_is_found_on_its_day_alone(log: Engine, values: dict[str, object]) -> None:
    with log.begin() as connection:
        connection.execute(update(SEAL).where(SEAL.c.date == DAY).values(**values))
    found = [one for one in findings(verify_record(log, now=NOW)) if one[0] != "late-added row"]
    assert found == [("changed seal", DAY, None)]


def test_a_row_that_is_sealed_again_with_its_change_breaks_the_chain_of_what_was_published(
    log: Engine,
) -> None:
    published = {seal.date: seal.seal for seal in list_seals(log)}
    change(log, 3, model_version=8)
    with log.begin() as connection:
        connection.execute(delete(SEAL).where(SEAL.c.date > DAY))
    seal_days(log, now=NOW)
    assert verify_record(log, now=NOW).is_intact  # nothing here remembers
    found = findings(verify_record(log, now=NOW, published=published))
    assert found == [("not as published", DAY + dt.timedelta(days=i), None) for i in (1, 2, 3)]


def test_a_missing_day_is_found_and_the_days_after_it_are_still_checked(log: Engine) -> None:
    with log.begin() as connection:
        connection.execute(delete(SEAL).where(SEAL.c.date == DAY + dt.timedelta(days=1)))
    change(log, 5, model_version=8)
    missing = ("missing day", DAY + dt.timedelta(days=1), None)
    assert findings(verify_record(log, now=NOW)) == [missing, ("changed row", LAST, 5)]


def test_pruned_days_stay_sealed_and_on_record_and_hide_no_single_row(log: Engine) -> None:
    third = DAY + dt.timedelta(days=1)
    prune(log, third)
    check = verify_record(log, now=NOW)
    assert (check.is_intact, check.n_days, check.n_pruned_days) == (True, 4, 1)
    seal = seal_of(log, DAY)
    assert seal is not None
    assert (seal.n_predictions, seal.pruned_at is not None) == (2, True)
    with log.begin() as connection:  # as if one row had been pruned
        connection.execute(update(SEAL).where(SEAL.c.date == third).values(pruned_at=dt.datetime(2026, 3, 6)))
        connection.execute(delete(PREDICTION).where(PREDICTION.c.id == 3))
    assert findings(verify_record(log, now=NOW)) == [("half-pruned day", third, None)]


def test_of_two_that_seal_at_the_same_time_one_makes_each_seal(log: Engine) -> None:
    with log.begin() as connection:
        rows = [
            answered(20 + i, LAST + dt.timedelta(days=i), LAST + dt.timedelta(days=9)) for i in range(1, 9)
        ]
        connection.execute(insert(PREDICTION), rows)
    made: list[dt.date] = []
    url = log.url.render_as_string(hide_password=False)
    start = threading.Barrier(3)

    def sealer() -> None:
        mine = open_database(url)
        start.wait(60)
        made.extend(seal.date for seal in seal_days(mine, now=NOW + dt.timedelta(days=8)))
        mine.dispose()

    threads = [threading.Thread(target=sealer) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert sorted(made) == [LAST + dt.timedelta(days=i) for i in range(1, 9)]
    assert verify_record(log, now=NOW + dt.timedelta(days=8)).is_intact


def test_a_log_without_answers_has_no_seals(tmp_path: Path) -> None:
    empty = open_database(f"sqlite:///{tmp_path / 'empty.db'}", create=True)
    assert seal_days(empty) == []
    assert verify_record(empty).is_intact
    with empty.connect() as connection:
        assert connection.execute(select(SEAL)).first() is None
