"""How soon pages are drawn while others crowd in: ``python -m benchmarks.frontend.under_load``.

It makes a season of its own, with a log of ``--cards`` answered cards, and starts service and front end.
In Chromium each page is opened ``--rounds`` times: alone, while ``--clients`` others fetch pages as fast as
they are answered and three keep reloading the track record, and with 300 silent connections besides. A page
that fails ends it with an error.
"""

import os
import random
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import httpx
from playwright.sync_api import Browser
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, insert, select

from benchmarks.frontend.browser import chromium, drawn_ms
from racing.database.tables import Race
from racing.predictions.reading import read_unread
from racing.predictions.tables import PREDICTION
from tests.frontend.past import log_past_predictions
from tests.frontend.screenshots import started
from tests.racing.seasons import make_season
from tests.service.builders import make_registry, running_service

PAGES = ("/", "/race", "/race/1", "/models", "/models/1", "/record")


@click.command(help=__doc__)
@click.option("--cards", default=10_000, show_default=True, type=click.IntRange(100))
@click.option("--clients", default=50, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
def main(cards: int, clients: int, rounds: int) -> None:
    """Measure, and print a table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        season, registry = make_season(folder, n_races=2000), make_registry(folder / "registry")
        _fill_log(season, registry, cards)
        os.environ |= {"GREYHOUND_REGISTRY": registry, "GREYHOUND_DATABASE": str(season.url)}
        os.environ |= {"GREYHOUND_LOG_PREDICTIONS": "false", "GREYHOUND_KEPT_CHAMPION": ""}
        url = stack.enter_context(started()).pages
        browser = stack.enter_context(chromium())
        found = {"alone": _drawn(browser, url, rounds)}
        with _load(url, clients) as answers:
            found[f"{clients} clients, 3 at the record"] = _drawn(browser, url, rounds)
            with ExitStack() as silent:
                port = int(url.rpartition(":")[2])
                for _ in range(300):
                    silent.enter_context(socket.create_connection(("127.0.0.1", port)))
                found["and 300 silent"] = _drawn(browser, url, rounds)
    _print(found, answers)
    failed = {status: n for status, n in answers.items() if status != 200}
    if failed:
        raise click.ClickException(f"answers of the load that are no page: {failed}")


def _fill_log(season: Engine, registry: str, cards: int) -> None:
    """Log each race's answer as often as it takes."""
    with season.connect() as connection:
        ids = list(connection.execute(select(Race.__table__.c.id).limit(cards)).scalars())  # type: ignore[attr-defined]
    with running_service(registry, database=str(season.url), log_predictions=False) as service:
        log_past_predictions(season, service.url, ids[::-1][: min(len(ids), 500)])
    with season.begin() as connection:
        rows = [dict(row) for row in connection.execute(select(PREDICTION)).mappings()]
        more = [
            {**rows[n % len(rows)], "writer": "again", "number": n, "request_id": f"again-{n}"}
            for n in range(cards - len(rows))
        ]
        connection.execute(insert(PREDICTION), [{k: v for k, v in row.items() if k != "id"} for row in more])
    while read_unread(season):
        pass


@contextmanager
def _load(url: str, clients: int) -> Iterator[Counter[int]]:
    """Let other clients send requests as fast as they are answered; yield the counts of their statuses."""
    is_over, answers = threading.Event(), Counter[int]()

    def ask(paths: tuple[str, ...]) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not is_over.is_set():
                answers[client.get(random.choice(paths)).status_code] += 1

    visitors = [threading.Thread(target=ask, args=(PAGES,)) for _ in range(clients)]
    visitors += [threading.Thread(target=ask, args=(("/record",),)) for _ in range(3)]
    for thread in visitors:
        thread.start()
    try:
        yield answers
    finally:
        is_over.set()
        for thread in visitors:
            thread.join()


def _drawn(browser: Browser, url: str, rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds until each page is drawn, round by round."""
    times: dict[str, list[float]] = {path: [] for path in PAGES}
    for _ in range(rounds):
        for path in PAGES:
            context = browser.new_context()
            times[path].append(drawn_ms(context.new_page(), url + path))
            context.close()
    return times


def _print(found: dict[str, dict[str, list[float]]], answers: Counter[int]) -> None:
    table = Table(title="ms until drawn in Chromium, empty cache: median (worst)", title_justify="left")
    table.add_column("page")
    for heading in found:
        table.add_column(heading, justify="right")
    for path in PAGES:
        row = (sorted(times[path]) for times in found.values())
        table.add_row(path, *(f"{times[len(times) // 2]:.0f} ({times[-1]:.0f})" for times in row))
    console = Console()
    console.print(table)
    console.print(f"The load was answered: {dict(answers)}")


if __name__ == "__main__":
    main()
