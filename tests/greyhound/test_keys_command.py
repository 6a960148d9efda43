"""`greyhound keys` on a real database: what it prints, its JSON, and its exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from greyhound.cli import main


def run(database: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["keys", *arguments, "--database", database])


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/greyhound.db"


def test_every_subcommand_explains_itself_with_an_example() -> None:
    for name in ("add", "list", "revoke"):
        shown = CliRunner().invoke(main, ["keys", name, "--help"]).output
        assert f"Example: greyhound keys {name}" in shown


def test_a_key_is_printed_once_and_alone_on_standard_output(database: str) -> None:
    made = run(database, "add", "release pipeline", "--scope", "promote", "--scope", "read")
    assert made.exit_code == 0, made.output
    (key,) = made.stdout.splitlines()
    assert key.startswith("gh_")
    assert "shown this once" in made.stderr
    assert "read, promote" in made.stderr
    listed = run(database, "list", "--json")
    (entry,) = json.loads(listed.stdout)["keys"]
    assert (entry["name"], entry["scopes"]) == ("release pipeline", ["read", "promote"])
    assert (entry["last_used"], entry["revoked_at"]) == (None, None)
    assert key.split("_", 2)[2] not in listed.stdout
    assert entry["id"] in key
    assert "promote" in run(database, "list").stdout


def test_a_key_is_revoked_by_its_name_or_its_id_and_its_name_is_free_again(database: str) -> None:
    assert run(database, "add", "a", "--scope", "read").exit_code == 0
    assert run(database, "add", "a", "--scope", "read").exit_code == 3
    assert run(database, "revoke", "a").exit_code == 0
    again = json.loads(run(database, "add", "a", "--scope", "read", "--json").stdout)
    assert run(database, "revoke", again["id"]).exit_code == 0
    gone = run(database, "revoke", "a")
    assert gone.exit_code == 4
    assert "no key 'a'" in gone.stderr
    entries = json.loads(run(database, "list", "--json").stdout)["keys"]
    assert all(entry["revoked_at"] for entry in entries)
    assert len(entries) == 2


def test_without_a_database_there_is_nothing_to_list(database: str) -> None:
    assert run(database, "list").exit_code == 4
    assert run(database, "add", "a", "--scope", "admin").exit_code == 2
    assert run(database, "add", "a").exit_code == 2
