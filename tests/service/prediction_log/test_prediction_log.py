"""Every answer is logged, once and in order, whatever the database does; no answer waits for it."""

import json
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from racing.database.engine import open_database
from service.observability.metrics import Metrics
from service.prediction_log.database import _Sqlite, open_log_database
from service.prediction_log.log import PredictionLog
from service.prediction_log.spool import Spool, folder_for
from service.settings import ServiceSettings
from tests.service.builders import RunningService, make_card, make_registry, running_service
from tests.service.living import wait_until
from tests.service.load import Load
from tests.service.prediction_log.builders import (
    away,
    logged,
    make_sqlite,
    wait_for_an_empty_spool,
    wait_for_rows,
)
from tests.service.prediction_log.test_spool import WRITER, make_older_folder, make_records


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty race database of each kind."""
    if request.param == "sqlite":
        yield make_sqlite(tmp_path)
    else:
        url = request.getfixturevalue("postgresql_url")
        open_database(url, create=True).dispose()
        yield url


def settings_of(tmp_path: Path, database: str, **changes: Any) -> dict[str, Any]:
    return {"database": database, "spool": str(tmp_path / "spool"), "log_interval_s": 0.1} | changes


def load_on(service: RunningService, n_clients: int = 4) -> Load:
    return Load(service.url, make_card(3), n_clients=n_clients, interval_s=0.005)


def log_of(service: RunningService) -> dict[str, Any]:
    status: dict[str, Any] = service.client.get("/model_status").json()["prediction_log"]
    return status


def spooled(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "spool").rglob("*.log") if path.stat().st_size]


def test_every_answer_is_in_the_database_as_it_went_out(registry: str, tmp_path: Path, database: str) -> None:
    with running_service(registry, **settings_of(tmp_path, database)) as service:
        cards = [make_card(n_runners=2 + i % 7, grade=f"Größe {i} ☺") for i in range(80)]
        headers = [{"X-Request-ID": f"race-{i // 2}"} for i in range(80)]  # each id twice
        answers = [service.predict(c, headers=h) for c, h in zip(cards, headers, strict=True)]
        refused = service.predict(make_card(1))
        digest = service.client.get("/model_status").json()["digest"]
        rows = wait_for_rows(database, 80)
        wait_for_an_empty_spool(service)
    assert refused.status_code == 422
    assert [row.answer for row in rows] == [answer.text for answer in answers]
    assert [json.loads(row.card) for row in rows] == cards
    assert [row.request_id for row in rows] == [header["X-Request-ID"] for header in headers]
    assert {(row.model_version, row.digest) for row in rows} == {(1, digest)}
    assert [row.number for row in rows] == list(range(1, 81))
    assert len({row.writer for row in rows}) == 1
    assert all(abs(row.at.timestamp() - time.time()) < 7 * 86400 for row in rows)
    assert rows[0].at <= rows[-1].at
    assert spooled(tmp_path) == []


def test_the_log_has_the_answer_without_its_bets(registry: str, tmp_path: Path) -> None:
    database = make_sqlite(tmp_path)
    headers = {"X-Request-ID": "same"}
    with running_service(registry, **settings_of(tmp_path, database)) as service:
        plain = service.predict(make_card(3), headers=headers)
        with_bets = service.predict(make_card(3), headers=headers, params={"bets": "exacta,first_four"})
        rows = wait_for_rows(database, 2)
    assert len(with_bets.content) > len(plain.content)
    assert [row.answer for row in rows] == [plain.text, plain.text]


def test_a_database_that_goes_under_load_and_comes_back_has_every_answer_once_and_in_order(
    registry: str, tmp_path: Path, database: str
) -> None:
    with running_service(registry, **settings_of(tmp_path, database)) as service:
        with load_on(service) as load:
            load.wait_for(50)
            with away(database):
                service.wait_until(lambda status: status["prediction_log"]["database_error"])
                load.wait_for(100)
                service.wait_until(lambda status: status["prediction_log"]["n_spooled"] > 50)
                assert spooled(tmp_path)
            load.wait_for(100)
            service.wait_until(lambda status: status["prediction_log"]["database_error"] is None)
            load.wait_for(50)
        assert {answer.status for answer in load.answers} == {200}
        rows = wait_for_rows(database, len(load.answers))
        wait_for_an_empty_spool(service)
        state = service.wait_until(lambda status: status["prediction_log"]["n_written"] == len(rows))
    assert sorted(row.request_id for row in rows) == sorted(answer.request_id for answer in load.answers)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert state["prediction_log"]["n_dropped"] == 0
    assert spooled(tmp_path) == []


def test_a_database_that_is_locked_delays_no_answer(registry: str, tmp_path: Path) -> None:
    database = make_sqlite(tmp_path)
    with running_service(registry, **settings_of(tmp_path, database)) as service:
        holder = sqlite3.connect(tmp_path / "store" / "races.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with load_on(service) as load:  # who waited for the database would be answered after the commit
            service.wait_until(lambda status: status["prediction_log"]["n_spooled"] > 20)
        service.wait_until(lambda status: "locked" in (status["prediction_log"]["database_error"] or ""))
        n_answered = len(load.answered)
        holder.execute("COMMIT")
        holder.close()
        rows = wait_for_rows(database, len(load.answers))
    assert {answer.status for answer in load.answers} == {200}
    assert n_answered == len(load.answers)
    assert [row.number for row in rows] == list(range(1, len(load.answers) + 1))


def test_where_neither_database_nor_disk_takes_them_answers_go_out_and_the_drops_are_counted(
    registry: str, tmp_path: Path
) -> None:
    database = make_sqlite(tmp_path)
    (tmp_path / "spool").write_text("this is no folder")
    wide = make_card(4, grade="x" * 50) | {
        "runners": [r | {"form": r["form"] * 280} for r in make_card(4)["runners"]]
    }
    settings = settings_of(tmp_path, database, log_queue_bytes=1024 * 1024)
    with running_service(registry, **settings) as service:
        with away(database):
            service.wait_until(lambda status: status["prediction_log"]["database_error"])
            answers = [service.predict(wide) for _ in range(12)]
            state = service.wait_until(lambda status: status["prediction_log"]["spool_error"])[
                "prediction_log"
            ]
        assert {answer.status_code for answer in answers} == {200}
        n_in_memory = state["n_waiting"]
        assert 0 < n_in_memory < 12
        assert state["n_dropped"] == 12 - n_in_memory
        rows = wait_for_rows(database, n_in_memory)
    assert [row.answer for row in rows] == [answer.text for answer in answers[:n_in_memory]]


def test_a_full_spool_keeps_its_records_and_the_rest_waits_in_memory(registry: str, tmp_path: Path) -> None:
    database = make_sqlite(tmp_path)
    settings = settings_of(tmp_path, database, spool_bytes=1024 * 1024)
    card = make_card(4) | {"runners": [r | {"form": r["form"] * 280} for r in make_card(4)["runners"]]}
    with running_service(registry, **settings) as service:
        with away(database):
            service.wait_until(lambda status: status["prediction_log"]["database_error"])
            answers = []
            while not (state := log_of(service))["spool_error"]:
                answers.append(service.predict(card))
                assert len(answers) < 100
        assert "may hold" in state["spool_error"]
        assert state["n_dropped"] == 0
        rows = wait_for_rows(database, len(answers))
    assert [row.answer for row in rows] == [answer.text for answer in answers]


def test_a_stop_writes_what_waits(registry: str, tmp_path: Path, database: str) -> None:
    with running_service(registry, **settings_of(tmp_path, database, log_interval_s=9)) as service:
        answers = [service.predict(make_card()) for _ in range(5)]
    if spooled(tmp_path):  # the half second for the database was too short on a busy machine
        with running_service(registry, **settings_of(tmp_path, database)) as service:
            wait_for_rows(database, len(answers))
            wait_for_an_empty_spool(service)
    assert [row.answer for row in logged(database)] == [answer.text for answer in answers]
    assert list((tmp_path / "spool").glob("*")) == []


def test_a_stop_while_the_database_is_away_spools_and_the_next_start_catches_up(
    registry: str, tmp_path: Path
) -> None:
    database = make_sqlite(tmp_path)
    settings = settings_of(tmp_path, database)
    with away(database), running_service(registry, **settings) as service:
        answers = [service.predict(make_card()) for _ in range(5)]
    segments = spooled(tmp_path)  # one a batch, and a busy machine makes several
    assert {stat.S_IMODE(segment.stat().st_mode) for segment in segments} == {0o600}
    with running_service(registry, **settings) as service:
        rows = wait_for_rows(database, 5)
        wait_for_an_empty_spool(service)
    assert [row.answer for row in rows] == [answer.text for answer in answers]
    assert list((tmp_path / "spool").glob("*")) == []


def test_a_spool_that_was_half_moved_when_its_process_died_is_moved_once(
    registry: str, tmp_path: Path, database: str
) -> None:
    spool = Spool(folder_for(database, tmp_path / "spool"), WRITER)
    spool.append(make_records(1, 300))
    spool.leave()
    one = open_log_database(database)
    assert one.write(WRITER, make_records(1, 120)) == 120
    assert one.write(WRITER, make_records(100, 30)) == 9
    one.close()
    with running_service(registry, **settings_of(tmp_path, database)) as service:
        rows = wait_for_rows(database, 300)
        wait_for_an_empty_spool(service)
    assert sorted(row.number for row in rows) == list(range(1, 301))
    assert spooled(tmp_path) == []


def test_what_an_older_release_spooled_is_moved_once_and_its_folder_removed(
    registry: str, tmp_path: Path, database: str
) -> None:
    folder = make_older_folder(folder_for(database, tmp_path / "spool"))
    with running_service(registry, **settings_of(tmp_path, database)) as service:
        rows = wait_for_rows(database, 3)
        wait_for_an_empty_spool(service)
        assert log_of(service)["n_refused"] == 1  # the half record
        wait_until(lambda: not folder.exists())
    assert [(row.writer, row.number, row.request_id) for row in rows] == [
        (WRITER, i, f"race-{i}") for i in (1, 2, 3)
    ]


def test_what_was_spooled_for_another_database_is_left_for_it(registry: str, tmp_path: Path) -> None:
    database, other = make_sqlite(tmp_path), make_sqlite(tmp_path / "other")
    spool = Spool(folder_for(other, tmp_path / "spool"), WRITER)
    spool.append(make_records(1, 30))
    spool.leave()
    with running_service(registry, **settings_of(tmp_path, database)) as service:
        service.predict(make_card())
        wait_for_rows(database, 1)
        service.wait_until(lambda status: status["prediction_log"]["last_kept"])
    assert len(logged(database)) == 1
    with running_service(registry, **settings_of(tmp_path, other)):
        assert len(wait_for_rows(other, 30)) == 30


def test_several_services_write_at_once(registry: str, tmp_path: Path, database: str) -> None:
    settings = settings_of(tmp_path, database)
    with running_service(registry, **settings) as one, running_service(registry, **settings) as other:
        with load_on(one, 2) as first, load_on(other, 2) as second:
            first.wait_for(60)
            second.wait_for(20)
        wait_for_rows(database, len(first.answers) + len(second.answers))
    rows = logged(database)
    assert sorted(row.request_id for row in rows) == sorted(
        answer.request_id for answer in first.answers + second.answers
    )
    assert len({row.writer for row in rows}) == 2


def test_it_can_be_set_off_and_is_off_without_a_database(registry: str, tmp_path: Path) -> None:
    database = make_sqlite(tmp_path)
    for changes in ({"log_predictions": False}, {"database": None}):
        with running_service(registry, **settings_of(tmp_path, database) | changes) as service:
            assert service.predict(make_card()).status_code == 200
            state = log_of(service)
            assert (state["is_on"], state["n_waiting"], state["database_error"]) == (False, 0, None)
    assert logged(database) == []


def test_an_answer_costs_less_than_ten_microseconds_to_log(tmp_path: Path) -> None:
    class Model:
        digest = "ab" * 32

    class Snapshot:
        version, model = 3, Model

    settings = ServiceSettings(database="sqlite:///unused.db", log_queue_bytes=1 << 40)
    log = PredictionLog(settings, Metrics())
    snapshot = cast(Any, Snapshot)
    best = float("inf")
    for _ in range(20):  # the best of some, in processor time: the machine has other work too
        start = time.thread_time()
        for _ in range(1000):
            log.put(request_id="a" * 32, snapshot=snapshot, card=b"x", answer=b"y")
        best = min(best, (time.thread_time() - start) / 1000)
    assert best < 10e-6


def test_a_record_that_the_database_refuses_is_counted_and_holds_up_no_other(
    registry: str, tmp_path: Path, postgresql_url: str
) -> None:
    open_database(postgresql_url, create=True).dispose()
    good = make_records(1, 20)
    bad = good[9]._replace(card=b'{"a": "\0"}')  # no text of PostgreSQL's
    spool = Spool(folder_for(postgresql_url, tmp_path / "spool"), WRITER)
    spool.append([*good[:9], bad, *good[10:]])
    spool.leave()
    with running_service(registry, **settings_of(tmp_path, postgresql_url)) as service:
        rows = wait_for_rows(postgresql_url, 19)
        state = service.wait_until(lambda status: status["prediction_log"]["spool_bytes"] == 0)
    assert [row.number for row in rows] == [n for n in range(1, 21) if n != 10]
    assert state["prediction_log"]["n_dropped"] == 1


def test_the_metrics_count_what_was_saved_and_what_was_dropped(tmp_path: Path) -> None:
    class Model:
        digest = "ab" * 32

    class Snapshot:
        version, model = 3, Model

    database, snapshot, metrics = make_sqlite(tmp_path), cast(Any, Snapshot), Metrics()
    settings = ServiceSettings(**settings_of(tmp_path, database, log_queue_bytes=1024 * 1024))
    log = PredictionLog(settings, metrics)
    for _ in range(5):  # nothing is taken before it starts
        log.put(request_id="a", snapshot=snapshot, card=b"x" * 300_000, answer=b"y")
    log.start()

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    wait_until(lambda: value("greyhound_log_kept_total", where="database") == 3)
    wait_until(lambda: value("greyhound_log_spool_bytes") == 0)
    log.stop()
    assert value("greyhound_log_dropped_total", reason="queue_full") == 2
    assert value("greyhound_log_kept_total", where="database") == 3
    assert value("greyhound_log_waiting") == value("greyhound_log_spool_bytes") == 0


def test_the_cards_of_a_batch_are_logged_each_by_itself_as_they_were_sent(
    registry: str, tmp_path: Path
) -> None:
    database = make_sqlite(tmp_path)
    with running_service(registry, **settings_of(tmp_path, database)) as service:
        cards = [json.dumps(make_card(n), indent=n) for n in (2, 5, 3)]
        refused = json.dumps(make_card(1))
        answer = service.client.post(
            "/predict/batch",
            content=f"[{', '.join([*cards, refused])}]",
            headers={"X-Request-ID": "monday", "Content-Type": "application/json"},
        )
        rows = wait_for_rows(database, 3)
    assert [row.request_id for row in rows] == ["monday.0", "monday.1", "monday.2"]
    assert [row.card for row in rows] == cards
    assert [row.answer for row in rows] == answer.text.splitlines()[:3]


def test_any_number_of_answers_is_written_by_statements_of_few_sizes() -> None:
    """SQLite's driver caches 128 statements with the values of each: one for each size held 30 MB."""
    chunks = [list(_Sqlite._chunks(_Sqlite, range(n))) for n in range(200)]  # type: ignore[arg-type]
    assert [[row for chunk in of_n for row in chunk] for of_n in chunks] == [
        list(range(n)) for n in range(200)
    ]
    assert len({len(chunk) for of_n in chunks for chunk in of_n}) <= 4
