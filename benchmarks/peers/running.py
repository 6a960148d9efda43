"""Run a server, ask it, and see how it goes."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from benchmarks.peers.peer import Peer, Place, Rows

START_S, STOP_S = 180, 30
_NO_CHATTER = {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "ORT_DISABLE_TELEMETRY": "1"}


class NotRunning(Exception):
    """A server that did not start, or gave no right answer."""


@dataclass(slots=True)
class Running:
    """A server that answers."""

    url: str
    process: subprocess.Popen[bytes]
    body: Any
    start_s: float
    """From the start of its process to its first answer."""
    answered: Sequence[float]
    """The win probabilities that it gave."""


@contextmanager
def running(peer: Peer, place: Place, features: Sequence[str], rows: Rows) -> Iterator[Running]:
    """Start it, wait for its first right answer, and stop it and all that it started."""
    folder = place.folder / peer.name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    place = replace(place, port=_free_port(), folder=folder)
    python, body = peer.python(), peer.body(features, rows)
    # its own environment comes first, for what it starts itself
    path = f"{Path(python).parent}:{os.environ['PATH']}"
    settings = {**os.environ, **_NO_CHATTER, "PYTHONPATH": os.getcwd(), "PATH": path, **peer.settings(place)}
    with (folder / "log").open("wb") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            [python, *peer.command(place)], env=settings, stdout=log, stderr=log, start_new_session=True
        )
        url = f"http://127.0.0.1:{place.port}{peer.path}"
        try:
            answered = _first_answer(peer, process, url, body, folder / "log")
            yield Running(url, process, body, time.perf_counter() - start, answered)
        finally:
            stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Tell it to stop, and kill what is left of it and its children."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    for pid in left_over(process.pid):
        os.kill(pid, signal.SIGKILL)
    process.wait()


def left_over(session: int) -> list[int]:
    """Return the processes of a session that are still there, zombies left out."""
    return [pid for pid, (state, _, of, _) in _processes().items() if of == session and state != "Z"]


def cpu_s(session: int) -> float:
    """Return the seconds of processor that a session's processes and their children took so far."""
    seen = _processes()
    ours = {pid for pid, (_, _, of, _) in seen.items() if of == session}
    while grown := {pid for pid, (_, parent, _, _) in seen.items() if parent in ours} - ours:
        ours |= grown
    return sum(seen[pid][3] for pid in ours)


def _processes() -> dict[int, tuple[str, int, int, float]]:
    """Return for each process its state, parent, session and seconds of processor."""
    found, tick = {}, os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        taken = (int(fields[11]) + int(fields[12])) / tick
        found[int(stat.parent.name)] = (fields[0], int(fields[1]), int(fields[3]), taken)
    return found


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk measured."""

    p50_ms: float
    p99_ms: float
    per_s: float
    """Right answers a second."""
    cpu_ms: float
    """Milliseconds of processor that the server took for a right answer; hardly hurt by a busy machine."""


def wrk(server: Running, script: Path, n_clients: int, seconds: int) -> Load:
    """Ask with so many clients for so long."""
    before = cpu_s(server.process.pid)
    command = [
        "wrk",
        "-t1",
        f"-c{n_clients}",
        f"-d{seconds}",
        "--timeout",
        "10",
        "--latency",
        "-s",
        str(script),
    ]
    output = subprocess.run([*command, server.url], capture_output=True, text=True, check=True).stdout
    taken = cpu_s(server.process.pid) - before
    p50, p99 = (_ms(re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", output)) for share in (50, 99))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    n = re.search(r"(\d+) requests in", output)
    if rate is None or n is None:
        raise RuntimeError(f"wrk gave no rate: {output}")
    right = 1 - int(bad[1]) / max(int(n[1]), 1) if bad else 1.0
    return Load(p50, p99, float(rate[1]) * right, 1000 * taken / max(int(n[1]) * right, 1))


def script(path: Path, body: Any) -> Path:
    """Write what wrk sends."""
    path.write_text(
        f"wrk.method = 'POST'\nwrk.body = [==[{json.dumps(body)}]==]\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
    )
    return path


def _first_answer(
    peer: Peer, process: "subprocess.Popen[bytes]", url: str, body: Any, log: Path
) -> Sequence[float]:
    last = "no answer"
    for _ in range(START_S * 50):
        if process.poll() is not None:
            raise NotRunning(f"{peer.name} ended with {process.returncode}: {log.read_text()[-2000:]}")
        try:
            answer = httpx.post(url, json=body, timeout=30)
            if answer.status_code == 200:
                return peer.answer(answer.json())
            last = answer.text
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise NotRunning(f"{peer.name} gave no right answer within {START_S} s: {last[-500:]}")


def _free_port() -> int:
    """Return a port that is free, as are the two behind it."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
        try:
            for more in (1, 2):
                socket.create_server(("127.0.0.1", port + more)).close()
        except OSError:
            continue
        return port


def _ms(found: "re.Match[str] | None") -> float:
    if found is None:
        raise RuntimeError("wrk gave no latency")
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]
