"""``kill -9`` of a real service process under load: no answer older than a second is lost."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import httpx
import pytest

from tests.service.builders import make_registry, running_service
from tests.service.keeping.builders import Load, away, make_sqlite, wait_for_rows

ROOT = Path(__file__).parents[3]
AT_MOST_S = 1.0


@contextmanager
def serving(registry: str, database: str, spool: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """``greyhound serve`` as a process of its own, ready, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from greyhound.cli import main; main()", "serve", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--registry", registry, "--database", database],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | {"GREYHOUND_SPOOL": str(spool), "GREYHOUND_KEPT_CHAMPION": ""},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None
            assert time.monotonic() < deadline
            try:
                if httpx.get(f"{url}/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield process, url
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.parametrize("is_away", [False, True])
def test_a_killed_service_loses_no_answer_older_than_a_second(tmp_path: Path, is_away: bool) -> None:
    registry, database, spool = make_registry(tmp_path), make_sqlite(tmp_path), tmp_path / "spool"
    with away(database) if is_away else nullcontext():
        with serving(registry, database, spool) as (process, url), Load(url, pause_s=0.002) as load:
            load.wait_for(30)
            time.sleep(1.5 * AT_MOST_S)  # some are older than that now
            load.wait_for(30)
            killed_at = time.monotonic()
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert bool(list(spool.rglob("*.log"))) is is_away
    old = {a.json()["request_id"] for at, a in load.answers if at < killed_at - AT_MOST_S}
    assert len(old) >= 30
    with running_service(registry, database=database, spool=str(spool)):
        rows = wait_for_rows(database, len(old))
    kept = [row.request_id for row in rows]
    assert old <= set(kept)
    assert len(kept) == len(set(kept))
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert list(spool.rglob("*.log")) == []
