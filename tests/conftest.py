"""What several suites need: the folder of real files, where there is one, and a PostgreSQL server."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _spool(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let services that tests start spool into a folder of this run, never into the checkout's."""
    os.environ["GREYHOUND_SPOOL"] = str(tmp_path_factory.mktemp("spool"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real samples, or skip."""
    folder = Path(os.environ.get("GREYHOUND_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "form_guides").is_dir():
        pytest.skip(f"no real files at {folder} (GREYHOUND_TEST_DATA names another folder)")
    return folder


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """Return the URL of an empty PostgreSQL database, or skip."""
    return new_postgresql_database(postgresql_server)


def new_postgresql_database(postgresql_server: str) -> str:
    """Make an empty database and return its URL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(
        f"host={postgresql_server} user=greyhound dbname=postgres", autocommit=True
    ) as server:
        server.execute(f"create database {name}")
    return f"postgresql+psycopg://greyhound@/{name}?host={postgresql_server}"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Return the socket folder of a PostgreSQL server started for the tests, or skip."""
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
            [initdb, "-D", data, "-U", "greyhound", "-A", "trust", "--no-sync"],
            capture_output=True,
            text=True,
            cwd="/",
            user=user,
        )
        if made.returncode:
            pytest.skip(f"PostgreSQL does not start here: {made.stderr.strip()[-200:]}")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        control = [initdb.with_name("pg_ctl"), "-D", data]
        log = ["-l", Path(folder) / "log"]
        subprocess.run(
            [*control, *log, "-w", "-o", options, "start"],
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
