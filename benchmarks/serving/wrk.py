"""Asking a server as fast as it answers, by wrk, and reading what wrk tells."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Measured(NamedTuple):
    """What a time of asking brought."""

    p50_ms: float
    p99_ms: float
    per_s: float
    """Answers a second, whatever they were."""
    n_answers: int
    n_errors: int
    """Answers that were no 200, and requests that had none: refused connections, broken ones, time-outs."""


def is_installed() -> bool:
    """Return whether wrk is."""
    return shutil.which("wrk") is not None


def ask(url: str, script: Path, n_clients: int, seconds: float) -> Measured:
    """Ask for what a script says, with keep-alive clients on one thread; at least for a second."""
    command = ["wrk", "-t1", f"-c{n_clients}", f"-d{max(1, round(seconds))}", "--latency", "-s", str(script)]
    done = subprocess.run([*command, f"{url}/predict"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"wrk failed at {url}: {done.stderr.strip() or done.stdout.strip()}")
    return read(done.stdout)


def read(output: str) -> Measured:
    """Return the figures of what wrk has printed."""
    p50, p99 = (re.search(rf"\b{q}%\s+([\d.]+)(us|ms|s|m)\b", output) for q in (50, 99))
    rate, n = re.search(r"Requests/sec:\s+([\d.]+)", output), re.search(r"(\d+) requests in", output)
    if not (p50 and p99 and rate and n):
        raise SystemExit(f"the output of wrk cannot be read:\n{output}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    n_errors = sum(int(number) for found in (refused, lost) if found for number in found.groups())
    p50_ms, p99_ms = (float(found[1]) * _UNITS_MS[found[2]] for found in (p50, p99))
    return Measured(p50_ms, p99_ms, float(rate[1]), int(n[1]), n_errors)


def write_script(path: Path, cards: Sequence[str]) -> Path:
    """Write a script that asks for some cards in turn, and return its path."""
    bodies = ",\n".join(f"[==[{card}]==]" for card in cards)
    path.write_text(
        f"local bodies, n = {{{bodies}}}, 0\n"
        'local headers = {["Content-Type"] = "application/json"}\n'
        "function request()\n  n = n % #bodies + 1\n"
        '  return wrk.format("POST", nil, headers, bodies[n])\nend\n'
    )
    return path
