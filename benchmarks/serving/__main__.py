"""The service beside a bare FastAPI echo of the same body: ``python -m benchmarks.serving``.

Both are processes of their own on uvicorn, with the same event loop and HTTP parser; the service runs with
its metrics, ids, log lines, prediction log and a race database of 20,000 dogs.  wrk asks both in turns, three
rounds, so that a busy machine is busy for both; what is printed are medians of the rounds, and their ratios.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI, Request, Response
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from benchmarks.serving.season import FILE, bench_season, names_of_dogs
from tests.service.builders import (
    address,
    empty_registry,
    make_card,
    make_model,
    make_past_run,
    make_runner,
)

N_ROUNDS, N_NAMED = 3, 200
PHASES = ("parse", "features", "model", "share", "write", "log")
console = Console(width=100)


def echo() -> FastAPI:
    """Return the app that everything is compared with."""
    app = FastAPI()

    @app.post("/predict")
    async def answer(request: Request) -> Response:
        return Response(await request.body(), media_type="application/json")

    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument(
        "--artifact", type=Path, help="directory of a version; a small one is made if left out"
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument(
        "--soak", type=int, default=0, metavar="N", help="requests while the memory is watched"
    )
    chosen = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        raise SystemExit("this takes wrk (Debian: apt install wrk)")
    with tempfile.TemporaryDirectory(prefix="serving-") as name:
        _measure(Path(name), chosen.artifact, chosen.seconds, chosen.soak)


def _measure(folder: Path, artifact: Path | None, seconds: float, n_soak: int) -> None:
    season = bench_season()
    bodies = {"form": [_card_with_form()], "names": list(_cards_of_names(season))}
    season.dispose()
    database = shutil.copy(FILE, folder / "season.db")  # the prediction log writes to it
    scripts = {what: _script(folder / f"{what}.lua", cards) for what, cards in bodies.items()}
    registry = _registry(folder, artifact)
    table = Table("what", "echo", "service", "ratio", "target", title="The service beside a bare echo")
    with _running(
        ["-m", "uvicorn", "--factory", "benchmarks.serving.__main__:echo", "--no-access-log"]
    ) as echo_url:
        start = time.perf_counter()
        settings = {"database": f"sqlite:///{database}", "registry": registry, "spool": f"{folder}/spool"}
        with _running(_SERVE, folder / "log", **settings) as url:
            with httpx.Client(base_url=url) as client:
                first_ms = [_ask(client, bodies["form"][0]) for _ in range(50)]
            started_s = time.perf_counter() - start - sum(first_ms[1:]) / 1000
            table.add_row("start to first 200, s", "", f"{started_s:.2f}", "", "2.5")
            steady = statistics.median(first_ms[10:])
            table.add_row("first request, ms", f"{steady:.2f} steady", f"{first_ms[0]:.2f}",
                          f"{first_ms[0] / steady:.1f}", "2")  # fmt: skip
            form = _beside(table, "form", echo_url, url, scripts["form"], seconds)
            names = _beside(table, "names", echo_url, url, scripts["names"], seconds)
            table.add_row(
                "p50 of names beside form, ms", f"{form:.2f}", f"{names:.2f}", f"{names / form:.2f}", "1.5"
            )
            _watched(table, url)
            if n_soak:
                _soak(table, url, scripts["form"], n_soak)
    console.print(table)


def _beside(table: Table, what: str, echo_url: str, url: str, script: Path, seconds: float) -> float:
    """Add the rows of one kind of card; return the service's p50 with one client, in ms."""
    p50 = 0.0
    for n_clients in (1, 8, 32):
        rounds = [[_wrk(one, script, n_clients, seconds) for one in (echo_url, url)] for _ in range(N_ROUNDS)]
        echo, service = ([statistics.median(r[i][j] for r in rounds) for j in range(3)] for i in range(2))
        n_errors = sum(r[1][3] for r in rounds)
        if n_clients == 1:
            p50 = service[0]
            _row(table, f"{what}: p50, 1 client, ms", echo[0], service[0], "3")
        else:
            _row(
                table,
                f"{what}: requests/s, {n_clients} clients ({n_errors:.0f} errors)",
                echo[2],
                service[2],
                "0.4",
            )
        if n_clients == 32:
            _row(table, f"{what}: p99, 32 clients, ms", echo[1], service[1], "2")
    return p50


def _row(table: Table, what: str, echo: float, service: float, target: str) -> None:
    table.add_row(what, f"{echo:,.2f}", f"{service:,.2f}", f"{service / echo:.2f}", target)


def _wrk(url: str, script: Path, n_clients: int, seconds: float) -> tuple[float, float, float, float]:
    """Return p50 and p99 in ms, requests a second, and answers that were no 200."""
    command = ["wrk", "-t1", f"-c{n_clients}", f"-d{max(1, round(seconds))}", "--latency", "-s", str(script)]
    told = subprocess.run([*command, f"{url}/predict"], capture_output=True, text=True, check=True).stdout
    p50, p99 = (_ms(re.search(rf"{q}%\s+([\d.]+)(us|ms|s)", told)) for q in (50, 99))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    assert rate is not None, told
    return p50, p99, float(rate[1]), float(failed[1]) if failed else 0.0


def _ms(found: re.Match[str] | None) -> float:
    assert found is not None
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def _watched(table: Table, url: str) -> None:
    """Add what the service says of itself: its phases, its longest pause, its memory."""
    told = httpx.get(f"{url}/metrics").text
    for phase in PHASES:
        total, n = (
            _metric(told, f'greyhound_predict_phase_seconds_{part}{{phase="{phase}"}}')
            for part in ("sum", "count")
        )
        table.add_row(f"phase {phase}, us", "", f"{1e6 * total / max(n, 1):.0f}", "", "")
    table.add_row(
        "longest GC pause, ms", "", f"{1000 * _metric(told, 'greyhound_gc_pause_max_seconds'):.1f}", "", "20"
    )
    table.add_row(
        "resident memory, MB", "", f"{_metric(told, 'process_resident_memory_bytes') / 2**20:.0f}", "", "350"
    )


def _metric(told: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", told, flags=re.M)
    return float(found[1]) if found else 0.0


def _soak(table: Table, url: str, script: Path, n_requests: int) -> None:
    """Ask so often, and add how the memory grew."""
    n_asked, before = 0.0, 0.0
    while n_asked < n_requests:
        n_asked += 20 * _wrk(url, script, 8, 20)[2]
        before = before or _metric(httpx.get(f"{url}/metrics").text, "process_resident_memory_bytes")
    after = _metric(httpx.get(f"{url}/metrics").text, "process_resident_memory_bytes")
    table.add_row(f"growth over {n_asked:,.0f} requests, MB", "", f"{(after - before) / 2**20:.1f}", "", "10")


def _card_with_form() -> str:
    form = [
        make_past_run(date=f"2026-02-{day:02d}", box=day, grade="Grade 5", weight_kg=31.2, first_split_s=5.1,
                      position_in_running="332", starting_price=4.6)
        for day in range(1, 7)
    ]  # fmt: skip
    runners = [make_runner(box, form=form, weight_kg=31.0, price=4.5) for box in range(1, 9)]
    return json.dumps(make_card(8, runners=runners))


def _cards_of_names(season: Engine) -> Iterator[str]:
    for names in names_of_dogs(season, 8, n_cards=N_NAMED):
        runners = [{"name": name, "box": box} for box, name in enumerate(names, start=1)]
        yield json.dumps(make_card(8, date=time.strftime("%Y-%m-%d"), runners=runners))


def _script(path: Path, cards: Sequence[str]) -> Path:
    bodies = ",\n".join(f"[==[{card}]==]" for card in cards)
    path.write_text(
        f"local bodies, n = {{{bodies}}}, 0\n"
        'local headers = {["Content-Type"] = "application/json"}\n'
        "function request()\n  n = n % #bodies + 1\n"
        '  return wrk.format("POST", nil, headers, bodies[n])\nend\n'
    )
    return path


def _registry(folder: Path, artifact: Path | None) -> str:
    if artifact is None:
        artifact = folder / "model"
        make_model(artifact)
        console.print("No --artifact: a model of three features answers, its own time says nothing.")
    registry = empty_registry(folder / "registry")
    registry.register(artifact)
    registry.promote(1, reason="a benchmark", by="benchmark", forced=True)
    return address(folder / "registry")


_SERVE = ["-c", "from greyhound.cli import main; main()", "serve"]


@contextmanager
def _running(arguments: list[str], log: Path | None = None, **settings: str) -> Iterator[str]:
    """Run a server until it answers, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    named = {f"GREYHOUND_{name.upper()}": value for name, value in settings.items()}
    named |= {"OMP_NUM_THREADS": "1", "GREYHOUND_KEPT_CHAMPION": "", "GREYHOUND_LOG_FORMAT": "json"}
    with (log or Path(os.devnull)).open("w") as out:
        command = [sys.executable, *arguments, "--port", str(port)]
        process = subprocess.Popen(command, env=os.environ | named, stdout=out, stderr=out)
        url = f"http://127.0.0.1:{port}"
        try:
            while True:
                try:
                    if httpx.post(f"{url}/predict", content=b"{}").status_code < 500:
                        break
                except httpx.TransportError:
                    pass
                time.sleep(0.01)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def _ask(client: httpx.Client, body: str) -> float:
    start = time.perf_counter()
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
