"""The command itself: help without imports, errors in one line, exit codes."""

import importlib
import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from greyhound import cli, errors
from greyhound.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]
ERROR_MODULES = (
    "greyhound.backup.errors",
    "greyhound.errors",
    "racing.domain.errors",
    "model_registry.errors",
    "model_registry.file_export.export",
    "training.errors",
    "service.errors",
    "frontend.errors",
)
# Answered over HTTP by service.problems; the command never meets them.
ONLY_OVER_HTTP = {
    f"service.errors:{name}"
    for name in (
        "BatchTooLong",
        "BodyNotGzip",
        "BodyTooLarge",
        "BodyTooSlow",
        "BodyUnreadable",
        "EncodingNotRead",
        "FeaturesRefused",
        "HeadersTooLarge",
        "HeadTooSlow",
        "KeyMissing",
        "NoAnswerInTime",
        "OutcomeUnknown",
        "KeyRefused",
        "KeysUnknown",
        "NotCsv",
        "NotJson",
        "NotReady",
        "Overloaded",
        "ScopeMissing",
        "Stopping",
        "RateLimited",
        "WebhookForged",
        "WebhookReplayed",
        "WebhooksOff",
    )
} | {"model_registry.errors:NoReport", "racing.domain.errors:NoSuchRace"}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def with_command(monkeypatch: pytest.MonkeyPatch, body: object) -> None:
    """Let ``greyhound probe`` run ``body``."""
    command = click.command("probe")(body)  # type: ignore[call-overload]
    monkeypatch.setattr(cli, "probe", command, raising=False)
    monkeypatch.setitem(COMMANDS, "probe", ("greyhound.cli:probe", "Only a test."))


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys\nfrom greyhound.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in sys.modules if m.startswith(('greyhound.commands', 'racing', 'numpy', 'mlflow'))])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"
    for name, (_, summary) in COMMANDS.items():
        assert f"{name} " in printed
        assert summary in printed


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0, result.output
    assert f"greyhound {name}" in result.output


def test_commands_in_the_table_are_the_modules_of_the_folder() -> None:
    found = (ROOT / "greyhound" / "commands").iterdir()  # a module each, or a package
    modules = {path.stem for path in found if not path.stem.startswith("__")}
    assert {place.partition(":")[0].split(".")[2] for place, _ in COMMANDS.values()} == modules


def test_every_error_class_has_an_exit_code_and_every_code_an_error_class() -> None:
    found = set()
    for name in ERROR_MODULES:
        module = importlib.import_module(name)
        classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Exception)]
        own = [c for c in classes if c.__module__ == name]
        roots = {
            c for c in own if c.__base__ is Exception and any(issubclass(o, c) for o in own if o is not c)
        }
        found |= {f"{name}:{c.__qualname__}" for c in own if c not in roots}
    ours = {name for name in errors.EXIT_CODES if not name.startswith("sqlalchemy")}
    assert ours == found - ONLY_OVER_HTTP


def test_unknown_command_is_wrong_usage_reported_in_one_line() -> None:
    result = run("trian")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("greyhound: No such command 'trian'")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "code", "reported"),
    [
        ("racing.domain.errors:FileRefused", 3, "greyhound: why\n"),
        ("racing.domain.errors:DatabaseUnavailable", 4, "greyhound: why\n"),
        ("model_registry.errors:NoChampion", 4, "greyhound: why\n"),
        ("model_registry.errors:GatesNotPassed", 5, "greyhound: why\n"),
        ("builtins:KeyError", 1, "greyhound: KeyError: 'why' (GREYHOUND_DEBUG=1 shows where)\n"),
        ("builtins:KeyboardInterrupt", 130, "greyhound: interrupted\n"),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, raised: str, code: int, reported: str
) -> None:
    module, _, name = raised.partition(":")
    error = getattr(importlib.import_module(module), name)

    def body() -> None:
        raise error("why")

    with_command(monkeypatch, body)
    result = run("probe")
    assert result.exit_code == code
    assert result.stderr.lstrip("\n") == reported


def test_an_interrupt_of_imports_has_the_exit_code_of_an_interrupt(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(
        "import click\n@click.command()\ndef probe(): exec('raise KeyboardInterrupt')\n"
    )
    (tmp_path / "sitecustomize.py").write_text(
        "from greyhound.cli import COMMANDS\nCOMMANDS['probe'] = ('probe:probe', '')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "greyhound", "probe"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "greyhound: interrupted")


def test_debugging_lets_the_traceback_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def body() -> None:
        raise KeyError("why")

    with_command(monkeypatch, body)
    monkeypatch.setenv("GREYHOUND_DEBUG", "1")
    assert isinstance(run("probe").exception, KeyError)


def test_a_missing_package_names_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def body() -> None:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn.linear_model")

    with_command(monkeypatch, body)
    result = run("probe")
    assert result.exit_code == 4
    assert result.stderr == (
        "greyhound: 'probe' needs the extra \"training\": pip install 'greyhound[training]'\n"
    )


def test_every_extra_that_is_named_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(errors.EXTRA_OF_MODULE.values()) <= set(project["optional-dependencies"])


def test_a_command_ends_with_the_code_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with_command(monkeypatch, lambda: click.get_current_context().exit(5))
    assert run("probe").exit_code == 5


def test_every_command_stands_in_one_section_of_the_help() -> None:
    listed = [name for names in cli.SECTIONS.values() for name in names.split()]
    assert sorted(listed) == sorted(COMMANDS)
    assert all(f"\n{title}:\n" in run("--help").stdout for title in cli.SECTIONS)
