"""A PostgreSQL server for the tests, from whatever is installed, gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.service.living import children_of


@contextmanager
def postgresql(initdb_options: str, *server_options: str) -> Iterator[str]:
    """Run a server and give the folder of its socket, or skip where none can be had."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = found[-1] if found else Path(shutil.which("initdb") or "/absent/initdb")
    if not initdb.exists():
        pytest.skip("PostgreSQL is not installed (initdb is neither in PATH nor in /usr/lib/postgresql)")
    # the server refuses to run as root
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        data = Path(folder) / "data"
        if user:
            shutil.chown(folder, user)
        made = subprocess.run(
            [initdb, "-D", data, "--no-sync", *initdb_options.split()],
            capture_output=True,
            text=True,
            cwd="/",
            user=user,
        )
        if made.returncode:
            pytest.skip(f"PostgreSQL does not start here: {made.stderr.strip()[-200:]}")
        options = " ".join(
            f"-c {option}" for option in (f"unix_socket_directories={folder}", *server_options)
        )
        control = [initdb.with_name("pg_ctl"), "-D", data]
        log = ["-l", Path(folder) / "log"]
        subprocess.run(
            [*control, *log, "-w", "-o", f"{options} -c fsync=off", "start"],
            check=True,
            cwd="/",
            user=user,
            capture_output=True,
        )
        try:
            yield folder
        finally:
            stop = [*control, "-m", "immediate", "stop"]
            subprocess.run(stop, check=True, cwd="/", user=user, capture_output=True)


@contextmanager
def hanging(folder: str) -> Iterator[Callable[[], None]]:
    """Stop all processes of a server, which then takes connections and answers nobody, and let them go on.

    What is given lets them go on before the end of the block. The server itself is stopped first and goes on
    last: it starts no process meanwhile and reaps none, so that none escapes and no id becomes another's.
    """
    postmaster = int((Path(folder) / "data" / "postmaster.pid").read_text().split()[0])
    stopped: list[int] = []

    def go_on() -> None:
        while stopped:
            with suppress(ProcessLookupError):
                os.kill(stopped.pop(), signal.SIGCONT)

    try:
        _stop(postmaster, stopped)
        for pid in children_of(postmaster):
            _stop(pid, stopped)
        yield go_on
    finally:
        go_on()


def _stop(pid: int, stopped: list[int]) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        stopped.append(pid)
