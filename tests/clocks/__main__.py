"""Run tests under clocks and zones that they must not depend on: ``make check-clock``.

Those run that are not known to be slow: a new test is among them without being named anywhere. ``make check``
runs all tests beside them under the true clock.
"""

import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.clocks.moments import ALL, Clock
from tests.clocks.shifting import can_be_shifted, make_clock
from tests.clocks.slow import SLOW

ROOT = Path(__file__).parents[2]
DISTRIBUTED = ("--dist", "loadfile", "--no-loadscope-reorder")
"""A module's tests run in one worker, so that what they share is made once."""

#: What is about days, and starts no process.
DAYS = (
    "tests/racing/comparison",
    "tests/racing/experiments",
    "tests/racing/monitor",
    "tests/racing/predictions",
    "tests/racing/test_cards.py",
    "tests/racing/test_track_time.py",
)


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--clocks", default="all", help="all, or the names of some, by commas; or true, the machine's.")
@click.option(
    "--tests",
    type=click.Choice(["days", "fast", "all"]),
    default="fast",
    help="Which tests; days: those about days, which start no process.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def main(clocks: str, tests: str, arguments: tuple[str, ...]) -> None:
    """Run tests under each of the clocks; ARGUMENTS go to pytest."""
    left_out = () if tests == "all" else SLOW
    chosen_tests = [*(DAYS if tests == "days" else ()), *(f"--ignore={path}" for path in left_out)]
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # Those about days run beside all tests: in one process, and in SQLite, whose clock is the process's own.
    command += ["-k", "not postgresql"] if tests == "days" else ["-n", "2", *DISTRIBUTED]
    command += [*chosen_tests, *arguments]
    if clocks == "true" or not can_be_shifted():
        if clocks != "true":
            print("clocks: NOT checked, the tests run under the true one: one that is off takes a C compiler")
        sys.exit(subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode)
    failed = []
    with tempfile.TemporaryDirectory(prefix="clock-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL goes by the clock too, and runs as another user
        clock_of_processes = make_clock(Path(folder))
        for clock in chosen(clocks):
            began = time.monotonic()
            print(f"clocks: {clock.name}, in {clock.zone}", flush=True)
            if not ran(clock, clock_of_processes, command):
                failed.append(clock.name)
            print(f"clocks: {clock.name} took {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        sys.exit(f"clocks: tests fail under {', '.join(failed)}; alone: make check-clock CLOCKS={failed[0]}")


def chosen(names: str) -> tuple[Clock, ...]:
    """Return the clocks of these names."""
    if names == "all":
        return ALL
    known = {clock.name: clock for clock in ALL}
    if unknown := set(names.split(",")) - set(known):
        raise click.UsageError(f"clocks are all, {', '.join(known)}; got {', '.join(sorted(unknown))}")
    return tuple(known[name] for name in names.split(","))


def ran(clock: Clock, clock_of_processes: dict[str, str], command: list[str]) -> bool:
    """Return whether Python goes by the clock, and whether its command succeeds."""
    now = dt.datetime.now(dt.UTC)
    offset = {"CLOCK_OFFSET_S": str(clock.offset_s(now)), "TZ": clock.zone}
    environment = os.environ | clock_of_processes | offset
    shown = subprocess.run(
        [sys.executable, "-c", "import datetime; print(datetime.datetime.now(datetime.UTC))"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds_off = abs((dt.datetime.fromisoformat(shown.stdout.strip()) - clock.begins(now)).total_seconds())
    assert seconds_off < 60, f"the clock is not what it should be: {shown.stdout}"
    return subprocess.run([sys.executable, *command], env=environment, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    main()
