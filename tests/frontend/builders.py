"""The front end on a real socket, and pages in a real Chromium that notes whatever goes wrong in them."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page

from frontend import api
from frontend.app import create_app
from frontend.http.connections import server_of
from frontend.settings import FrontendSettings

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or "/absent/chromium"
NARROW, WIDE = 360, 1440


@contextmanager
def running_front_end(service: str, **settings: Any) -> Iterator[str]:
    """The app we ship, under waitress, on a free port; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(
        FrontendSettings(service=service, **{"live_s": 0.2, "cache_s": 0.1, "threads": 24} | settings)
    )
    server = server_of(app, listening, threads=24)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.trigger.pull_trigger(lambda: close(server))  # in its own thread, which is in the midst of it
        thread.join(timeout=60)
        api.close(app)


def close(server: Any) -> None:
    """End a server, in the thread in which it runs."""
    for channel in list(server.active_channels.values()):
        channel.handle_close()
    server.task_dispatcher.shutdown()  # they wake the server once more as they end
    server.close()


@contextmanager
def opened(
    browser: Browser, url: str, *, width: int = WIDE, is_dark: bool = False, allowed: tuple[str, ...] = ()
) -> Iterator[Page]:
    """A page in a browser profile of its own; afterwards: no error in it, no request to other hosts.

    ``allowed`` are pieces of errors that the test brings about itself, such as a status that is reported.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if is_dark else "light",
        permissions=["clipboard-read", "clipboard-write"],
    )
    page, wrong = context.new_page(), []
    host = urlsplit(url).netloc
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on(
        "request",
        lambda requested: (
            wrong.append(f"requested {requested.url}")
            if urlsplit(requested.url).netloc not in (host, "")
            else None
        ),
    )
    try:
        page.goto(url)
        yield page
        left = [message for message in wrong if not any(piece in message for piece in allowed)]
        assert left == [], left
    finally:
        context.close()


def follow(link: Locator) -> None:
    """Click what leads to a page, and wait until that page is there whole.

    A click alone returns while the page before is still shown, and what is counted then is that page's.
    """
    with link.page.expect_navigation(wait_until="load"):
        link.click()


def schemes(page: Page) -> Iterator[str]:
    """Show a page in the light, then in the dark, which only its style sheet tells apart; name each."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(
            "scheme => matchMedia(`(prefers-color-scheme: ${scheme})`).matches", arg=scheme
        )
        page.evaluate("""async () => {
            await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
            await Promise.allSettled(document.getAnimations().map((one) => one.finished));
        }""")
        yield scheme


def serious_findings(page: Page) -> list[str]:
    """What axe finds that keeps people out: findings of serious or critical impact."""
    found = Axe().run(page).response["violations"]
    return [
        f"{finding['id']}: {finding['help']}: {[node['html'][:200] for node in finding['nodes']]}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
    ]


def sideways(page: Page) -> list[str]:
    """What reaches beyond the right edge of the page, scrolling boxes left out."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
        [...document.body.querySelectorAll('*')]
          .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.scroll, pre'))
          .map((one) => one.outerHTML.slice(0, 120)).slice(0, 5).concat('the page scrolls sideways')"""
    )


def is_there() -> bool:
    """Whether this machine has a Chromium."""
    return Path(CHROMIUM).exists()
