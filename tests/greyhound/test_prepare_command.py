"""`greyhound prepare` refuses what it cannot do at once; what it makes, tests of the compose file see."""

import datetime as dt
from pathlib import Path

import pytest
from click.testing import CliRunner

from greyhound.cli import main
from racing.database.engine import open_database
from racing.ratings.store import ratings_are_current
from racing.simulation.simulator import simulate_season
from tests.service.builders import make_registry


def test_an_unknown_family_is_reported_before_a_season_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["prepare", "--families", "perceptron"])
    assert done.exit_code == 2
    assert "got 'perceptron'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_runs_that_nobody_rated_yet_are_rated(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/races.db"
    engine = open_database(database, create=True)
    simulate_season(engine, n_races=20, seed=1, until=dt.date(2026, 1, 31))
    assert not ratings_are_current(engine)
    options = ["--database", database, "--registry", make_registry(tmp_path)]
    done = CliRunner().invoke(main, ["prepare", *options])
    assert done.stdout == "Champion: version 1.\n"
    assert ratings_are_current(engine)


def test_a_training_rates_what_is_stale_before_it_reads_the_races(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/races.db"
    engine = open_database(database, create=True)
    simulate_season(engine, n_races=20, seed=1, until=dt.date(2026, 1, 31))
    options = ["--database", database, "--registry", f"sqlite:///{tmp_path}/registry.db"]
    done = CliRunner().invoke(main, ["train", *options])
    assert done.exit_code == 4, "too few races, once they are rated"
    assert "Rating runs" in done.stderr
    assert ratings_are_current(engine)
