r"""Strangers' names, with all that steers a terminal in them, through every command that prints names."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.table import Table
from rich.text import Text

from greyhound.cli import main
from greyhound.output.console import CleanConsole
from racing.database.engine import open_database
from tests.racing.importers.builders import RESULTS_HEADER, results_row, write
from tests.service.builders import make_card, make_registry

# The window's title, a colour, a cleared screen (C1), a name turned around, a byte that is no text, markup.
EVIL = "\x1b]0;owned\x07\x1b[31mred\x9b2J\x7f\u202egpj\u2066\udcff[link=http://x]y[/link]\r"
STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
ROOT = Path(__file__).parents[2]
STORED = EVIL.replace("\udcff", "")  # no database takes half a letter
NOW = "2026-01-31 00:00:00.000000"


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A database and a registry with hostile names in every text that a command prints."""
    folder = tmp_path_factory.mktemp("hostile")
    url = f"sqlite:///{folder}/races.db"
    file = write(folder, "r.csv", RESULTS_HEADER, *(results_row(f"Dog {n}", n, str(n)) for n in range(1, 5)))
    CliRunner().invoke(main, ["import", "results", str(file), "--database", url])
    open_database(url).dispose()
    with sqlite3.connect(folder / "races.db") as database:
        database.execute("update sourcefile set name = ?, kind = ?", (f"a/{STORED}.csv", STORED))
        database.execute("update dog set name = name || ?", (STORED,))
        database.execute("update track set name = name || ?", (STORED,))
        database.execute(
            "insert into apikey (id, name, sha256, scopes, created_at) values (?, ?, 'x', 'read', ?)",
            (f"id{STORED}", STORED, NOW),
        )
        for number in (1, 2):
            database.execute(
                "insert into prediction"
                " (id, writer, number, request_id, model_version, digest, at, card, answer)"
                " values (?, 'w', ?, ?, 1, 'd', ?, '{}', '{}')",
                (number, number, f"request{STORED}", NOW),
            )
        database.execute(
            "insert into predictedrace (prediction_id, model_version, at, date, track, distance_m, n_runners,"
            " is_ahead) values (1, 1, ?, '2026-01-31', ?, 400, 1, 1)",
            (NOW, STORED),
        )
        database.execute(
            "insert into predictedrunner (prediction_id, box, dog_key, name, win_probability,"
            " place_probability) values (1, 1, 'K', ?, 1.0, 1.0)",
            (STORED,),
        )
        database.execute("insert into unreadableprediction values (2, ?)", (STORED,))
    registry = make_registry(folder)
    with sqlite3.connect(folder / "mlflow.db") as records:
        records.execute("update model_versions set description = ?", (STORED,))
        records.execute(
            "update model_version_tags set value = value || ? where key = 'git_commit'", (STORED,)
        )
        records.execute("update model_version_tags set value = ? where key = 'kind'", (STORED,))
        records.execute(
            "update registered_model_tags"
            " set value = replace(replace(value, 'a test wants it', ?), '\"test\"', ?)",
            (json.dumps(STORED)[1:-1], json.dumps(STORED)),
        )
        records.execute(
            "insert into registered_model_aliases select ?, version, name, workspace from model_versions",
            (f"other{STORED}",),
        )
    return {"GREYHOUND_DATABASE": url, "GREYHOUND_REGISTRY": registry}


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A card in a file whose name is hostile, and no UTF-8 either."""
    folder = tmp_path_factory.mktemp("cards")
    name = os.fsdecode(b"card\xff\x1b]0;owned\x07\xc2\x9b2J\xe2\x80\xae\n.json")
    (folder / name).write_text(json.dumps(make_card()))
    (folder / "other\x1b[2J.json").write_text('{"date": "\\u001b[2J\\u202e"}')
    (folder / name.replace("json", "csv")).write_text(f"{RESULTS_HEADER}\n{results_row('Fine', 1, '1')}\n")
    return str(folder / name)


def run(stores: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env=stores)


def assert_clean(printed: str) -> None:
    assert STEERING.findall(printed.replace("\n", "")) == []


@pytest.mark.parametrize(
    "command",
    [
        "import list",
        "keys list",
        "models list",
        "models show 1",
        "models show champion",
        "models history",
        "predictions list",
        "predictions show 1",
        "predictions score",
        "predictions score --by track",
        "predictions unreadable",
    ],
)
def test_no_stored_name_steers_the_terminal_and_json_tells_it_as_it_is(
    command: str, stores: dict[str, str]
) -> None:
    table = run(stores, *command.split())
    assert table.exit_code == 0, table.output
    assert_clean(table.stdout + table.stderr)
    document = run(stores, *command.split(), "--json")
    assert_clean(document.stdout + document.stderr)
    json.loads(document.stdout)
    if "score" not in command:
        assert "\\x1b" in re.sub(r"\s|[│┃]", "", table.stdout), "the test's own names were not printed"
        assert "\x9b2J\x7f\u202egpj" in json.dumps(json.loads(document.stdout), ensure_ascii=False)


@pytest.mark.parametrize(
    "arguments",
    [
        (EVIL,),
        ("models", EVIL),
        ("models", "list", f"--{EVIL}"),
        ("models", "show", EVIL),
        ("keys", "revoke", EVIL),
        ("keys", "add", EVIL, "--scope", "read"),
        ("keys", "add", "x", "--scope", EVIL),
        ("import", "results", EVIL),
        ("import", "undo", EVIL),
        ("predict", EVIL),
        ("predictions", "show", EVIL),
        ("predictions", "list", "--track", EVIL),
        ("predict", "--date", EVIL, "x"),
        ("import", "list", "--database", f"sqlite:////{EVIL}/x.db"),
        ("import", "list", "--database", f"mysql://{EVIL}"),
        ("models", "list", "--registry", f"http://127.0.0.1:1/{STORED}"),
    ],
)
def test_no_argument_that_is_refused_steers_the_terminal(
    arguments: tuple[str, ...], stores: dict[str, str]
) -> None:
    result = run(stores, *arguments)
    assert result.exit_code in (0, 2, 3, 4), (result.output, result.exception)
    assert_clean(result.stdout + result.stderr)


def test_a_files_name_that_is_no_text_is_printed_on_one_line(
    stores: dict[str, str], hostile_file: str, tmp_path: Path
) -> None:
    folder = str(Path(hostile_file).parent)
    other = stores | {"GREYHOUND_DATABASE": f"sqlite:///{tmp_path}/other.db"}
    results = [
        run(stores, "predict", folder),
        run(stores, "predict", hostile_file),
        run(stores, "predict", f"{hostile_file}.absent"),
        run(other, "import", "results", folder),
        run(other, "import", "betfair", folder),
    ]
    for result in results:
        assert result.exit_code in (0, 2, 3), (result.output, result.exception)
        assert_clean(result.stdout + result.stderr)
    assert "card\\udcff\\x1b]0;owned\\x07\\x9b2J\\u202e\\n.json" in results[0].stdout
    document = run(stores, "predict", folder, "--json").stdout
    assert_clean(document)
    assert hostile_file in [card["file"] for card in json.loads(document)["cards"]]


def test_a_terminal_gets_the_commands_own_colours_only(stores: dict[str, str], hostile_file: str) -> None:
    leader, follower = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "greyhound",
        "import",
        "results",
        str(Path(hostile_file).parent),
        "--progress",
    ]
    done = subprocess.Popen(command, stdout=follower, stderr=follower, env=os.environ | stores, cwd=ROOT)
    os.close(follower)
    printed = b""
    while chunk := _read(leader):
        printed += chunk
    done.wait()
    os.close(leader)
    own = re.sub(r"\x1b\[[0-9;?]*[mKAhlG]", "", printed.decode()).replace("\r", "")
    assert "imported" in own
    assert_clean(own)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # as Linux says that the other end is closed
        return b""


@pytest.mark.parametrize("command", ["models list", "models list --json", "models --help"])
def test_a_reader_that_has_left_gets_no_trace(command: str, stores: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "greyhound", *command.split()],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=os.environ | stores,
        cwd=ROOT,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 1


def test_a_trace_is_clean_where_debugging_asks_for_one() -> None:
    code = (
        "import click, sys, warnings\nfrom greyhound import cli\n"
        f"def body():\n    warnings.warn({STORED!r})\n    raise KeyError({STORED!r} + '\\x1b')\n"
        "class Evil(Exception):\n    def __str__(self): return '\\x1b[2J\\x9b'\n"
        "def worse(): raise Evil\n"
        "cli.probe = click.command('probe')(worse if len(sys.argv) > 1 else body)\n"
        "cli.COMMANDS['probe'] = ('greyhound.cli:probe', 'x')\ncli.main(['probe'])\n"
    )
    for more in ([], ["worse"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *more],
            capture_output=True,
            env=os.environ | {"GREYHOUND_DEBUG": "1"},
            check=False,
        )
        assert b"Traceback" in done.stderr
        assert_clean(done.stderr.decode())


def test_whatever_the_console_shows_is_clean_and_keeps_the_consoles_own_colours() -> None:
    console = CleanConsole(file=StringIO(), force_terminal=True, color_system="standard", width=200)
    table = Table(EVIL, title=EVIL, caption=EVIL)
    table.add_row(EVIL)
    table.add_row(Text(EVIL, "green"))
    for shown in (EVIL, Text(EVIL), table):
        console.print(shown)
    console.print("plain", style="green")
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[32mplain" in printed
    assert "[link=http://x]y[/link]" in printed
    assert_clean(re.sub(r"\x1b\[[0-9;]*m", "", printed))


@pytest.mark.parametrize(
    "code",
    [
        "print(1)\n",
        "import click\n\nclick.echo(1)\n",
        "import sys\n\nsys.stderr.write('')\n",
        "from rich.console import Console\n\nConsole()\n",
    ],
)
def test_lint_refuses_another_way_to_print(code: str) -> None:
    command = [str(Path(sys.executable).with_name("ruff")), "check", "--select", "T20,TID251", "-q"]
    done = subprocess.run(
        [*command, "--stdin-filename", "greyhound/commands/other.py", "-"],
        input=code,
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
