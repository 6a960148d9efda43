"""A logged card that cannot be read, or a record that no database takes, holds up nothing after it."""

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from greyhound.cli import main
from racing.database.engine import open_database
from racing.predictions.prune import prune
from racing.predictions.reading import n_newest_unread, n_unread, read_unread
from racing.predictions.tables import PREDICTION
from racing.predictions.unreadable import try_again, unreadable_cards
from racing.predictions.update import update_outcomes
from service.prediction_log.spool import Spool, folder_for
from tests.service.builders import make_card, make_registry, running_service
from tests.service.prediction_log.builders import (
    logged,
    make_sqlite,
    wait_for_an_empty_spool,
    wait_for_rows,
)
from tests.service.prediction_log.test_spool import WRITER, make_records, read_all

ANSWERED = json.dumps(
    {"runners": [{"name": "Anna", "box": 1, "win_probability": 0.5, "place_probability": 0.9}]}
)
CARD = json.dumps({"date": "2026-03-14", "track": "Sandown Park", "distance_m": 515})
NAMED_NUL = ANSWERED.replace("Anna", "An\\u0000na")

BAD = {
    "no JSON": ("{", ANSWERED),
    "another document": ("[1, 2]", ANSWERED),
    "no runners": (CARD, '{"runners": []}'),
    "a probability that is no number": (CARD, ANSWERED.replace("0.5", "NaN")),
    "a probability beyond 1": (CARD, ANSWERED.replace("0.5", "7e300")),
    "a distance that no column holds": (CARD.replace("515", "9" * 30), ANSWERED),
    "a box that no column holds": (CARD, ANSWERED.replace('"box": 1', f'"box": {10**12}')),
    "nested without end": ("[" * 50_000, ANSWERED),
}
ONLY_ON_POSTGRESQL = {"NUL in a name": (CARD, NAMED_NUL)}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty race database of each kind."""
    if request.param == "sqlite":
        yield make_sqlite(tmp_path)
    else:
        url = request.getfixturevalue("postgresql_url")
        open_database(url, create=True).dispose()
        yield url


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


def log_rows(url: str, texts: list[tuple[str, str]], writer: str = "before") -> None:
    """Log cards as an earlier service did."""
    at = dt.datetime(2026, 3, 14, 8)
    rows = [
        {"writer": writer, "number": i, "request_id": f"r{i}", "model_version": 1, "digest": "ab", "at": at}
        | {"card": card, "answer": answer}
        for i, (card, answer) in enumerate(texts, start=1)
    ]
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(PREDICTION.insert(), rows)
    engine.dispose()


def bad_rows(url: str) -> list[tuple[str, str]]:
    more = ONLY_ON_POSTGRESQL if url.startswith("postgresql") else {}
    return [*BAD.values(), *more.values()]


def mixed(url: str) -> tuple[list[tuple[str, str]], int]:
    """Every kind of bad row between good ones, and how many are bad."""
    bad = bad_rows(url)
    return [row for one in bad for row in ((CARD, ANSWERED), one)] + [(CARD, ANSWERED)], len(bad)


def test_every_row_that_can_be_read_is_read_and_each_other_is_set_aside_with_a_reason(database: str) -> None:
    rows, n_bad = mixed(database)
    log_rows(database, rows)
    engine = open_database(database)
    assert read_unread(engine) == len(rows) - n_bad
    assert [card.id for card in unreadable_cards(engine, 100)] == [2 * i for i in range(n_bad, 0, -1)]
    assert all(card.reason for card in unreadable_cards(engine, 100))
    with engine.connect() as connection:
        assert n_unread(connection) == n_newest_unread(connection) == 0
    assert read_unread(engine) == 0  # and nothing is tried twice
    assert try_again(engine) == n_bad
    update_outcomes(engine)
    assert len(unreadable_cards(engine, 100)) == n_bad
    assert prune(engine, dt.date(2027, 1, 1)) == len(rows)
    assert unreadable_cards(engine, 100) == []
    engine.dispose()


def test_a_row_of_sqlite_whose_bytes_are_no_text_is_set_aside(tmp_path: Path) -> None:
    database = make_sqlite(tmp_path)
    log_rows(database, [(CARD, ANSWERED)] * 3)
    with sqlite3.connect(tmp_path / "store" / "races.db") as connection:
        connection.execute("UPDATE prediction SET card = CAST(x'7bfffe' AS TEXT) WHERE id = 2")
    engine = open_database(database)
    assert read_unread(engine) == 2
    assert [card.id for card in unreadable_cards(engine, 10)] == [2]
    engine.dispose()


def test_the_service_goes_on_reading_and_status_metrics_list_and_score_tell_how_many_are_set_aside(
    registry: str, database: str, tmp_path: Path
) -> None:
    rows, n_bad = mixed(database)
    log_rows(database, rows)
    settings = {"database": database, "spool": str(tmp_path / "spool"), "log_interval_s": 0.05}
    with running_service(registry, **settings) as service:
        service.wait_until(lambda status: status["prediction_log"]["n_unreadable"] == n_bad)
        assert service.predict(make_card(3)).status_code == 200
        wait_for_rows(database, len(rows) + 1)
        wanted = len(rows) - n_bad + 1
        service.wait_until(lambda _: len(listed(service)["predictions"]) == wanted)
        shown = listed(service)
        assert (shown["n_unread"], shown["n_unreadable"]) == (0, n_bad)
        assert service.client.get("/predictions/score").status_code == 200
        status = service.client.get("/model_status").json()["prediction_log"]
        assert (status["n_dropped"], status["reader_error"]) == (0, None)
        service.wait_until(lambda _: f"greyhound_log_unreadable {float(n_bad)}" in metrics(service))


def listed(service: Any) -> dict[str, Any]:
    shown: dict[str, Any] = service.client.get("/predictions").json()
    return shown


def metrics(service: Any) -> str:
    shown: str = service.client.get("/metrics").text
    return shown


def test_the_commands_leave_such_rows_out_and_say_so(database: str) -> None:
    rows, n_bad = mixed(database)
    log_rows(database, rows)
    for command in (["list", "--limit", "100"], ["score", "--late"]):
        done = CliRunner().invoke(main, ["predictions", *command, "--database", database, "--json"])
        assert done.exit_code == 0, done.output
        assert f"{n_bad} logged cards cannot be read and are left out" in done.stderr
    done = CliRunner().invoke(
        main, ["predictions", "list", "--limit", "100", "--database", database, "--json"]
    )
    assert len(json.loads(done.stdout)["predictions"]) == len(rows) - n_bad
    shown = ["predictions", "unreadable", "--retry", "--database", database]
    done = CliRunner().invoke(main, shown)
    assert done.exit_code == 0, done.output
    assert done.stdout.count("\n") == n_bad + 1
    assert f"{n_bad} logged cards cannot be read." in done.stdout


def test_a_name_that_steers_a_terminal_is_shown_without_doing_so(tmp_path: Path) -> None:
    database = make_sqlite(tmp_path)
    log_rows(database, [(CARD, ANSWERED.replace("Anna", "[red]An\\u001b[2J\\u0000na"))])
    for command in (["list"], ["show", "1"]):
        done = CliRunner().invoke(main, ["predictions", *command, "--database", database])
        assert done.exit_code == 0, done.output
        assert "\x1b" not in done.stdout
        assert "\0" not in done.stdout
        assert "[red]An" in done.stdout.replace("\n", "")


def refuse(database: str, tmp_path: Path) -> None:
    """Let the database itself refuse the records of one request, as a rule of its owner's would."""
    if database.startswith("sqlite"):
        with sqlite3.connect(tmp_path / "store" / "races.db") as connection:
            connection.execute(
                "CREATE TRIGGER rule BEFORE INSERT ON prediction WHEN NEW.request_id = 'bad' "
                "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
            )
    else:
        with psycopg.connect(database.replace("postgresql+psycopg", "postgresql")) as connection:
            connection.execute("ALTER TABLE prediction ADD CONSTRAINT rule CHECK (request_id <> 'bad')")


def test_a_record_that_the_database_refuses_is_set_aside_counted_and_holds_up_no_other(
    registry: str, database: str, tmp_path: Path
) -> None:
    refuse(database, tmp_path)
    settings = {"database": database, "spool": str(tmp_path / "spool"), "log_interval_s": 0.05}
    with running_service(registry, **settings) as service:
        for name in ("one", "bad", "two"):
            assert service.predict(make_card(3), headers={"X-Request-ID": name}).status_code == 200
        rows = wait_for_rows(database, 2)
        service.wait_until(lambda status: status["prediction_log"]["n_refused"])
        wait_for_an_empty_spool(service)
        status = service.wait_until(lambda status: status["prediction_log"]["n_written"] == 2)
        status = status["prediction_log"]
        assert (status["n_dropped"], status["n_refused"]) == (1, 1)
        assert status["database_error"] is None
        service.wait_until(lambda _: 'greyhound_log_dropped_total{reason="refused"} 1.0' in metrics(service))
    assert [row.request_id for row in rows] == ["one", "two"]
    (line,) = (folder_for(database, tmp_path / "spool") / "refused.jsonl").read_text().splitlines()
    assert json.loads(json.loads(line)["card"]) == make_card(3)


def test_a_spooled_record_that_is_damaged_is_set_aside_and_those_after_it_are_logged(
    registry: str, tmp_path: Path
) -> None:
    database = make_sqlite(tmp_path)
    root = folder_for(database, tmp_path / "spool")
    spool = Spool(root, WRITER)
    spool.append(make_records(1, 9))
    (segment,) = spool.segments()
    data = bytearray(segment.read_bytes())
    data[data.index(b"race-5")] ^= 1
    segment.write_bytes(data)
    assert len(read_all(spool)) == 9
    spool.leave()
    settings = {"database": database, "spool": str(tmp_path / "spool"), "log_interval_s": 0.05}
    with running_service(registry, **settings) as service:
        wait_for_rows(database, 8)
        status = service.wait_until(lambda status: status["prediction_log"]["n_refused"])
        assert status["prediction_log"]["n_dropped"] == 1
        service.wait_until(lambda status: status["prediction_log"]["spool_bytes"] == 0)
    assert [row.number for row in logged(database)] == [1, 2, 3, 4, 6, 7, 8, 9]
    assert "no whole record" in (root / "refused.jsonl").read_text()
