"""`greyhound experiments` on a real registry and database, without a service: output, JSON, exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from greyhound.cli import main
from racing.database.engine import open_database
from racing.experiments.ending import BY_REGISTRY
from racing.experiments.reconcile import reconcile
from racing.experiments.records import active_experiment, the_experiment
from racing.experiments.roles import Roles
from tests.service.builders import make_registry, open_registry

EVERY = ("start", "stop", "list", "show", "share")
WITH_REGISTRY = ("start", "stop")


class Place:
    """A registry with a champion and two other versions, and an empty race database."""

    def __init__(self, folder: Path) -> None:
        self.registry = make_registry(folder, exponents=(1.0, 0.8, 1.2))
        self.database = f"sqlite:///{folder / 'races.db'}"
        open_database(self.database, create=True).dispose()

    def run(self, command: str, *arguments: str) -> Result:
        """Run a command."""
        options = ["--database", self.database]
        if command in WITH_REGISTRY:
            options += ["--registry", self.registry]
        return CliRunner().invoke(main, ["experiments", command, *arguments, *options])

    def ask(self, command: str, *arguments: str) -> Any:
        """Run a command and return its JSON."""
        result = self.run(command, *arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    @property
    def roles(self) -> Roles:
        """Who has which role."""
        return open_registry(self.registry).roles()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One for all tests here; each leaves no experiment running."""
    return Place(tmp_path_factory.mktemp("experiments"))


def test_every_subcommand_explains_itself_with_an_example() -> None:
    for name in EVERY:
        text = CliRunner().invoke(main, ["experiments", name, "--help"]).output
        assert f"Example: greyhound experiments {name}" in text


def test_one_that_only_follows_an_alias_gives_way_to_one_that_a_person_starts(place: Place) -> None:
    engine = open_database(place.database)
    open_registry(place.registry).set_challenger(2)
    assert reconcile(engine, open_registry(place.registry).roles)
    with engine.connect() as connection:
        following = active_experiment(connection)
    assert following is not None
    assert following.started_by == BY_REGISTRY
    started = place.ask("start", "2", "--policy", "promote", "--reason", "the guard may promote it")
    with engine.connect() as connection:
        ended = the_experiment(connection, following.id)
    assert ended.end_reason == "replaced by the one after it"
    place.ask("stop", str(started["id"]), "--reason", "tried")
    engine.dispose()


def test_an_experiment_is_started_shown_and_stopped(place: Place) -> None:
    started = place.ask("start", "3", "2", "--policy", "promote", "--margin", "0.001", "--reason", "a try")
    assert (started["champion"], started["challengers"], started["is_active"]) == (1, [3, 2], True)
    assert started["policy"]["margin"] == 0.001
    assert place.roles == Roles(1, (3, 2))
    second = place.run("start", "2", "--reason", "another try")
    assert second.exit_code == 3
    assert f"experiment {started['id']} runs already" in second.stderr

    details = place.ask("show")
    assert details["id"] == started["id"]
    assert [one["contestant"] for one in details["contestants"]] == ["3", "2"]
    text = " ".join(place.run("show", str(started["id"])).output.split())
    assert "version 3 undecided" in text
    assert "alpha 0.05, margin 0.001" in text
    assert details["contestants"][0]["sentences"][0].split(":")[0] in text
    assert "runs" in place.run("list").output

    ended = place.ask("stop", "--reason", "wrong files")
    assert (ended["end_reason"], ended["is_active"]) == ("wrong files", False)
    assert place.roles == Roles(1)
    assert "wrong files" in place.run("show").output
    assert place.ask("list")["experiments"][0]["id"] == started["id"]


def test_a_split_has_a_share_that_changes(place: Place) -> None:
    assert place.ask("start", "2", "--mode", "split", "--reason", "a live try")["share"] == 0.2
    assert "40%" in place.run("share", "0.4").output
    assert "split 40%" in place.run("list").output
    assert place.run("share", "0.95").exit_code == 3
    assert place.run("stop").exit_code == 0
    assert place.run("share", "0.4").exit_code == 4


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["start", "2"], 2, "--reason"),
        (["start", "two", "--reason", "x"], 2, "'two'"),
        (["start", "1", "--reason", "x"], 3, "got 1 and [1]"),
        (["start", "9", "--reason", "x"], 4, "no version 9"),
        (["start", "2", "--reason", " "], 3, "1..2000 characters, got 0"),
        (["start", "2", "--reason", "x", "--alpha", "0.9"], 3, "alpha lies in 0.0001..0.5, got 0.9"),
        (["start", "2", "--reason", "x", "--margin", "nan"], 3, "a margin lies in 0..1, got nan"),
        (["start", "2", "--reason", "x", "--share", "0.2"], 3, "a shadow answers no race"),
        (["start", "2", "--reason", "x", "--mode", "split", "--share", "nan"], 3, "above 0 and up to 0.9"),
        (["stop"], 4, "no experiment runs"),
        (["stop", "99"], 4, "there is no experiment 99"),
        (["show", "99"], 4, "there is no experiment 99"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_refused_and_changes_nothing(
    place: Place, arguments: list[str], code: int, message: str
) -> None:
    result = place.run(*arguments)
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert place.roles == Roles(1)


def test_what_has_ended_is_not_stopped_again(place: Place) -> None:
    number = place.ask("start", "2", "--reason", "a try")["id"]
    place.ask("stop", str(number))
    again = place.run("stop", str(number))
    assert again.exit_code == 3
    assert f"experiment {number} ended already" in again.stderr
