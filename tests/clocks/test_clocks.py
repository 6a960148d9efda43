"""The clocks show what they are named for, to every process; results go by no zone of the machine."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clocks.__main__ import ROOT
from tests.clocks.moments import ALL
from tests.clocks.shifting import can_be_shifted, make_clock
from tests.clocks.slow import SLOW

NOWS = [
    dt.datetime(2026, month, day, 13, 37, 5, tzinfo=dt.UTC) for month in range(1, 13) for day in (1, 15, 28)
]


def printed(folder: Path, code: str, moment: dt.datetime, zone: str) -> str:
    """What a program prints while it is another moment."""
    if not can_be_shifted():
        pytest.skip("a C compiler on Linux makes the clock that is off")
    off_already = int(os.environ.get("CLOCK_OFFSET_S", "0"))
    offset = off_already + round((moment - dt.datetime.now(dt.UTC)).total_seconds())
    clock = make_clock(folder) | {"CLOCK_OFFSET_S": str(offset), "TZ": zone}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | clock, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("now", NOWS, ids=str)
def test_every_clock_shows_the_day_that_it_is_named_for(now: dt.datetime) -> None:
    shown = {clock.name: clock.begins(now) for clock in ALL}
    assert len(shown) == len(ALL)
    for name in ("leap-day-ends-in-auckland", "leap-day"):
        assert shown[name].date() == dt.date(2028, 2, 29)
    assert shown["first-of-month"].day == (shown["last-of-month"] + dt.timedelta(days=1)).day == 1
    assert shown["last-of-month"] > now - dt.timedelta(days=1)
    assert (shown["month-ends"] + dt.timedelta(minutes=2)).day == 1
    assert (shown["midnight"] + dt.timedelta(minutes=2)).date() == shown["tomorrow"].date()
    assert shown["in-400-days"] - now == dt.timedelta(days=400)


def test_a_process_its_children_and_sqlite_go_by_the_clock_and_waiting_does_not(tmp_path: Path) -> None:
    code = """
import datetime, sqlite3, subprocess, time
began = time.monotonic()
time.sleep(0.01)
assert 0 < time.monotonic() - began < 600
print(datetime.date.today(), sqlite3.connect("").execute("select current_date").fetchone()[0])
print(subprocess.run(["date", "-u", "+%F"], capture_output=True, text=True).stdout)
"""
    shown = printed(tmp_path, code, dt.datetime(2031, 7, 1, 0, 5, tzinfo=dt.UTC), "America/Los_Angeles")
    assert shown.split() == ["2031-06-30", "2031-07-01", "2031-07-01"]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "UTC", "Pacific/Auckland"])
def test_the_latest_day_of_results_is_the_same_in_every_zone(tmp_path: Path, zone: str) -> None:
    code = """
from racing.importers.files.dates import FileDates, NotADate
for day in ("2031-07-01", "2031-07-02", "2031-07-03"):
    try:
        print(FileDates().date(day, 2))
    except NotADate:
        print("refused")
"""
    noon = dt.datetime(2031, 7, 1, 12, 0, tzinfo=dt.UTC)  # it is 2 July where days begin first
    assert printed(tmp_path, code, noon, zone).split() == ["2031-07-01", "2031-07-02", "refused"]


def test_what_is_named_as_slow_is_there() -> None:
    assert [path for path in SLOW if not (ROOT / path).exists()] == []
