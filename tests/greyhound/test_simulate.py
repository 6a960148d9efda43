"""`greyhound simulate`, as a person runs it."""

import json
from pathlib import Path

from click.testing import CliRunner, Result
from sqlalchemy import text

from greyhound.cli import main
from racing.database.engine import open_database


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


def test_a_season_as_a_results_file_is_imported_as_the_season_that_it_is(tmp_path: Path) -> None:
    days = ("--races", "30", "--seed", "5", "--from", "2026-01-01", "--until", "2026-01-31")
    written = simulate(tmp_path, *days, "--csv", str(tmp_path / "results.csv"))
    assert written.exit_code == 0, written.output
    assert written.stdout.startswith(f"{tmp_path}/results.csv: SIMULATED, 30 races")
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]
    imported, reported = f"sqlite:///{tmp_path}/imported.db", ("--json",)
    arguments = ["import", "results", str(tmp_path / "results.csv"), "--database", imported, *reported]
    report = json.loads(CliRunner().invoke(main, arguments).stdout)
    assert (report["n_files_imported"], report["problems"]) == (1, [])
    assert simulate(tmp_path, *days).exit_code == 0
    assert facts(imported) == facts(f"sqlite:///{tmp_path}/races.db")


def test_a_season_with_prices_before_the_off_has_one_of_each_runner_and_a_results_file_none(
    tmp_path: Path,
) -> None:
    assert simulate(tmp_path, "--until", "2026-01-31", "--prices").exit_code == 0
    with open_database(f"sqlite:///{tmp_path}/races.db").connect() as connection:
        quoted = connection.execute(text("select minutes, count(*) from runnerprice group by minutes")).all()
        n_runs = connection.scalar(text("select count(*) from run"))
    assert [tuple(row) for row in quoted] == [(10, n_runs)]
    refused = simulate(tmp_path, "--prices", "--csv", str(tmp_path / "results.csv"))
    assert (refused.exit_code, "leave out --prices or --csv" in refused.stderr) == (2, True)


def facts(url: str) -> list[tuple[object, ...]]:
    """What a database knows of its runs, prices to the cent."""
    query = """SELECT race.date, track.name, race.distance_m, race.number, race.grade, dog.name, run.box,
        run.won, run.finish_position, run.time_s, run.margin_lengths, round(run.bsp, 2), race.is_whole
        FROM run JOIN race ON race.id = run.race_id JOIN track ON track.id = race.track_id
        JOIN dog ON dog.id = run.dog_id ORDER BY race.date, dog.name"""
    with open_database(url).connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]
