"""Settings from files."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from greyhound.secret_files import MAX_BYTES, read_secret_files


def test_what_stands_in_a_file_is_the_setting(tmp_path: Path) -> None:
    (tmp_path / "database").write_text(" postgresql://greyhound:secret@host/name\n")
    settings = {"GREYHOUND_DATABASE_FILE": str(tmp_path / "database"), "OTHER_FILE": "/absent", "HOME": "/"}
    read_secret_files(settings)
    assert settings["GREYHOUND_DATABASE"] == "postgresql://greyhound:secret@host/name"
    assert set(settings) == {"GREYHOUND_DATABASE_FILE", "GREYHOUND_DATABASE", "OTHER_FILE", "HOME"}


def test_an_empty_name_is_none() -> None:
    settings = {"GREYHOUND_NOTIFY_FILE": ""}
    read_secret_files(settings)
    assert "GREYHOUND_NOTIFY" not in settings


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (None, "cannot be read: No such file"),
        (b"\n", "holds no value"),
        (b"\xff\xfe", "no text in UTF-8"),
        (b"a\0b", "holds no value"),
        (b"x" * (MAX_BYTES + 1), "more than 65536 bytes"),
    ],
)
def test_a_file_without_a_value_is_refused_by_the_name_of_the_setting(
    tmp_path: Path, content: bytes | None, rule: str
) -> None:
    path = tmp_path / "notify"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(click.UsageError, match=f"^GREYHOUND_NOTIFY_FILE: .*{rule}"):
        read_secret_files({"GREYHOUND_NOTIFY_FILE": str(path)})


def test_a_setting_given_both_ways_is_refused(tmp_path: Path) -> None:
    settings = {"GREYHOUND_NOTIFY_FILE": str(tmp_path), "GREYHOUND_NOTIFY": "[]"}
    with pytest.raises(click.UsageError, match="GREYHOUND_NOTIFY and GREYHOUND_NOTIFY_FILE are both set"):
        read_secret_files(settings)


def test_every_command_reads_them_before_its_options(tmp_path: Path) -> None:
    (tmp_path / "database").write_text(f"sqlite:///{tmp_path}/races.db\n")
    command = [sys.executable, "-c", "from greyhound.cli import main; main()", "migrate"]
    environment = os.environ | {"GREYHOUND_DATABASE_FILE": str(tmp_path / "database")}
    environment.pop("GREYHOUND_DATABASE", None)
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "races.db").exists()
    environment["GREYHOUND_DATABASE_FILE"] = str(tmp_path / "absent")
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("greyhound: GREYHOUND_DATABASE_FILE: ")
