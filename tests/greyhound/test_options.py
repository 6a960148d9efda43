"""What commands share: JSON, days, progress."""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from greyhound.options import Day, address_of, print_json, progress, progress_option


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


@pytest.mark.parametrize(("asked", "is_shown"), [([], False), (["--progress"], True)])
def test_progress_is_shown_away_from_a_terminal_only_when_asked(asked: list[str], is_shown: bool) -> None:
    @click.command()
    @progress_option
    def work() -> None:
        with progress("Working", total=2) as report:
            report(2)

    result = CliRunner().invoke(work, asked)
    assert result.stdout == ""
    assert ("Working" in result.stderr) is is_shown


def test_an_address_is_one_that_a_browser_here_reaches() -> None:
    assert {address_of(host, 8000) for host in ("127.0.0.1", "0.0.0.0", "::")} == {"http://localhost:8000"}
    assert address_of("10.0.0.7", 8000) == "http://10.0.0.7:8000"
    assert address_of("fd00::7", 8000) == "http://[fd00::7]:8000"
