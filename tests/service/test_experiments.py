"""Experiments over HTTP: on record and in the registry's aliases, refused with the rule, never half made."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from model_registry.errors import RegistryUnavailable
from model_registry.registry import ModelRegistry
from racing.database.engine import open_database
from racing.experiments.reconcile import reconcile
from racing.experiments.records import current_experiment, list_experiments
from racing.experiments.roles import Roles
from racing.experiments.start_stop import start_challenge
from tests.clocks.today import today
from tests.service.builders import RunningService, make_card, make_registry, make_runner, open_registry
from tests.service.keys import service_with_keys
from tests.service.living import wait_until

SPLIT = {"challengers": [2], "mode": "split", "share": 0.25, "reason": "a live try"}


@dataclass(frozen=True)
class Served:
    """A service with a champion, three other versions and a key that promotes."""

    service: RunningService
    key: dict[str, str]
    registry: ModelRegistry
    database: Path

    def post(self, path: str, body: Any) -> httpx.Response:
        """Send a change with the key."""
        return self.service.client.post(path, json=body, headers=self.key)

    def get(self, path: str) -> Any:
        """Return an answer."""
        return self.service.client.get(path).raise_for_status().json()

    def start(self, **body: Any) -> dict[str, Any]:
        """Start an experiment, and return its record."""
        answer = self.post("/experiments", {"challengers": [2], "reason": "a try"} | body)
        assert answer.status_code == 200, answer.text
        started: dict[str, Any] = answer.json()
        return started


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for all tests here."""
    folder: Path = tmp_path_factory.mktemp("experiments")
    uri = make_registry(folder, exponents=(1.0, 0.8, 1.2, 0.9))
    settings = {"experiments_poll_s": 0.2, "log_interval_s": 0.1}
    with service_with_keys(folder, uri, settings, ada="promote results", bob="read") as (service, keys):
        yield Served(service, keys["ada"], open_registry(uri), folder / "keys.db")


@pytest.fixture
def served(shared: Served) -> Served:
    """That service with version 1 as champion and no experiment."""
    if shared.registry.roles().champion != 1:
        shared.registry.promote(1, reason="for the next test", forced=True)
    shared.registry.set_challengers([])
    running = shared.get("/experiments")["active"]
    if running is not None:
        shared.post(f"/experiments/{running}/stop", {"reason": "for the next test"})
    shared.service.wait_until(lambda status: status["version"] == 1)
    wait_until(lambda: shared.get("/experiments")["active"] is None)
    return shared


def test_a_start_is_on_record_and_in_the_aliases_until_it_is_stopped(served: Served) -> None:
    policy = {"action": "promote", "margin": 0.001, "min_races": 300}
    started = served.start(challengers=[3, 2], policy=policy, reason=" learnt from June too ")
    assert started["id"] == served.get("/experiments")["active"]
    assert (started["champion"], started["challengers"], started["mode"]) == (1, [3, 2], "shadow")
    assert (started["started_by"], started["reason"]) == ("ada", "learnt from June too")
    assert started["policy"]["alpha"] == 0.05
    assert started["policy"].items() >= policy.items()
    assert served.registry.roles() == Roles(1, (3, 2))
    running = [(3, "running"), (2, "running")]
    served.service.wait_until(
        lambda s: [(one["version"], one["state"]) for one in s["challengers"]] == running
    )

    details = served.get(f"/experiments/{started['id']}")
    assert {**details, **started} == details
    assert [one["contestant"] for one in details["contestants"]] == ["3", "2"]
    assert details["contestants"][0]["verdict"]["decision"] == "undecided"
    assert details["contestants_at_end"] is None

    ended = served.post(f"/experiments/{started['id']}/stop", {"reason": "wrong files"}).json()
    assert (ended["is_active"], ended["ended_by"], ended["end_reason"]) == (False, "ada", "wrong files")
    assert served.registry.roles() == Roles(1)
    details = served.get(f"/experiments/{started['id']}")
    assert [one["contestant"] for one in details["contestants_at_end"]] == ["3", "2"]
    assert served.get("/experiments")["active"] is None


def run_race(served: Served, race_number: int) -> None:
    """Ask for a race, and let it end in the order of the boxes."""
    dogs = [make_runner(box, name=f"Dog {box} of {race_number}") for box in range(1, 7)]
    card = make_card(date=today("Sandown Park").isoformat(), race_number=race_number, runners=dogs)
    served.service.predict(card).raise_for_status()
    runners = [
        {"name": one["name"], "box": one["box"], "finish_position": one["box"], "bsp": 6.0}
        for one in card["runners"]
    ]
    race = {name: card[name] for name in ("date", "track", "distance_m", "race_number")}
    served.post("/results", {"races": [race | {"runners": runners}]}).raise_for_status()


def test_shadowed_races_are_judged_and_drawn(served: Served) -> None:
    number = served.start(challengers=[4])["id"]
    served.service.wait_until(lambda status: [c["state"] for c in status["challengers"]] == ["running"])
    races = iter(range(1, 21))

    def judged() -> Any:
        """Let races run until three have been scored in shadow: a busy machine drops some."""
        found = served.get(f"/experiments/{number}")["contestants"][0]
        if found["verdict"]["by_outcome"]["n_races"] >= 3:
            return found
        if (race_number := next(races, None)) is not None:
            run_race(served, race_number)
        return None

    found = wait_until(judged)
    assert (found["version"], found["price_list"]) == (4, None)
    # the winner is the favourite, and version 4 is less sure of it than version 1
    assert found["verdict"]["by_outcome"]["mean"] < 0
    assert "version 4 and 1" in found["sentences"][0]
    path = served.get(f"/experiments/{number}/path?contestant=4")
    assert len(path["by_outcome"]["n"]) == len(path["by_outcome"]["mean"]) >= 3
    assert path["by_outcome"]["low"][0] is None  # too early for an interval
    other_way = served.get("/comparisons?champion=4&contestant=1")
    assert other_way["verdict"]["by_outcome"]["mean"] > 0
    assert other_way["path"]["by_outcome"]["mean"][-1] == pytest.approx(
        other_way["verdict"]["by_outcome"]["mean"]
    )
    assert other_way["contestant"] == "1"
    nobody = served.get("/comparisons?champion=4&contestant=prices:nobody")
    assert (nobody["verdict"]["by_outcome"]["n_races"], nobody["path"]["by_outcome"]["n"]) == (0, [])


def test_the_share_of_a_split_changes_and_that_of_a_shadow_does_not(served: Served) -> None:
    number = served.start(**SPLIT)["id"]
    assert served.post(f"/experiments/{number}/share", {"share": 0.5}).json()["share"] == 0.5
    assert served.get("/experiments")["experiments"][0]["share"] == 0.5
    served.post(f"/experiments/{number}/stop", {"reason": "enough"})
    over = served.post(f"/experiments/{number}/share", {"share": 0.6})
    assert (over.status_code, over.json()["type"]) == (409, "urn:greyhound:problem:experiment-refused")
    shadow = served.start()["id"]
    refused = served.post(f"/experiments/{shadow}/share", {"share": 0.6})
    assert "is in mode shadow" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"challengers": [1]}, 409, "got 1 and [1]"),
        ({"challengers": [2, 2]}, 409, "each once; got 1 and [2, 2]"),
        ({"challengers": [9]}, 404, "no version 9"),
        ({"challengers": []}, 422, "#/challengers"),
        ({"challengers": [2, 3, 4, 5, 6]}, 422, "#/challengers"),
        ({"mode": "split"}, 422, "the share of a split lies above 0"),
        ({"mode": "split", "share": 0.95}, 422, "#/share"),
        ({"share": 0.2}, 422, "that of a shadow is 0; got shadow, 0.2"),
        ({"policy": {"alpha": 0.9}}, 422, "alpha lies in 0.0001..0.5, got 0.9"),
        ({"policy": {"min_days": -1}}, 422, "min_days lies in 0..365, got -1"),
        ({"reason": "  "}, 422, "has 1..2000 characters, got 0"),
        ({"reason": "a\u0000b"}, 422, "U+0000"),
        ({"by": "root"}, 422, "#/by"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_changes_nothing(served: Served, body: Any, status: int, message: str) -> None:
    n_before = served.get("/experiments")["experiments"]
    answer = served.post("/experiments", {"challengers": [2], "reason": "a try"} | body)
    assert answer.status_code == status, answer.text
    assert message in answer.text
    assert served.get("/experiments")["experiments"] == n_before
    assert served.registry.roles() == Roles(1)


def test_a_version_that_failed_its_gates_is_compared_in_shadow_only(served: Served) -> None:
    served.registry.record_gates(3, ["ece must be at most 0.015, got 0.2"])
    refused = served.post("/experiments", SPLIT | {"challengers": [3]})
    assert (refused.status_code, "got 0.2" in refused.json()["detail"]) == (409, True)
    assert served.start(challengers=[3])["challengers"] == [3]


def test_of_two_starts_at_once_one_wins_and_the_other_hears_why(served: Served) -> None:
    bodies = [{"challengers": [version], "reason": "a try"} for version in (2, 4)]
    with ThreadPoolExecutor(2) as threads:
        answers = [*threads.map(lambda body: served.post("/experiments", body), bodies)]
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    number = won.json()["id"]
    assert lost.json()["detail"] == f"experiment {number} runs already; stop it first"
    assert served.registry.roles() == Roles(1, tuple(won.json()["challengers"]))
    assert served.get("/experiments")["active"] == number


def test_an_alias_that_is_set_elsewhere_is_an_experiment_and_its_promotion_the_end(served: Served) -> None:
    served.registry.set_challengers([2])
    number = wait_until(lambda: served.get("/experiments")["active"])
    started = served.get(f"/experiments/{number}")
    assert (started["started_by"], started["challengers"], started["mode"]) == (
        "registry alias",
        [2],
        "shadow",
    )
    served.registry.promote(2, reason="it is better")
    wait_until(lambda: served.get("/experiments")["active"] is None)
    ended = served.get(f"/experiments/{number}")
    assert ended["end_reason"] == "promoted: version 2 became champion in place of 1"


def test_a_page_of_the_record_leads_to_the_next(served: Served) -> None:
    for _ in range(3):
        served.post(f"/experiments/{served.start()['id']}/stop", {"reason": "enough"})
    whole = served.get("/experiments?limit=3")
    first = served.get("/experiments?limit=2")
    second = served.get(f"/experiments?limit=1&before={first['next_before']}")
    assert first["experiments"] + second["experiments"] == whole["experiments"]
    assert served.get("/experiments?before=1") == {"experiments": [], "active": None, "next_before": None}
    assert served.get("/decisions")["next_before"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/experiments/99999", 404),
        ("/experiments/three", 404),
        ("/experiments/99999/path?contestant=2", 404),
        ("/experiments/1/path?contestant=best", 422),
        ("/comparisons?champion=1&contestant=prices:%00", 422),
        ("/experiments?limit=0", 422),
    ],
)
def test_what_is_not_there_is_a_404_and_what_is_no_number_a_422(
    served: Served, path: str, status: int
) -> None:
    assert served.service.client.get(path).status_code == status


def test_changes_take_a_key_that_promotes(served: Served) -> None:
    for path in ("/experiments", "/experiments/1/stop", "/experiments/1/share"):
        assert served.service.client.post(path, json=SPLIT).status_code == 401


def test_while_the_database_is_away_nothing_starts_and_no_alias_moves(served: Served) -> None:
    away = served.database.with_suffix(".away")
    served.database.rename(away)
    try:
        answer = served.post("/experiments", {"challengers": [2], "reason": "a try"})
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:greyhound:problem:database-unavailable",
        )
        assert served.service.client.get("/experiments").status_code == 503
        assert served.registry.roles() == Roles(1)
    finally:
        away.rename(served.database)
    wait_until(lambda: served.service.client.get("/experiments").status_code == 200)
    assert served.start()["champion"] == 1


class _Failing(ModelRegistry):
    """A registry that goes away when half of the aliases are set."""

    def set_challengers(self, versions: Any) -> None:
        super().set_challengers(versions[:1])
        if versions:
            raise RegistryUnavailable("it went away")


def test_a_start_whose_aliases_fail_half_way_is_taken_back(tmp_path: Path) -> None:
    uri = make_registry(tmp_path, exponents=(1.0, 0.8, 1.2))
    engine = open_database(f"sqlite:///{tmp_path / 'races.db'}", create=True)
    registry = _Failing(uri)
    with pytest.raises(RegistryUnavailable):
        start_challenge(engine, registry, challengers=[2, 3], by="ada", reason="a try")
    assert registry.roles() == Roles(1)
    with engine.connect() as connection:
        (ended,) = list_experiments(connection)
    assert "did not take the aliases" in (ended.end_reason or "")
    assert reconcile(engine, registry.roles) == ()
    assert current_experiment(engine) is None
    engine.dispose()
