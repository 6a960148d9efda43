"""The page about a season in minutes, run as it stands, and what it claims held against what is on record."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from greyhound.demo.counted import n_logged
from model_registry import get_model_registry
from racing.database.engine import open_database
from racing.experiments.decisions import list_decisions
from racing.experiments.records import list_experiments
from racing.experiments.verdicts import experiment_verdicts
from racing.monitor.alarms import active_alarms
from racing.monitor.store import stored_report
from racing.predictions.tables import RACE
from tests.docs.pages import ROOT, Shell
from tests.docs.test_tutorial import live_through
from tests.service.living import wait_until

PAGE = ROOT / "docs/tutorial-loop.md"


def processes_in(folder: Path) -> list[str]:
    """Return the processes whose working directory a folder is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or is another user's
            if (process / "cwd").readlink() == folder:
                found.append(process.name)
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that the page leaves, its last command still serving it."""
    folder = tmp_path_factory.mktemp("loop") / "empty"
    folder.mkdir()
    shell = Shell(folder)
    try:
        live_through(PAGE, shell)
        wait_until(lambda: len(processes_in(folder)) >= 4)  # shell, command, service, pages
        yield folder / "var/demo"
    finally:
        shell.close()  # by SIGTERM, and soon by SIGKILL
    wait_until(lambda: not processes_in(folder))


@pytest.mark.timeout(900)
def test_the_guard_promotes_the_better_version_and_takes_the_spoiled_one_back(demo: Path) -> None:
    history = get_model_registry(f"sqlite:///{demo}/mlflow.db").history()
    assert [(one.action, one.version, one.by) for one in history][-3:] == [
        ("promote", 2, "guard"), ("promote", 3, "demo"), ("rollback", 2, "guard"),
    ]  # fmt: skip
    engine = open_database(f"sqlite:///{demo}/greyhound.db")
    with engine.connect() as connection:
        promotion, rollback = list_decisions(connection)[::-1]
        assert (promotion.action, promotion.from_version, promotion.to_version) == ("promote", 1, 2)
        assert (rollback.action, rollback.from_version, rollback.to_version) == ("roll-back", 3, 2)
        verdicts = {
            one.id: experiment_verdicts(connection, one)[0].verdict for one in list_experiments(connection)
        }
    for decision in (promotion, rollback):
        assert decision.carried_out_at is not None
        assert decision.experiment_id is not None
        assert verdicts[decision.experiment_id].decision == "better"
    engine.dispose()


@pytest.mark.timeout(900)
def test_every_card_is_logged_and_judged_and_the_missing_weights_alarm(demo: Path) -> None:
    outcome = json.loads((demo / "outcome.json").read_text())
    assert outcome["champions"] == [1, 2, 3, 2]
    assert any("weight_kg" in alarm for alarm in outcome["alarms"])
    engine = open_database(f"sqlite:///{demo}/greyhound.db")
    assert outcome["n_cards"] == outcome["n_logged"] == n_logged(engine) > 100
    with engine.connect() as connection:
        assert None not in connection.scalars(select(RACE.c.loss)).all()
        assert any("weight_kg" in alarm.text for alarm in active_alarms(connection))
        report = stored_report(connection)
    assert report is not None
    assert report.report["total"]["n_races"] == outcome["n_cards"]  # though its days lie ahead
    engine.dispose()
