"""`greyhound simulate`, as a person runs it."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from greyhound.cli import main


def simulate(folder: Path, *options: str) -> Result:
    url = f"sqlite:///{folder}/races.db"
    return CliRunner().invoke(main, ["simulate", "--races", "30", "--database", url, *options])


def test_a_simulated_season_says_so_and_a_second_time_writes_nothing(tmp_path: Path) -> None:
    first = simulate(tmp_path, "--until", "2026-01-31")
    assert first.exit_code == 0, first.output
    assert first.stdout.startswith("SIMULATED: 30 races")
    again = simulate(tmp_path, "--until", "2026-01-31", "--json")
    assert json.loads(again.stdout)["is_new"] is False


def test_a_season_that_ends_before_it_starts_is_wrong_usage(tmp_path: Path) -> None:
    result = simulate(tmp_path, "--from", "2026-02-01", "--until", "2026-01-31")
    assert result.exit_code == 2
    assert "got 2026-02-01 and 2026-01-31" in result.stderr
    assert not list(tmp_path.iterdir())
