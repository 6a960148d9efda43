"""`greyhound record`, `GET /record/seals`, and the page's program, which checks a day without our code."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, insert

from greyhound.cli import main
from racing.database.engine import open_database
from racing.predictions.seals import list_seals
from racing.predictions.tables import PREDICTION
from service.automation.sealing import seal_task
from service.settings import ServiceSettings
from tests.racing.predictions.test_seals import DAY, LAST, change, six_answers
from tests.service.builders import make_registry, running_service

PAGE = Path(__file__).parents[2] / "docs/explanation/track-record.md"


@pytest.fixture
def log(tmp_path: Path) -> Engine:
    engine = open_database(f"sqlite:///{tmp_path / 'log.db'}", create=True)
    with engine.begin() as connection:
        connection.execute(insert(PREDICTION), six_answers())
    return engine


def run(log: Engine, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["record", *arguments, "--database", str(log.url)])
    assert done.exit_code == code, done.output
    return done.stdout


def test_days_are_sealed_shown_and_verified_by_command(log: Engine) -> None:
    assert "No day is sealed yet" in run(log, "show")
    sealed = json.loads(run(log, "seal", "--json"))["sealed"]
    assert [one["n_predictions"] for one in sealed[:4]] == [2, 2, 0, 1]
    assert "0 days are sealed" in run(log, "seal")
    assert sealed[0]["seal"] in run(log, "show", str(DAY))
    assert (
        "not sealed"
        in CliRunner().invoke(main, ["record", "show", "1999-01-01", "--database", str(log.url)]).output
    )
    intact = run(log, "verify", "--published", f"{LAST}={sealed[3]['seal']}")
    assert "Everything is as it was sealed and published" in intact
    change(log, 3, answer="{}")
    found = run(log, "verify", code=6)
    assert "2026-03-03, prediction 3: changed row" in found
    check = json.loads(run(log, "verify", "--json", "--published", f"{DAY}={'0' * 64}", code=6))
    assert [one["kind"] for one in check["findings"]] == ["not as published", "changed row"]
    run(log, "verify", "--published", f"{DAY}=abc", code=2)


def test_the_services_task_seals_what_is_due_and_another_process_can_check_it_without_our_code(
    log: Engine, tmp_path: Path
) -> None:
    task = seal_task(ServiceSettings(database=str(log.url)))
    task.run(log)
    task.run(log)
    n_sealed = len(list_seals(log, limit=1000))
    assert n_sealed >= 4
    with running_service(
        make_registry(tmp_path), database=str(log.url), spool=str(tmp_path / "spool")
    ) as service:
        page = service.client.get("/record/seals", params={"limit": 3}).json()
        assert len(page["seals"]) == 3
        assert page["next_before"] == page["seals"][-1]["date"]
        (tmp_path / "seals.json").write_text(
            service.client.get("/record/seals", params={"before": "2026-03-06"}).text
        )
        first = service.client.get("/record/seals", params={"before": "2026-03-03"}).json()
        assert [seal["n_before_off"] for seal in first["seals"]] == [1]
        assert first["next_before"] is None
        assert service.client.get("/record/seals", params={"limit": 401}).status_code == 422
    (program,) = re.findall(r'```python title="check.py"\n(.*?)```', PAGE.read_text(), re.DOTALL)
    assert len([line for line in program.splitlines() if line.strip()]) <= 21

    def checked(rows: str) -> str:
        (tmp_path / "day.ndjson").write_text(rows)
        command = [sys.executable, "-c", program, "2026-03-03"]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    rows = run(log, "show", "2026-03-03", "--rows")
    assert checked(rows) == "as sealed"
    assert checked(rows.replace("515", "516", 1)) == "NOT as sealed"
    assert checked(rows.partition("\n")[2]) == "NOT as sealed"
