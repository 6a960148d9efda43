"""The built site: no warning, nothing from elsewhere, readable on a phone."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.service.living import wait_until

# What a browser fetches by itself; a link that a person follows may lead anywhere.
_FETCHED = re.compile(
    r"<(?:link|script|img|iframe|source|object)\b[^>]*?\b(?:src|href|data)=[\"']?([^\"'> ]+)"
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Return where the site is shown."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_every_page_fetches_only_what_is_there(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        fetched = _FETCHED.findall(page.read_text())
        assert len(fetched) > 2, page
        for asset in fetched:
            if asset.startswith(("data:", "#")):
                continue
            assert "//" not in asset, f"{page.name} fetches {asset}"
            folder = site if asset.startswith("/") else page.parent  # a page of 404 may be shown anywhere
            file = folder / re.split("[?#]", asset.lstrip("/"))[0]
            assert file.exists(), f"{page.name}: {asset}"


def test_style_sheets_fetch_nothing_from_elsewhere(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\"']+", sheet.read_text()), sheet


def test_a_reader_searches_without_the_network(browser: Browser, address: str) -> None:
    context = browser.new_context()
    requested: list[str] = []
    context.on("request", lambda request: requested.append(request.url))
    page = context.new_page()
    page.goto(f"{address}index.html")
    page.get_by_role("button", name="Search").first.click()
    search = page.get_by_role("combobox", name="Search")
    found = page.get_by_role("listbox").get_by_text("Why not SMOTE").first

    def is_found() -> bool:
        """What is typed before the index is there may be missed, so it is typed again."""
        search.fill("")
        search.fill("SMOTE")
        page.wait_for_timeout(1000)
        return found.is_visible()

    wait_until(is_found)
    context.close()
    assert len(requested) > 5
    assert [url for url in requested if not url.startswith((address, "data:", "blob:"))] == []


def test_no_page_is_wider_than_a_phone(browser: Browser, address: str, site: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    wider = []
    for name in pages:
        page.goto(f"{address}{name}", wait_until="domcontentloaded")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wider.append(name)
    context.close()
    assert wider == []
