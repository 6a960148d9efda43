"""`greyhound prepare` refuses what it cannot do at once; what it makes, tests of the compose file see."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from greyhound.cli import main


def test_an_unknown_family_is_told_before_a_season_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["prepare", "--families", "perceptron"])
    assert done.exit_code == 2
    assert "got 'perceptron'" in done.stderr
    assert list(tmp_path.iterdir()) == []
