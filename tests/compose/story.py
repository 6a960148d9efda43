"""What must be true once `docker compose up` is through, wherever its parts run."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from deploy.env import write
from tests.compose.name_server import name_server
from tests.compose.plan import NAMES, PORTS, ROOT, Plan, read
from tests.compose.together import Launch, Together, together
from tests.postgresql import postgresql

REPLICAS = ("service-1", "service-2")
#: Seconds between two looks of a replica, the most there is, so that webhooks are seen to be what tells it.
SELDOM = "60"


@contextmanager
def everything(folder: Path, launch: Launch, *, seconds: float, **variables: str) -> Iterator[Together]:
    """Run PostgreSQL, with the databases that its image would make, and all parts on it."""
    env_file = folder / ".env"
    assert write(env_file)
    plan = Plan.of(read(env_file, **variables))
    for name in REPLICAS:
        plan.parts[name].environment["GREYHOUND_CHAMPION_POLL_S"] = SELDOM
    names = (plan.addresses[NAMES], plan.ports[53])
    replicas = [plan.addresses[name] for name in REPLICAS]
    with (
        _postgresql(plan),
        name_server(*names, "service", replicas),
        together(plan, launch, folder / "logs", seconds=seconds) as parts,
    ):
        yield parts


def tell(parts: Together, register_another: Callable[[], None]) -> None:
    """Tell the story: served, shown, promoted, logged, and one replica lost."""
    plan = parts.plan
    _the_jobs_did_what_they_are_for(parts)
    for name in (*REPLICAS, "haproxy"):
        _wait_for(plan.url(name) + "/health/ready", lambda answer: answer.is_success)
    assert [status["version"] for status in _statuses(plan)] == [1, 1]
    shown = _shown(plan)
    assert "Version 1" in shown
    assert "simulated" in shown.lower()
    _a_card_of_known_dogs_is_answered_and_logged(plan)
    register_another()
    _a_promotion_reaches_both_replicas_by_webhook(parts)
    _one_replica_lost_is_no_answer_lost(parts)
    _nobody_sees_what_is_not_theirs(plan)


def _the_jobs_did_what_they_are_for(parts: Together) -> None:
    assert "SIMULATED" in parts.log("training")
    assert "Champion: version 1" in parts.log("training")
    assert parts.log("webhooks").count("took a try") == len(REPLICAS)
    again = parts.run("training", "prepare")
    assert "Champion: version 1." in again
    assert "SIMULATED" not in again


def _a_card_of_known_dogs_is_answered_and_logged(plan: Plan) -> None:
    with psycopg.connect(_database_url(plan)) as races:
        dogs = races.execute("select name from dog order by name limit 4").fetchall()
    card = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "track": "Sim Park",
        "distance_m": 400,
        "runners": [{"name": name, "box": box} for box, (name,) in enumerate(dogs, start=1)],
    }
    answer = httpx.post(plan.url("haproxy") + "/predict", json=card, timeout=90)
    assert answer.status_code == 200, answer.text
    assert abs(sum(runner["win_probability"] for runner in answer.json()["runners"]) - 1) < 1e-6
    identity = answer.json()["request_id"]

    def n_logged() -> int:
        with psycopg.connect(_database_url(plan)) as races:
            found = races.execute(
                "select count(*) from prediction where request_id = %s", [identity]
            ).fetchone()
        return found[0] if found else 0

    _until(lambda: n_logged() == 1, "the answer is not in the database")


def _a_promotion_reaches_both_replicas_by_webhook(parts: Together) -> None:
    n_before = {name: _n_notified(parts, name) for name in REPLICAS}
    made = parts.run("service-1", "keys", "add", "release", "--scope", "promote")
    key = re.findall(r"gh_\S+", made)[0]
    wish: dict[str, Any] = {
        "headers": {"X-API-Key": key},
        "json": {"reason": "to see it arrive", "force": True},
    }
    with httpx.Client(base_url=parts.plan.url("haproxy"), timeout=90) as client:
        deadline = time.monotonic() + 90
        while (promoted := client.post("/models/2/promote", **wish)).status_code == 401:
            assert time.monotonic() < deadline, "the new key is still unknown"
            time.sleep(1)
    assert promoted.status_code == 200, promoted.text
    for name in REPLICAS:
        _wait_for(parts.plan.url(name) + "/model_status", lambda answer: answer.json()["version"] == 2)
        _until(lambda name=name: _n_notified(parts, name) > n_before[name], f"no webhook reached {name}")
    assert "Version 2" in _shown(parts.plan)


def _one_replica_lost_is_no_answer_lost(parts: Together) -> None:
    parts.kill(REPLICAS[0])
    with httpx.Client(base_url=parts.plan.url("haproxy"), timeout=90) as client:
        assert {client.get("/model_status").status_code for _ in range(20)} == {200}
    parts.start(REPLICAS[0])
    _wait_for(parts.plan.url(REPLICAS[0]) + "/health/ready", lambda answer: answer.is_success)


def _nobody_sees_what_is_not_theirs(plan: Plan) -> None:
    stranger = httpx.get(
        plan.url("mlflow") + "/api/2.0/mlflow/experiments/search", headers={"Host": "evil.example"}
    )
    assert stranger.status_code == 403
    other = _database_url(plan).rpartition("/")[0] + "/mlflow"
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(other)


def _n_notified(parts: Together, name: str) -> int:
    """Return how many webhooks a replica took."""
    return parts.log(name).count('"POST /webhooks/mlflow 202"')


def _shown(plan: Plan) -> str:
    """Return the text of the front end's first page."""
    page = httpx.get(plan.url("frontend") + "/", timeout=90)
    assert page.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


def _statuses(plan: Plan) -> list[dict[str, Any]]:
    return [httpx.get(f"{plan.url(name)}/model_status", timeout=90).json() for name in REPLICAS]


def _database_url(plan: Plan) -> str:
    return plan.parts["service-1"].environment["GREYHOUND_DATABASE"]


def _wait_for(url: str, is_so: Callable[[httpx.Response], bool]) -> None:
    def is_so_now() -> bool:
        with suppress(httpx.TransportError):
            return is_so(httpx.get(url, timeout=90))
        return False

    _until(is_so_now, f"{url} does not answer as wanted")


def _until(is_so: Callable[[], bool], otherwise: str, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


@contextmanager
def _postgresql(plan: Plan) -> Iterator[None]:
    """Run Debian's server where the file's image would run, and its script for a new volume."""
    address, port = plan.addresses["postgres"], plan.ports[PORTS["postgres"]]
    auth = "-U postgres --auth-local=trust --auth-host=scram-sha-256"
    with postgresql(auth, f"listen_addresses={address}", f"port={port}") as folder:
        described = plan.described["services"]["postgres"]
        script = ROOT / Path(plan.described["configs"]["databases"]["file"]).relative_to(ROOT)
        environment = os.environ | described["environment"] | {"PGHOST": folder, "PGPORT": str(port)}
        done = subprocess.run(
            ["bash", "-e", str(script)], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        yield
