"""Chromium, and how long a page takes in it until all of it is drawn."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from playwright.sync_api import Browser, Page, sync_playwright

from tests.frontend.builders import CHROMIUM, is_there

_LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a headless Chromium; an error of the command where there is none."""
    if not is_there():
        raise click.ClickException("there is no Chromium (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def drawn_ms(page: Page, address: str) -> float:
    """Return the milliseconds from the navigation until all of a page is drawn (``loadEventEnd``)."""
    answer = page.goto(address, wait_until="load", timeout=60_000)
    if answer is None or answer.status != 200:
        raise click.ClickException(f"{address} was answered by {answer and answer.status}")
    page.wait_for_function(f"{_LOADED} > 0")
    return float(page.evaluate(_LOADED))
