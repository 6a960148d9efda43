"""``/docs`` and ``/redoc`` in a real Chromium that reaches nothing but the service."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.service.builders import make_card, make_registry, running_service


@contextmanager
def cut_off(browser: Browser, url: str, path: str) -> Iterator[Page]:
    """A page whose requests to other hosts are stopped; afterwards: there were none, and no error in it."""
    host, wrong = urlsplit(url).netloc, []
    context = browser.new_context(viewport={"width": 1440, "height": 1000})

    def stop_others(route: Route) -> None:
        if urlsplit(route.request.url).netloc == host:
            route.continue_()
        else:
            wrong.append(f"requested {route.request.url}")
            route.abort()

    context.route(lambda url: not url.startswith(("data:", "blob:")), stop_others)
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    try:
        page.goto(url + path)
        yield page
        page.wait_for_load_state("networkidle")
        assert wrong == []
    finally:
        context.close()


@pytest.fixture(scope="module", params=["", "/greyhound"])
def shown_at(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service at the root of its host, and one that a proxy shows under a path."""
    root_path = str(request.param)
    with running_service(make_registry(tmp_path_factory.mktemp("registry")), root_path=root_path) as service:
        yield service.url + root_path


def test_trying_out_a_prediction_runs_the_example_as_it_is(browser: Browser, shown_at: str) -> None:
    with cut_off(browser, shown_at, "/docs") as page:
        operation = page.locator("#operations-prediction-predict")
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".live-responses-table")
        assert answer.locator("tbody td.response-col_status").first.inner_text().strip() == "200"
        shown = answer.locator(".microlight").first.inner_text()
        assert '"win_probability"' in shown
        assert '"market_probability": 0.4' in shown  # the example has a price for every runner
        assert page.get_by_text("Failed to load API definition").count() == 0


def test_the_page_to_read_shows_every_operation(browser: Browser, shown_at: str) -> None:
    with cut_off(browser, shown_at, "/redoc") as page:
        page.get_by_role("heading", name="Win and place probabilities of a race").wait_for()
        assert page.get_by_role("heading", name="The champion and how it got here").count() == 1
        page.get_by_placeholder("Search").fill("rollback")
        page.get_by_role("menuitem", name="Go back to the champion before").first.wait_for()


SCRIPT = """async ([url, card]) => {
    const send = (headers, body) => fetch(url + "/predict", {method: "POST", headers, body});
    const zipped = new Blob([card]).stream().pipeThrough(new CompressionStream("gzip"));
    const json = {"Content-Type": "application/json", "X-Request-ID": "page-1"};
    try {
        const body = await new Response(zipped).blob();
        const answer = await send({...json, "Content-Encoding": "gzip"}, body);
        const refused = await send({...json, "X-API-Key": "none"}, "{");
        return [answer.status, answer.headers.get("X-Request-ID"), (await answer.json()).runners[0].name,
                refused.status, (await refused.json()).type];
    } catch (error) { return [String(error)]; }
}"""


class Blank(BaseHTTPRequestHandler):
    """A page of another origin, with nothing on it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def fetched(browser: Browser, url: str, origin: str) -> list[object]:
    """What a script of a page of another origin gets of predictions, or the browser's refusal."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(origin)
    got: list[object] = page.evaluate(SCRIPT, [url, json.dumps(make_card())])
    context.close()
    return got


def test_a_page_of_another_origin_may_call_only_if_it_is_listed(
    browser: Browser, tmp_path: Path, other_port: int
) -> None:
    uri, listed, other = (
        make_registry(tmp_path),
        f"http://localhost:{other_port}",
        f"http://127.0.0.1:{other_port}",
    )
    with running_service(uri, cors_origins=(listed,)) as service:
        unreadable = "urn:greyhound:problem:body-unreadable"
        assert fetched(browser, service.url, listed) == [200, "page-1", "Dog B", 400, unreadable]
        assert fetched(browser, service.url, other) == ["TypeError: Failed to fetch"]
    with running_service(uri) as service:
        assert fetched(browser, service.url, listed) == ["TypeError: Failed to fetch"]
