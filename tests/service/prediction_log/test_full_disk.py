"""A disk that is full: reported at once, nothing half done, and all is well once there is room."""

import json
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from racing.database.engine import open_database
from service.prediction_log.spool import REFUSED, add_refused
from tests.disks import fill, free, small_disk
from tests.service.builders import RunningService, make_card, make_registry, running_service
from tests.service.living import wait_until
from tests.service.prediction_log.builders import wait_for_rows
from tests.service.prediction_log.test_spool import WRITER, make_records

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def caveats(service: RunningService) -> list[str]:
    answer = service.client.get("/health/ready")
    assert answer.status_code == 200
    found: list[str] = answer.json().get("warnings", [])
    return found


def is_saved(service: RunningService) -> bool:
    lines = service.client.get("/metrics").text.splitlines()
    (value,) = [line.rpartition(" ")[2] for line in lines if line.startswith("greyhound_log_kept_up")]
    return float(value) == 1


def test_answers_that_only_wait_are_reported_at_once_and_logged_when_there_is_room(
    registry: str, disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = f"sqlite:///{disk}/races.db"
    open_database(database, create=True).dispose()
    settings = {"database": database, "spool": str(disk / "spool"), "log_interval_s": 0.1}
    with caplog.at_level(logging.ERROR), running_service(registry, **settings) as service:
        assert (caveats(service), is_saved(service)) == ([], True)
        fill(disk)
        answers = [service.predict(make_card()) for _ in range(40)]
        assert {answer.status_code for answer in answers} == {200}
        wait_until(lambda: caveats(service) == ["log-not-kept"])
        status = service.wait_until(lambda status: status["prediction_log"]["database_error"])
        state = status["prediction_log"]
        assert "No space left" in state["spool_error"]
        assert state["n_waiting"] > 0
        wait_until(lambda: not is_saved(service))
        assert "answers wait in memory" in caplog.text
        free(disk)
        assert len(wait_for_rows(database, 40)) == 40
        wait_until(lambda: caveats(service) == [] and is_saved(service))
        state = service.client.get("/model_status").json()["prediction_log"]
        assert (state["spool_error"], state["n_dropped"]) == (None, 0)


def test_a_champion_that_finds_no_room_is_cached_when_there_is_some(registry: str, disk: Path) -> None:
    fill(disk)
    with running_service(registry, kept_champion=str(disk / "champion")) as service:
        wait_until(lambda: caveats(service) == ["champion-not-kept"])
        assert "No space left" in service.client.get("/model_status").json()["kept"]["error"]
        assert service.predict(make_card()).status_code == 200
        assert not any(path.is_file() for path in (disk / "champion").rglob("*"))
        free(disk)
        service.wait_until(lambda status: status["kept"]["version"] == 1)
        assert caveats(service) == []
        assert [path.name for path in (disk / "champion").iterdir()] == ["000001"]


def test_the_file_of_refused_answers_has_no_half_line(disk: Path) -> None:
    records = make_records(1, 2)
    fill(disk)
    with (disk / "filler").open("r+b") as filler:
        filler.truncate(filler.seek(0, 2) - 4096)
    large = records[0]._replace(card=b"x" * 6000)
    assert not add_refused(disk, WRITER, large, "why")
    free(disk)
    assert add_refused(disk, WRITER, records[1], "why")
    lines = (disk / REFUSED).read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [2]


def test_races_that_find_no_room_leave_nothing_half_done(disk: Path) -> None:
    database = f"sqlite:///{disk}/races.db"
    open_database(database, create=True).dispose()
    command = [sys.executable, "-c", "from greyhound.cli import main; main()", "simulate", "--races", "400"]
    command += ["--seed", "1", "--database", database]
    fill(disk)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode not in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr
    free(disk)
    with sqlite3.connect(disk / "races.db") as store:
        assert store.execute("select count(*) from race").fetchone() == (0,)
        assert store.execute("pragma integrity_check").fetchone() == ("ok",)
