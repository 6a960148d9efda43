"""How soon a page of the front end is there: ``python -m benchmarks.frontend``.

It starts the service and the front end on what ``make run`` has made, and fetches every page of the menu in
turn: the first request to a fresh front end, then ``--rounds`` more. The reference, interleaved, is
``GET /model_status`` of the service itself, which every page needs. In Chromium: from the navigation until
all of it is drawn (``loadEventEnd``), the first time with an empty cache, and again.
"""

import statistics
import time

import click
import httpx
from playwright.sync_api import Browser
from rich.console import Console
from rich.table import Table

from benchmarks.frontend.browser import chromium, drawn_ms
from greyhound_client import GreyhoundClient
from tests.frontend.screenshots import menu, started


@click.command(help=__doc__)
@click.option("--rounds", default=30, show_default=True, type=click.IntRange(3))
def main(rounds: int) -> None:
    """Measure, and print a table."""
    with chromium() as browser, started() as running, httpx.Client(timeout=30) as http:
        first_ms = _ms(http, running.pages)
        paths = [*menu(browser, running.pages), *_newest_race(running.service)]
        times: dict[str, list[float]] = {path: [] for path in [*paths, "the service"]}
        for _ in range(rounds):
            for path in paths:
                times[path].append(_ms(http, running.pages + path))
            times["the service"].append(_ms(http, f"{running.service}/model_status"))
        drawn = {path: _drawn_twice_ms(browser, running.pages + path) for path in paths}
    _print(first_ms, times, drawn)


def _newest_race(service: str) -> list[str]:
    """Return the path of the newest stored race, the page with the most work: it explains every runner."""
    with GreyhoundClient(service) as greyhound:
        days = greyhound.race_days(limit=1).race_days
        return [f"/race/{greyhound.races(day.date).races[-1].id}" for day in days]


def _ms(http: httpx.Client, address: str) -> float:
    start = time.perf_counter()
    http.get(address).raise_for_status()
    return 1e3 * (time.perf_counter() - start)


def _drawn_twice_ms(browser: Browser, address: str) -> tuple[float, float]:
    """Return the milliseconds until a page is drawn, with an empty cache and again."""
    context = browser.new_context()
    page = context.new_page()
    first, again = drawn_ms(page, address), drawn_ms(page, address)
    context.close()
    return first, again


def _print(first_ms: float, times: dict[str, list[float]], drawn: dict[str, tuple[float, float]]) -> None:
    reference = statistics.median(times.pop("the service"))
    table = Table(title=f"ms; GET /model_status of the service takes {reference:.1f}", title_justify="left")
    for heading in ("page", "median", "worst", "x service", "drawn, empty cache", "drawn again"):
        table.add_column(heading, justify="left" if heading == "page" else "right")
    for path, ms in times.items():
        middle = statistics.median(ms)
        figures = (middle, max(ms), middle / reference, *drawn[path])
        table.add_row(path, *(f"{value:.1f}" for value in figures))
    console = Console()
    console.print(table)
    console.print(f"The first page of a fresh front end: {first_ms:.0f} ms (target 200).")


if __name__ == "__main__":
    main()
