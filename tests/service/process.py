"""The service as a process of its own, whose memory and log can be watched."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class ServiceProcess:
    """``greyhound serve`` in another process."""

    url: str
    pid: int
    client: httpx.Client
    log: Path

    def resident_mb(self) -> float:
        """Its resident memory."""
        n_pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return n_pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def service_process(registry: str, folder: Path, **settings: str) -> Iterator[ServiceProcess]:
    """A process that is ready; what it logs goes to a file in the folder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    values = {"registry": registry, "database": f"sqlite:///{folder}/none.db", "port": str(port)}
    values |= {"kept_champion": ""} | settings
    environment = os.environ | {f"GREYHOUND_{name.upper()}": value for name, value in values.items()}
    command = [sys.executable, "-c", "from greyhound.cli import main; main()", "serve"]
    log = folder / "service.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + 60
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while True:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                try:
                    if client.get("/health/ready").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield ServiceProcess(f"http://127.0.0.1:{port}", process.pid, client, log)
    finally:
        process.terminate()
        process.wait(timeout=20)
