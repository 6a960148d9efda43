"""Pictures of every page, narrow and wide, light and dark: ``make screenshots``.

Without ``--url`` it starts the service and the front end itself, on what ``make run`` has made.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import click
import httpx
from playwright.sync_api import Browser, sync_playwright

from tests.frontend.builders import CHROMIUM, NARROW, WIDE
from tests.ports import free_port

GREYHOUND = [sys.executable, "-m", "greyhound"]


@click.command(help=__doc__)
@click.option("--url", help="A front end that is running already.")
@click.option("--to", "folder", default="var/screenshots", show_default=True, type=click.Path(path_type=Path))
@click.option(
    "--page", "pages", multiple=True, help="A page's address, such as /record; else the whole menu."
)
def main(url: str | None, folder: Path, pages: tuple[str, ...]) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with started() if url is None else nullcontext(Running("", url.rstrip("/"))) as running:
            for path in pages or menu(browser, running.pages):
                for picture in shoot(browser, running.pages, path, folder):
                    print(picture)
        browser.close()


def menu(browser: Browser, address: str) -> list[str]:
    """Return the addresses of the pages that the front end's menu leads to, and the tabs of Race."""
    page, links = browser.new_page(), []
    for path, nav in (("", ".top nav a"), ("/race", ".tabs a")):
        page.goto(address + path)
        found = page.locator(nav)
        links += found.evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    page.close()
    return [link for link in dict.fromkeys(links) if link.startswith("/")]


def shoot(browser: Browser, address: str, path: str, folder: Path) -> Iterator[Path]:
    """Take a page whole, at both widths, light and dark."""
    for width in (NARROW, WIDE):
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = context.new_page()
            page.goto(address + path)  # a page that follows events is never idle
            name = path.strip("/").replace("/", "-").partition("?")[0] or "monitor"
            picture = folder / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=picture, full_page=True)
            context.close()
            yield picture


@dataclass(frozen=True)
class Running:
    """Where a service is, and the front end that shows it."""

    service: str
    pages: str


@contextmanager
def started() -> Iterator[Running]:
    """A service and a front end on free ports, gone afterwards."""
    ports = [free_port(), free_port()]
    service, url = (f"http://127.0.0.1:{port}" for port in ports)
    commands = (
        [*GREYHOUND, "serve", "--port", str(ports[0])],
        [*GREYHOUND, "frontend", "--port", str(ports[1]), "--service", service],
    )
    processes = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        for requested in (f"{service}/health/live", f"{url}/health"):
            _wait(requested)
        yield Running(service, url)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def _wait(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(address).raise_for_status()
            return
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    main()
