"""``/docs`` and ``/redoc`` in a real Chromium that reaches nothing but the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.service.builders import make_registry, running_service


@contextmanager
def cut_off(browser: Browser, url: str, path: str) -> Iterator[Page]:
    """A page whose requests to other hosts are stopped; afterwards: there were none, and no error in it."""
    host, wrong = urlsplit(url).netloc, []
    context = browser.new_context(viewport={"width": 1440, "height": 1000})

    def stop_others(route: Route) -> None:
        if urlsplit(route.request.url).netloc == host:
            route.continue_()
        else:
            wrong.append(f"asked {route.request.url}")
            route.abort()

    context.route(lambda asked: not asked.startswith(("data:", "blob:")), stop_others)
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
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
        said = answer.locator(".microlight").first.inner_text()
        assert '"win_probability"' in said
        assert '"market_probability": 0.4' in said  # the example has a price for every runner
        assert page.get_by_text("Failed to load API definition").count() == 0


def test_the_page_to_read_shows_every_operation(browser: Browser, shown_at: str) -> None:
    with cut_off(browser, shown_at, "/redoc") as page:
        page.get_by_role("heading", name="Win and place probabilities of a race").wait_for()
        assert page.get_by_role("heading", name="The champion and how it got here").count() == 1
        page.get_by_placeholder("Search").fill("rollback")
        page.get_by_role("menuitem", name="Go back to the champion before").first.wait_for()
