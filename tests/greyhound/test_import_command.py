"""`greyhound import`, as a person runs it: what it reports, what it refuses, what it takes back out."""

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from greyhound.cli import main
from racing.database import engine as database_engine
from tests.racing.importers.builders import (
    BETFAIR_HEADER,
    FORM_HEADER,
    RESULTS_HEADER,
    betfair_row,
    form_row,
    results_row,
    write,
)
from tests.racing.importers.streams import definition, message, recording, whole_race


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", *arguments, "--database", f"sqlite:///{folder}/races.db"])


def form_guide(folder: Path) -> Path:
    return write(folder, "guide.csv", FORM_HEADER, form_row("1. Sir Tick"), form_row(date="2025-06-20"))


def betfair_month(folder: Path) -> Path:
    rows = [betfair_row(f"{box}. Dog {box}", box, won="1.0" if box == 1 else "0.0") for box in range(1, 7)]
    return write(folder, "Iggy_Model_V2_Results_2025_07.csv", BETFAIR_HEADER, *rows)


def own_results(folder: Path) -> Path:
    rows = [results_row(f"Runner {box}", box, str(box)) for box in range(1, 6)]
    return write(folder, "results.csv", RESULTS_HEADER, *rows)


SOURCES = [("form-guides", form_guide, 2), ("betfair", betfair_month, 6), ("results", own_results, 5)]


@pytest.mark.parametrize(("kind", "make", "n_runs"), SOURCES, ids=[kind for kind, *_ in SOURCES])
def test_a_second_import_adds_nothing_and_an_undo_leaves_nothing(
    kind: str, make: object, n_runs: int, tmp_path: Path
) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    first = json.loads(run(tmp_path, kind, str(path), "--json").stdout)
    again = json.loads(run(tmp_path, kind, str(path), "--json").stdout)
    assert (first["n_files_imported"], first["n_added"], first["problems"]) == (1, n_runs, [])
    assert (again["n_files_already_imported"], again["n_added"]) == (1, 0)
    listed = json.loads(run(tmp_path, "list", "--json").stdout)["files"]
    assert [(file["kind"], file["n_added"]) for file in listed] == [(listed[0]["kind"], n_runs)]
    undone = json.loads(run(tmp_path, "undo", path.name, "--json").stdout)
    assert undone["n_runs_removed"] == n_runs
    assert json.loads(run(tmp_path, "list", "--json").stdout) == {"files": []}
    with sqlite3.connect(tmp_path / "races.db") as connection:
        due = "racechange where reader = 'ratings'"
        for table in ("run", "race", "dog", "track", "sourcerow", "runworth", due):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)


def notes_of(result: Result) -> list[str]:
    """Return the lines on standard error that are not of a stage's progress."""
    stages = ("importing files: ", "Rating runs: ")
    return [line for line in result.stderr.splitlines() if not line.startswith(stages)]


def test_a_refused_file_is_one_line_with_its_reason_and_leaves_the_others_alone(tmp_path: Path) -> None:
    good = form_guide(tmp_path)
    html = write(tmp_path, "page.csv", "<!DOCTYPE html>", "<p>Not found")
    result = run(tmp_path, "form-guides", str(good), str(html))
    assert result.exit_code == 0
    assert "files: 1 imported, 0 already there, 1 refused" in result.stdout
    assert "rows:  2 read; 2 runs added" in result.stdout
    (line,) = notes_of(result)
    assert line.startswith("  page.csv: the file is HTML")


def test_every_refused_file_is_reported_however_many(tmp_path: Path) -> None:
    for number in range(30):
        write(tmp_path, f"page-{number}.csv", "<!DOCTYPE html>", f"<p>Not found {number}")
    result = run(tmp_path, "form-guides", str(tmp_path))
    assert sum(line.startswith("  page-") for line in result.stderr.splitlines()) == 30


def test_a_rule_that_many_rows_break_is_one_line_and_json_counts_it(tmp_path: Path) -> None:
    rows = [results_row(f"Dog {n}", 11, "1", race_id=f"r{n}") for n in range(500)]
    path = write(tmp_path, "r.csv", RESULTS_HEADER, results_row("Fine", 1, "1"), *rows)
    result = run(tmp_path, "results", str(path))
    (line,) = notes_of(result)
    assert line.endswith("500 rows refused, the first at " + f"{path}:3: box must be 1..10, got '11'")
    run(tmp_path, "undo", "r.csv")
    reported = json.loads(run(tmp_path, "results", str(path), "--json").stdout)
    (kind,) = reported["problem_kinds"]
    assert (kind["n"], kind["n_files"], kind["first_line"], kind["what"]) == (500, 1, 3, "row")
    assert reported["n_problems"] == 500
    assert 0 < len(reported["problems"]) < 500


def test_how_a_file_was_read_is_noted_where_it_is_not_plain(tmp_path: Path) -> None:
    text = "\n".join((RESULTS_HEADER, results_row("Café Noir", 1, "1"))).replace(",", ";")
    for name in "abcde":
        (tmp_path / f"{name}.csv").write_bytes(text.replace("Café", f"Café {name}").encode("cp1252"))
    result = run(tmp_path, "results", str(tmp_path))
    assert notes_of(result) == [
        "  a.csv, b.csv, c.csv and 2 more files: read as cp1252 (Windows, Western Europe): it is not UTF-8",
        "  a.csv, b.csv, c.csv and 2 more files: read with columns parted by semicolons",
    ]


def test_month_first_dates_are_refused_with_the_option_that_reads_them(tmp_path: Path) -> None:
    dates = ("03/04/2025", "03/28/2025")
    rows = [results_row(f"Dog {n}", n, "1", race_id=f"r{n}", date=date) for n, date in enumerate(dates, 1)]
    path = write(tmp_path, "r.csv", RESULTS_HEADER, *rows)
    refused = run(tmp_path, "results", str(path))
    assert refused.exit_code == 3
    assert "'03/28/2025' on line 3" in refused.stderr
    assert "--dates month-first" in refused.stderr
    assert run(tmp_path, "results", str(path), "--dates", "month-first").exit_code == 0
    with sqlite3.connect(tmp_path / "races.db") as connection:
        days = [str(day) for (day,) in connection.execute("select date from race order by date")]
    assert days == ["2025-03-04", "2025-03-28"]


def test_nothing_but_refused_files_is_exit_code_3(tmp_path: Path) -> None:
    html = write(tmp_path, "page.csv", "<!DOCTYPE html>", "<p>Not found")
    result = run(tmp_path, "form-guides", str(html), str(tmp_path / "absent.csv"))
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1] == "greyhound: none of the 2 files was taken"


def test_a_folder_without_files_is_exit_code_3(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run(tmp_path, "betfair", str(tmp_path / "empty"))
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)
    assert "there is no CSV file" in result.stderr


def test_a_file_that_was_not_imported_cannot_be_undone(tmp_path: Path) -> None:
    run(tmp_path, "results", str(own_results(tmp_path)))
    result = run(tmp_path, "undo", "other.csv")
    assert result.exit_code == 3
    assert result.stderr == "greyhound: no imported file is 'other.csv'; `greyhound import list` shows them\n"


def test_a_simulated_season_is_undone_by_its_number_and_real_races_stay(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/races.db"
    run(tmp_path, "results", str(own_results(tmp_path)))
    season = ["simulate", "--races", "30", "--until", "2026-01-31", "--json", "--database", url]
    made = json.loads(CliRunner().invoke(main, season).stdout)
    undone = json.loads(run(tmp_path, "undo", "2", "--json").stdout)
    assert undone["n_runs_removed"] == undone["n_rows"] == made["n_runs"]
    with sqlite3.connect(tmp_path / "races.db") as connection:
        assert connection.execute("select count(*) from run").fetchone() == (5,)
        assert connection.execute("select count(*) from runworth").fetchone() == (5,)
        assert connection.execute("select count(*) from dog where key like 'SIM%'").fetchone() == (0,)


def test_a_locked_database_is_reported_in_one_line_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_engine, "BUSY_TIMEOUT_S", 0.1)
    run(tmp_path, "results", str(own_results(tmp_path)))
    writer = sqlite3.connect(tmp_path / "races.db", isolation_level=None)
    writer.execute("begin immediate")
    result = run(tmp_path, "form-guides", str(form_guide(tmp_path)))
    writer.execute("rollback")
    writer.close()
    assert result.exit_code == 4
    assert result.stderr.count("\n") == 1
    assert "locked" in result.stderr
    assert (
        json.loads(run(tmp_path, "form-guides", str(tmp_path / "guide.csv"), "--json").stdout)["n_added"] == 2
    )


def test_prices_of_others_are_imported_under_a_name_and_removed_again(tmp_path: Path) -> None:
    file = tmp_path / "tips.csv"
    file.write_text(
        "date,track,race,dog,odds\n2026-03-14,Sandown Park,3,Sir Tick,2.5\n2026-03-14,Sandown Park,3,,4\n"
    )
    imported = run(tmp_path, "prices", str(file), "--name", "tipster", "--json")
    assert imported.exit_code == 0, imported.output
    assert json.loads(imported.stdout)["n_added"] == 1
    shown = run(tmp_path, "prices", str(file), "--name", "tipster")
    assert "2 read; 0 prices added, 0 updated, 1 known, 1 refused" in shown.output
    assert "a row names the runner or its box" in shown.output
    removed = run(tmp_path, "prices", "--name", "tipster", "--remove")
    assert "1 prices removed" in removed.output
    assert run(tmp_path, "prices", "--name", "tipster", "--remove").exit_code == 3
    assert run(tmp_path, "prices", "--name", "tipster").exit_code == 2
    assert run(tmp_path, "prices", str(file), "--name", "No Name").exit_code == 3


def test_what_a_recording_has_beside_races_is_printed(tmp_path: Path) -> None:
    other = definition(marketType="MATCH_BET")
    (tmp_path / "day.json").write_bytes(
        recording(*whole_race(), message(60, market="1.195395421", definition=other))
    )
    printed = run(tmp_path, str(tmp_path / "day.json"))
    assert "left out, as no races: 1 MATCH_BET" in printed.stdout
    (tmp_path / "other.json").write_bytes(recording(message(60, market="1.195395421", definition=other)))
    assert "1 left out" in run(tmp_path, str(tmp_path / "other.json")).stdout
