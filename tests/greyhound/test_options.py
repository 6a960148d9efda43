"""What commands share: JSON, days, progress."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from greyhound.options import Day, address_of, progress_option
from greyhound.output.printing import print_json
from greyhound.output.progress import progress


@dataclass
class Figure:
    value: float
    day: dt.date


def test_json_knows_dates_arrays_dataclasses_and_unknown_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    day = dt.date(2026, 1, 31)
    print_json(
        {
            1: Figure(float("nan"), day),
            "array": np.array([1.5, np.inf]),
            "number": np.int64(3),
            "path": Path("a/b"),
            "flags": (True, None),
        }
    )
    assert json.loads(capsys.readouterr().out) == {
        "1": {"value": None, "day": "2026-01-31"},
        "array": [1.5, None],
        "number": 3,
        "path": "a/b",
        "flags": [True, None],
    }


def test_a_malformed_day_is_refused_with_rule_and_value() -> None:
    with pytest.raises(click.BadParameter, match=r"written YYYY-MM-DD, got '31/01/2026'"):
        Day().convert("31/01/2026", None, None)


@click.command()
@click.option("--seconds", type=float, default=0.0)
@click.option("--fails", is_flag=True)
@progress_option
def work(seconds: float, fails: bool) -> None:
    with progress("Working", total=3) as report:
        for i in range(3):
            time.sleep(seconds)
            report(i + 1)
        if fails:
            raise click.ClickException("no")
    with progress("Nothing to do"):
        pass


def test_away_from_a_terminal_a_short_stage_has_one_line_if_there_was_anything_to_do() -> None:
    result = CliRunner().invoke(work, [])
    assert result.stdout == ""
    assert result.stderr.splitlines() == ["Working: 3 of 3, 0 s"]


def test_a_longer_stage_says_that_it_begins_and_how_far_it_is_but_not_more_often_than_it_should() -> None:
    often, seldom = (
        CliRunner().invoke(work, ["--seconds", "0.6"], env={"GREYHOUND_PROGRESS_INTERVAL_S": interval}).stderr
        for interval in ("0.1", "1000")
    )
    begins, *between, end = often.splitlines()
    assert begins == "Working: begins"
    assert re.fullmatch(r"Working: 3 of 3, \d+ s", end)
    assert between
    assert all(re.fullmatch(r"Working: [1-3] of 3, \d+ s so far", line) for line in between)
    assert [line.partition(",")[0] for line in seldom.splitlines()] == [begins, "Working: 3 of 3"]


@pytest.mark.parametrize("seconds", ["0", "0.5"])
def test_a_stage_that_fails_does_not_end_as_if_it_were_done(seconds: str) -> None:
    lines = CliRunner().invoke(work, ["--fails", "--seconds", seconds]).stderr.splitlines()
    assert lines[-1] == "Error: no"
    if seconds == "0":
        assert lines[:-1] == []
    else:
        assert lines[0] == "Working: begins"
        assert lines[-2].startswith("Working: ended unfinished: 3 of 3")


@pytest.mark.parametrize("given", ["soon", "-1", "0", "nan", "inf"])
def test_an_interval_that_is_none_is_refused_with_rule_and_value(given: str) -> None:
    result = CliRunner().invoke(work, env={"GREYHOUND_PROGRESS_INTERVAL_S": given})
    assert result.exit_code == 2
    assert f"is 0.1 to 86400 seconds, got '{given}'" in result.stderr


def test_a_bar_is_drawn_away_from_a_terminal_only_when_requested() -> None:
    drawn = CliRunner().invoke(work, ["--progress"])
    assert drawn.stdout == ""
    assert "3/3" in drawn.stderr
    assert "begins" not in drawn.stderr


@pytest.mark.parametrize("is_json", [True, False])
def test_a_command_into_a_file_tells_its_stages_and_json_stays_json(tmp_path: Path, is_json: bool) -> None:
    command = [sys.executable, "-m", "greyhound", "simulate", "--races", "60", "--from", "2026-01-01"]
    where = ["--until", "2026-01-20", "--database", f"sqlite:///{tmp_path}/races.db"]
    with (tmp_path / "log").open("w") as log:
        printed = subprocess.run(
            [*command, *where, *["--json"] * is_json],
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | {"GREYHOUND_PROGRESS_INTERVAL_S": "0.1"},
            check=True,
        ).stdout
    if is_json:
        json.loads(printed)
    lines = (tmp_path / "log").read_text().splitlines()
    ends = [line for line in lines if re.fullmatch(r"Simulating days: 20 of 20, \d+ s", line)]
    assert len(ends) == 1
    assert all(re.fullmatch(r"(Simulating days|Rating runs): [\w ,]+", line) for line in lines)


def test_an_address_is_one_that_a_browser_here_reaches() -> None:
    assert {address_of(host, 8000) for host in ("127.0.0.1", "0.0.0.0", "::")} == {"http://localhost:8000"}
    assert address_of("10.0.0.7", 8000) == "http://10.0.0.7:8000"
    assert address_of("fd00::7", 8000) == "http://[fd00::7]:8000"
