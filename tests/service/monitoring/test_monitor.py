"""A service looks at its log by itself: the report, its gauges, its alarms and MLflow's charts."""

import datetime as dt
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from greyhound.cli import main
from racing.database.engine import open_database
from racing.monitor.champion import ChampionFacts
from racing.monitor.store import store_report, stored_report
from tests.clocks.today import today
from tests.racing.monitor.bulk_log import Answers, write_answers
from tests.service.builders import (
    RunningService,
    address,
    empty_registry,
    make_model,
    open_registry,
    running_service,
)
from tests.service.living import SOON_S

N_DAYS = 20
LEARNT = "from", "until", "races", "other_races", "runners"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a log of a champion that is too bold, and its registry."""
    folder = tmp_path_factory.mktemp("monitor")
    first_day = today() - dt.timedelta(days=N_DAYS)
    engine = open_database(f"sqlite:///{folder / 'races.db'}", create=True)
    write_answers(
        engine, Answers(n_races=1600, version=1, first_day=first_day, races_a_day=80, temperature=0.6)
    )
    engine.dispose()
    learnt_until = (first_day - dt.timedelta(days=1)).isoformat()
    window = dict(zip(LEARNT, (learnt_until, learnt_until, 1, 0, 6), strict=True))
    gap = {"difference": 0.004, "low": 0.001, "high": 0.007}
    market = {"name": "market (BSP/SP)", "model_minus_this": gap}
    make_model(
        folder / "model",
        training={"data": {"train": window}},
        metrics={"beside_market": {"n_races": 1, "n_runners": 6, "rows": [market]}},
    )
    registry = empty_registry(folder)
    registry.register(folder / "model")
    registry.promote(1, reason="a test wants it", by="test")
    return folder


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[RunningService]:
    """Return a service on them that has looked."""
    url = f"sqlite:///{folder / 'races.db'}"
    with running_service(address(folder), database=url, monitor_every_s=0.5) as service:
        yield service


def wait_for(service: RunningService, is_so: Any) -> dict[str, Any]:
    """Return the monitor's answer once it is as wanted."""
    deadline = time.monotonic() + SOON_S
    while not is_so(answer := service.client.get("/monitor").json()):
        assert time.monotonic() < deadline, f"still {str(answer)[:500]}"
        time.sleep(0.1)
    return dict(answer)


def test_a_running_service_reports_by_itself_what_is_wrong_and_what_to_do(service: RunningService) -> None:
    answer = wait_for(service, lambda answer: answer["alarms"])
    assert (answer["status"], answer["serving_version"]) == ("alarm", 1)
    assert {"calibration", "quality"} <= {alarm["kind"] for alarm in answer["alarms"]}
    assert all(alarm["todo"] for alarm in answer["alarms"])
    assert answer["quality"]["n_races"] == 1600
    assert answer["quality"]["calibration"]["slope"] == pytest.approx(0.6, abs=0.1)
    assert answer["champion"]["training_gap"] == 0.004
    assert answer["ageing"]["weeks"][0]["n_races"] == 560
    assert answer["gap_path"][-1]["n_races"] == 1600
    assert answer["coverage"]["share"] == 1.0


def test_prometheus_sees_the_report(service: RunningService) -> None:
    answer = wait_for(service, lambda answer: answer["alarms"])
    deadline = time.monotonic() + SOON_S
    while True:
        samples = {
            (sample.name, sample.labels.get("kind"), sample.labels.get("severity")): sample.value
            for family in text_string_to_metric_families(service.client.get("/metrics").text)
            for sample in family.samples
        }
        if not math.isnan(samples["greyhound_monitor_gap", None, None]):
            break
        assert time.monotonic() < deadline, "the gauges do not show the report"
        time.sleep(0.1)
    assert samples["greyhound_monitor_gap", None, None] == pytest.approx(answer["quality"]["gap"])
    assert samples["greyhound_monitor_races", None, None] == 1600
    assert samples["greyhound_monitor_alarms", "calibration", "critical"] == 1
    assert samples["greyhound_monitor_alarms", "inputs", "warning"] == 0


def test_the_versions_mlflow_run_has_a_live_point_for_each_settled_day_once(
    service: RunningService, folder: Path
) -> None:
    registry = open_registry(address(folder))
    client, run_id = registry._store.client, registry._entry(1).run_id
    assert run_id is not None
    deadline = time.monotonic() + SOON_S
    while not (points := client.get_metric_history(run_id, "live.n_races")):
        assert time.monotonic() < deadline, "no live figures in the run"
        time.sleep(0.2)
    steps = sorted(point.step for point in points)
    n_settled = len(steps)
    assert steps == [*range(1, n_settled + 1)]
    assert n_settled in range(N_DAYS - 4, N_DAYS - 1)  # the day may change meanwhile
    gaps = client.get_metric_history(run_id, "live.gap_to_market")
    assert [point.step for point in gaps] == [point.step for point in points]
    made_at = wait_for(service, lambda answer: answer["made_at"])["made_at"]
    wait_for(service, lambda answer: answer["made_at"] > made_at)
    again = [point.step for point in client.get_metric_history(run_id, "live.n_races")]
    assert len(again) == len(set(again))


def test_the_command_shows_the_report_and_ends_with_6_where_something_alarms(
    service: RunningService, folder: Path
) -> None:
    wait_for(service, lambda answer: answer["alarms"])
    url = f"sqlite:///{folder / 'races.db'}"
    done = CliRunner().invoke(main, ["monitor", "--database", url])
    assert done.exit_code == 6
    assert done.output.startswith("ALARM: ")
    assert "To do: " in done.output
    assert "version 1" in done.output


def test_a_report_of_another_release_is_left_out_until_the_next_one(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'races.db'}"
    engine = open_database(url, create=True)
    with engine.begin() as connection:
        store_report(connection, {"coverage": "of another shape"}, made_at=dt.datetime.now(dt.UTC))
    engine.dispose()
    with running_service(address(folder), database=url) as service:
        answer = service.client.get("/monitor").json()
    assert (answer["status"], answer["made_at"]) == ("look", None)


def test_the_command_looks_by_itself_where_no_service_did(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'races.db'}"
    engine = open_database(url, create=True)
    done = CliRunner().invoke(main, ["monitor", "--database", url, "--registry", address(folder), "--json"])
    assert done.exit_code == 0, done.output
    with engine.connect() as connection:
        stored = stored_report(connection)
    assert stored is not None
    champion = ChampionFacts.from_json(
        {name: value for name, value in stored.report["champion"].items() if name != "weeks_since_learning"}
    )
    assert (champion.version, champion.training_gap) == (1, 0.004)
    assert champion.training_standard_error == pytest.approx(0.0015, rel=0.05)
    engine.dispose()
