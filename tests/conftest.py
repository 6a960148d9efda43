"""What several suites need: the folder of real files, where there is one, and a PostgreSQL server."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real samples, or skip."""
    folder = Path(os.environ.get("GREYHOUND_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "form_guides").is_dir():
        pytest.skip(f"no real files at {folder} (GREYHOUND_TEST_DATA names another folder)")
    return folder


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Return the URL of a PostgreSQL server started for the tests, or skip."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = found[-1] if found else Path(shutil.which("initdb") or "/absent/initdb")
    if not initdb.exists():
        pytest.skip("PostgreSQL is not installed (initdb is neither in PATH nor in /usr/lib/postgresql)")
    as_other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        data = Path(folder) / "data"
        if as_other:
            shutil.chown(folder, "postgres")
        made = subprocess.run(
            [*as_other, initdb, "-D", data, "-U", "greyhound", "-A", "trust", "--no-sync"],
            capture_output=True,
            text=True,
            cwd="/",
        )
        if made.returncode:
            pytest.skip(f"PostgreSQL does not start here: {made.stderr.strip()[-200:]}")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        control = [*as_other, initdb.with_name("pg_ctl"), "-D", data]
        log = ["-l", Path(folder) / "log"]
        subprocess.run(
            [*control, *log, "-w", "-o", options, "start"], check=True, cwd="/", capture_output=True
        )
        try:
            yield f"postgresql+psycopg://greyhound@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd="/", capture_output=True)
