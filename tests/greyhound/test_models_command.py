"""`greyhound models` on a real registry: what it prints, its JSON, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from greyhound.cli import main
from tests.model_registry.builders import make_artifact
from tests.model_registry.empty import empty_registry_in


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A registry with two versions, the second of which failed its gates; tests promote the first first."""
    folder = tmp_path_factory.mktemp("models")
    uri = f"sqlite:///{folder}/mlflow.db"
    registry = empty_registry_in(folder)
    for name in ("a", "b"):
        make_artifact(folder / name)
        registry.register(folder / name)
    registry.record_gates(2, ["ece must be at most 0.015, got 0.2"])
    registry.promote(1, reason="first")
    return uri


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["models", *arguments])


def ask(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_subcommand_explains_itself_with_an_example() -> None:
    for name in ("list", "show", "promote", "rollback", "history"):
        assert f"Example: greyhound models {name}" in run(name, "--help").output


def test_list_and_show_tell_roles_gates_and_figures(uri: str) -> None:
    listed = ask("list", "--registry", uri)["models"]
    assert [(m["version"], m["aliases"], m["gates"]) for m in listed] == [
        (2, [], "failed"),
        (1, ["champion"], None),
    ]
    shown = ask("show", "champion", "--registry", uri)
    assert shown == listed[1]
    assert shown["metrics"]["race_log_loss"] == 1.7
    text = run("show", "2", "--registry", uri).output
    assert "ece must be at most 0.015" in " ".join(text.split())
    assert "champion" in run("list", "--registry", uri).output


def test_a_failed_version_takes_force_and_rollback_undoes_it(uri: str) -> None:
    refused = run("promote", "2", "--registry", uri)
    assert refused.exit_code == 5
    assert "did not pass its gates" in refused.stderr
    record = ask("promote", "2", "--force", "--reason", "a try", "--registry", uri)
    assert (record["version"], record["previous"], record["forced"]) == (2, 1, True)
    assert run("promote", "2", "--registry", uri).exit_code == 3
    assert ask("rollback", "--reason", "undone", "--registry", uri)["version"] == 1
    again = run("rollback", "--registry", uri)
    assert again.exit_code == 3
    assert "first champion on record" in again.stderr
    reasons = [record["reason"] for record in ask("history", "--registry", uri)["history"]]
    assert reasons == ["first", "a try", "undone"]
    assert "a try" in run("history", "--registry", uri).output


def test_a_promotion_on_probation_is_on_record_without_a_service(uri: str) -> None:
    ask("promote", "2", "--force", "--on-probation", "--probation-races", "300", "--registry", uri)
    first, second = ask("history", "--registry", uri)["history"]
    assert first["probation"] is None
    assert (second["probation"]["action"], second["probation"]["probation_races"]) == ("roll-back", 300)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "9"], 4, "no version 9"),
        (["promote", "9"], 4, "no version 9"),
        (["show", "challenger"], 4, "no challenger"),
        (["show", "best"], 2, "got 'best'"),
        (["show"], 2, "Missing argument"),
    ],
)
def test_a_script_can_tell_what_went_wrong(uri: str, arguments: list[str], code: int, message: str) -> None:
    result = run(*arguments, "--registry", uri)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


def test_an_absent_registry_is_reported_and_not_made(tmp_path: Path) -> None:
    result = run("list", "--registry", f"sqlite:///{tmp_path}/var/mlflow.db")
    assert result.exit_code == 4
    assert "there is no registry" in result.stderr
    assert list(tmp_path.iterdir()) == []
