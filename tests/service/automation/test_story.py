"""The guard end to end: real service, real registry, both databases; and no request fails meanwhile."""

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from model_registry.registry import ModelRegistry
from racing.database.engine import open_database
from racing.database.monitor_tables import Notification
from racing.database.tables import PredictedRace
from racing.experiments.decisions import Decision, list_decisions
from racing.experiments.policy import Policy
from racing.experiments.records import current_experiment, list_experiments
from racing.experiments.start_stop import start_challenge
from tests.service.automation.races import Season, bring_results, make_slow_version, make_version
from tests.service.builders import RunningService, empty_registry, make_card, running_service
from tests.service.living import wait_until
from tests.service.load import Load

AT_ONCE = Policy(action="promote", min_races=50, min_days=0, cool_down_hours=0.0, probation_races=60)
ON_PROBATION = Policy(action="roll-back", probation_races=200)
AT_A_TIME = 25  # races
SETTINGS: dict[str, Any] = {
    "guard_poll_s": 0.2,
    "log_interval_s": 0.1,
    "database_poll_s": 0.2,
    "model_budget_ms": 60_000.0,
    "fuse_model_ms": 40.0,
}
_RACE = PredictedRace.__table__  # type: ignore[attr-defined]
_NOTIFICATION = Notification.__table__  # type: ignore[attr-defined]


class Story:
    """A service with its registry and database, under load, and a season that goes on."""

    def __init__(self, service: RunningService, registry: ModelRegistry, engine: Engine) -> None:
        self.service = service
        self.registry = registry
        self.engine = engine
        self._season = Season()
        self._n_races = 0

    def races_until(self, is_so: Callable[[], Any]) -> int:
        """Let races be predicted and come out until something is so; return how many it took."""
        for n in range(AT_A_TIME, 1000, AT_A_TIME):
            races = [self._season.race() for _ in range(AT_A_TIME)]
            for race in races:
                assert self.service.predict(race.card).status_code == 200
            bring_results(self.engine, races)
            self._n_races += AT_A_TIME
            wait_until(lambda: self._n_judged() >= self._n_races)
            if self._is_so_after_a_look(is_so):
                return n
        raise AssertionError(f"not after {n} races: {self.decisions()}")

    def _n_judged(self) -> int:
        """Races of the season that are judged; those of the load have no results."""
        with self.engine.connect() as connection:
            judged = select(func.count()).select_from(_RACE).where(_RACE.c.loss.is_not(None))
            return int(connection.scalar(judged) or 0)

    def _is_so_after_a_look(self, is_so: Callable[[], Any]) -> bool:
        """Whether something is so once the guard has looked at all that is judged, and was followed."""
        before = self._looks()
        wait_until(lambda: is_so() or all(map(operator.ne, self._looks(), before)))
        before = self._looks()
        wait_until(lambda: is_so() or all(map(operator.ne, self._looks(), before)))
        return bool(is_so())

    def _looks(self) -> list[str]:
        """When the guard looked last, and when decisions were last followed."""
        tasks = self.service.client.get("/model_status").json()["automation"]["tasks"]
        return [task["last_run"] for task in tasks if task["name"] in ("guard", "decisions")]

    def serves(self, version: int) -> bool:
        """Whether a version serves."""
        return bool(self.service.client.get("/health/ready").json()["version"] == version)

    def decisions(self) -> list[Decision]:
        """What is on record, the oldest first."""
        with self.engine.connect() as connection:
            return list_decisions(connection)[::-1]

    def notifications(self) -> set[tuple[str, str]]:
        """Kind and title of what is in the outbox."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(_NOTIFICATION.c.kind, _NOTIFICATION.c.title))
            return {(row.kind, row.title) for row in rows}


@contextmanager
def running_story(url: str, folder: Path, *versions: Path) -> Iterator[Story]:
    """A service under load whose registry has some versions, of which the first is champion."""
    registry = empty_registry(folder / "registry")
    for version in versions:
        registry.register(version)
    registry.promote(1, reason="the first", by="ada")
    engine = open_database(url, create=True)
    settings = SETTINGS | {"database": url, "spool": str(folder / "spool")}
    with (
        running_service(registry.tracking_uri, **settings) as service,
        Load(service.url, make_card(6), n_clients=2, interval_s=0.2) as load,
    ):
        load.wait_for(2)
        yield Story(service, registry, engine)
        load.wait_for(2)
    assert {answer.status for answer in load.answers} == {200}
    engine.dispose()


def test_a_hotter_version_is_rolled_back_and_a_better_one_earns_its_place(tmp_path: Path) -> None:
    versions = [
        make_version(tmp_path / "first", temperature=1.15),
        make_version(tmp_path / "spoiled", temperature=1.15 * 1.3),
        make_version(tmp_path / "better"),
    ]
    with running_story(f"sqlite:///{tmp_path / 'races.db'}", tmp_path, *versions) as story:
        story.registry.record_gates(2, ["calibrated: 0.031 must be at most 0.015"])
        story.registry.promote(2, reason="in a hurry", by="bob", forced=True, probation=ON_PROBATION)
        wait_until(lambda: story.serves(2))
        probation = wait_until(lambda: current_experiment(story.engine))
        assert (probation.kind, probation.champion, probation.challengers) == ("probation", 2, (1,))
        story.races_until(lambda: story.serves(1))

        (back,) = story.decisions()
        assert (back.action, back.from_version, back.to_version) == ("roll-back", 2, 1)
        assert back.experiment_id == probation.id
        assert back.numbers["decision"] == "better"
        assert back.numbers["by_market"]["low"] > 0
        newest = story.registry.history()[-1]
        assert (newest.action, newest.version, newest.by) == ("rollback", 1, "guard")
        assert back.key in newest.reason
        assert story.notifications() >= {("rollback", "Version 2 is rolled back by the guard to 1")}
        wait_until(lambda: story.decisions()[0].carried_out_at)
        wait_until(lambda: current_experiment(story.engine) is None)

        start_challenge(
            story.engine, story.registry, challengers=[3], policy=AT_ONCE, by="ada", reason="it looks better"
        )
        story.races_until(lambda: story.serves(3))
        promoted = wait_until(lambda: [one for one in story.decisions() if one.action == "promote"])[0]
        assert (promoted.from_version, promoted.to_version) == (1, 3)
        assert promoted.numbers["by_market"]["n_races"] >= 50

        # what nobody ordered is on probation, and passes it
        story.races_until(lambda: story.decisions()[-1].action == "keep")
        with story.engine.connect() as connection:
            kinds = [one.kind for one in list_experiments(connection)]
        assert kinds[0] == "probation"
        assert story.serves(3)
        assert [one.action for one in story.decisions()] == ["roll-back", "promote", "keep"]


def test_a_frozen_feature_is_found_by_its_results_and_a_slow_version_at_once(
    tmp_path: Path, postgresql_url: str
) -> None:
    versions = [
        make_version(tmp_path / "first"),
        make_version(tmp_path / "frozen", weight=0.0),
        make_slow_version(tmp_path / "slow"),
    ]
    with running_story(postgresql_url, tmp_path, *versions) as story:
        story.registry.promote(2, reason="in a hurry", by="bob", forced=True, probation=ON_PROBATION)
        wait_until(lambda: story.serves(2))
        story.races_until(lambda: story.serves(1))
        assert [one.action for one in story.decisions()] == ["roll-back"]

        # no probation, no results, and the guard changed the champion a moment ago: fuses do not wait
        story.registry.promote(3, reason="in a hurry", by="bob", forced=True)
        wait_until(lambda: len(story.registry.history()) == 5)
        wait_until(lambda: story.serves(1))
        slow = story.decisions()[-1]
        assert (slow.action, slow.from_version, slow.to_version) == ("roll-back", 3, 1)
        assert slow.numbers["fuse"] == "slow"
        assert slow.numbers["p50_ms"] > 40
        status = story.service.client.get("/model_status").json()
        assert status["automation"]["place"] == "here"
