"""A PostgreSQL server for the tests, from whatever is installed, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


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
