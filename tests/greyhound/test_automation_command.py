"""`greyhound automation` on a real database: the switch, and what was decided last."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from greyhound.cli import main
from racing.database.engine import open_database
from racing.experiments.decisions import put_on_record
from racing.experiments.guard import Proposal


def run(database: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["automation", *arguments, "--database", database])


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/greyhound.db"
    open_database(url, create=True).dispose()
    return url


def test_every_subcommand_explains_itself_with_an_example() -> None:
    for name in ("on", "off", "status"):
        shown = CliRunner().invoke(main, ["automation", name, "--help"]).output
        assert f"Example: greyhound automation {name}" in shown


def test_the_switch_is_turned_and_shown_with_who_and_why(database: str) -> None:
    assert "Automation is on." in run(database, "status").stdout
    turned = run(database, "off", "--reason", "no races")
    assert turned.exit_code == 0, turned.output
    assert turned.stdout == "Automation is off now.\n"
    shown = run(database, "status").stdout
    assert "off since" in shown
    assert "no races" in " ".join(shown.split())
    assert json.loads(run(database, "on", "--json").stdout)["automation"]["is_on"]


def test_decisions_are_listed_with_their_reasons(database: str) -> None:
    proposal = Proposal(
        key="a", action="recommend", from_version=5, to_version=7, reason="it is better", numbers={"low": 0.1}
    )
    engine = open_database(database)
    with engine.begin() as connection:
        put_on_record(connection, proposal)
    engine.dispose()
    assert "recommend" in run(database, "status").stdout
    (decision,) = json.loads(run(database, "status", "--json").stdout)["decisions"]
    assert (decision["to_version"], decision["reason"], decision["numbers"]) == (
        7,
        "it is better",
        {"low": 0.1},
    )


def test_without_a_database_there_is_no_switch(tmp_path: Path) -> None:
    assert run(f"sqlite:///{tmp_path}/none.db", "status").exit_code == 4
