"""`greyhound import PATH...`: what each file is, as one says, or only explained; `greyhound data`."""

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from greyhound.cli import main
from racing.importers.formats.all_formats import FORMATS
from racing.importers.formats.own_columns import EXAMPLE
from tests.greyhound.test_import_command import betfair_month, form_guide, own_results
from tests.racing.importers.builders import RESULTS_HEADER, results_row, write
from tests.racing.importers.test_own_columns import HEADER, ROWS

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "import-files.md"


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--database", f"sqlite:///{folder}/races.db"])


def a_folder(parent: Path) -> Path:
    folder = parent / "downloads"
    folder.mkdir()
    for make in (form_guide, betfair_month, own_results):
        make(folder)
    write(folder, "unknown.csv", "a,b", "1,2")
    write(folder, "page.csv", "<!DOCTYPE html>", "<p>Not found")
    write(folder, "notes.txt", "nothing")
    return folder


def test_a_folder_is_sorted_out_file_by_file_and_what_nobody_knows_is_listed(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    reported = json.loads(run(tmp_path, "import", str(folder), "--json").stdout)
    taken = {Path(file["file"]).name: (file["status"], file["taken_as"]) for file in reported["files"]}
    assert taken == {
        "guide.csv": ("imported", "a form guide"),
        "Iggy_Model_V2_Results_2025_07.csv": ("imported", "a monthly file of Betfair's model results"),
        "results.csv": ("imported", "results in our columns"),
        "unknown.csv": ("refused", ""),
        "page.csv": ("refused", ""),
    }
    sums = {one["title"]: (one["n_files"], one["n_added"], one["n_races"]) for one in reported["by_format"]}
    assert sums["results in our columns"] == (1, 5, 1)
    assert sums["of no known format"] == (2, 0, 0)
    again = run(tmp_path, "import", str(folder))
    assert "0 imported, 3 already there, 2 refused" in again.stdout


def test_the_report_has_a_table_by_format_and_what_the_database_holds_now(tmp_path: Path) -> None:
    result = run(tmp_path, "import", str(a_folder(tmp_path)))
    assert result.exit_code == 0
    assert re.search(r"a form guide +1 +2 +2 +0 +2 +0 ", result.stdout)
    assert re.search(r"races: \d+, \d+ of them whole, at 1 tracks on \d+ days from 2025-06-20", result.stdout)
    assert "unknown.csv: it is of no format that is known" in result.stderr


def test_one_says_what_a_file_is_and_hears_the_names_there_are(tmp_path: Path) -> None:
    file = str(own_results(tmp_path))
    other = run(tmp_path, "import", "--as", "form-guide", file)
    assert other.exit_code == 3
    assert "it is not a form guide" in other.stderr
    assert run(tmp_path, "import", "--as", "results", file).exit_code == 0
    unknown = run(tmp_path, "import", "--as", "form-guid", file)
    assert unknown.exit_code == 3
    assert "did you mean 'form-guide'?" in unknown.stderr
    assert all(one.name in unknown.stderr for one in FORMATS)


def test_a_path_that_is_named_as_a_command_is_written_with_a_dot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    own_results(tmp_path / "results")
    command = run(tmp_path, "import", "results")
    assert command.exit_code == 2
    assert "for the path of that name write ./results" in command.stderr
    assert json.loads(run(tmp_path, "import", "./results", "--json").stdout)["n_added"] == 5
    behind = run(tmp_path, "import", "--json", "betfair")
    assert "options stand after 'betfair', not before it" in behind.stderr
    assert os.listdir(tmp_path / "results") == ["results.csv"]


def test_explain_shows_format_columns_records_and_refusals_and_stores_nothing(tmp_path: Path) -> None:
    rows = [results_row("Alpha", 1, "1"), results_row("Bravo", 11, "2")]
    file = write(tmp_path, "r.csv", f"{RESULTS_HEADER},mood", *(f"{row},fine" for row in rows))
    result = run(tmp_path, "import", "--explain", str(file))
    assert result.exit_code == 0
    assert (
        "taken for results in our columns (--as results), by its columns race_id, date, track"
        in result.stdout
    )
    assert "columns not read: mood" in result.stdout
    assert re.search(r"distance \(m\) +450", result.stdout)
    assert re.search(r"time \(s\) +25\.5", result.stdout)
    assert "2 rows: 1 runs in 1 races, 1 refused" in result.stdout
    assert "box must be 1..10, got '11'" in result.stdout
    assert not (tmp_path / "races.db").exists()
    explained = json.loads(run(tmp_path, "import", "--explain", str(file), "--json").stdout)["files"][0]
    assert (explained["name"], explained["columns_unknown"], explained["n_refused"]) == (
        "results",
        ["mood"],
        1,
    )
    assert explained["records"][0]["runner"] == "Alpha"


def test_explain_of_a_file_that_nobody_knows_says_why_and_is_exit_code_3(tmp_path: Path) -> None:
    result = run(tmp_path, "import", "--explain", str(write(tmp_path, "u.csv", "a,b", "1,2")))
    assert result.exit_code == 3
    assert "refused: it is of no format that is known: its columns are a, b" in result.stdout


def test_columns_of_ones_own_are_explained_and_imported_from_the_example(tmp_path: Path) -> None:
    printed = run(tmp_path, "import", "--columns-example").stdout
    assert printed == EXAMPLE
    toml = write(tmp_path, "mine.toml", printed)
    file = write(tmp_path, "mine.csv", HEADER, *ROWS)
    explained = run(tmp_path, "import", "--explain", "--columns", str(toml), str(file))
    assert "taken for columns as mine.toml has them" in explained.stdout
    assert re.search(r"distance \(m\) +480", explained.stdout)
    reported = json.loads(run(tmp_path, "import", "--columns", str(toml), str(file), "--json").stdout)
    assert (reported["n_added"], reported["n_refused"]) == (4, 0)
    both = run(tmp_path, "import", "--as", "results", "--columns", str(toml), str(file))
    assert both.exit_code == 2


def test_the_example_of_the_guide_is_what_it_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```(\w*)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (toml,) = [text for kind, text in blocks if kind == "toml"]
    (rows,) = [text for kind, text in blocks if kind == "csv"]
    (tmp_path / "mine.toml").write_text(toml, encoding="utf-8")
    (tmp_path / "mine.csv").write_text(rows, encoding="utf-8")
    arguments = ("import", "--columns", str(tmp_path / "mine.toml"), str(tmp_path / "mine.csv"), "--json")
    reported = json.loads(run(tmp_path, *arguments).stdout)
    assert (reported["n_added"], reported["n_refused"], reported["problems"]) == (3, 0, [])


def test_data_shows_countries_sources_and_gaps(tmp_path: Path) -> None:
    assert "holds no race yet" in run_data_of_new(tmp_path)
    own = [results_row(f"Dog {n}", n, str(n)) for n in (1, 2)]
    later = [results_row(f"Dog {n}", n, str(n), date="2025-07-09", track="Addington") for n in (3, 4)]
    much_later = [results_row(f"Dog {n}", n, str(n), date="2025-07-20") for n in (5, 6)]
    run(tmp_path, "import", str(write(tmp_path, "r.csv", RESULTS_HEADER, *own, *later, *much_later)))
    summary = json.loads(run(tmp_path, "data", "--json").stdout)
    assert [(one["country"], one["n_races"], one["n_days"]) for one in summary["countries"]] == [
        ("AU", 2, 2),
        ("NZ", 1, 1),
    ]
    assert summary["gaps"] == [
        {"country": "AU", "first_day": "2025-07-04", "last_day": "2025-07-19", "n_days": 16}
    ]
    assert [(one["kind"], one["n_files"], one["first_day"]) for one in summary["sources"]] == [
        ("results", 1, "2025-07-03")
    ]
    assert (summary["n_runs"], summary["n_races_without_off"], summary["n_races_without_prices"]) == (6, 3, 0)
    shown = run(tmp_path, "data").stdout
    assert "no race in AU from 2025-07-04 to 2025-07-19: 16 days" in shown
    assert "races without an off time: 3" in shown


def run_data_of_new(folder: Path) -> str:
    """Return what the command says of a database without races."""
    from racing.database.engine import open_database

    open_database(f"sqlite:///{folder}/races.db", create=True).dispose()
    return run(folder, "data").stdout
