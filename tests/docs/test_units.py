"""The units of systemd: systemd takes them, and the commands in them are those that there are."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from greyhound.cli import main

UNITS = sorted((Path(__file__).parents[2] / "deploy/systemd").iterdir())
GREYHOUND = "/srv/greyhound/.venv/bin/greyhound"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian: apt install systemd)")
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(GREYHOUND, "/bin/echo"))
    verify = ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(verify, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name
)
def test_systemd_finds_them_hardened(unit: Path) -> None:
    """0 is no exposure, 10 all of it; a unit that restricts nothing has 9.6, ours had 8.5 before."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian: apt install systemd)")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level" in done.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_their_commands_and_options_exist(unit: Path) -> None:
    for line in re.findall(rf"^Exec\w+=-?{GREYHOUND} (.+)$", unit.read_text(), flags=re.M):
        command, arguments = main, line.split()
        context = click.Context(command)
        while isinstance(command, click.Group):
            name = arguments.pop(0)
            found = command.get_command(context, name)
            assert found is not None, line
            command, context = found, click.Context(found, parent=context)
        command.make_context(command.name, arguments)
    assert unit.suffix == ".timer" or GREYHOUND in unit.read_text()
