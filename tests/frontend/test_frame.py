"""What every page has: the line that says what serves, that it stays true, and that trouble is reported."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.frontend.builders import (
    NARROW,
    WIDE,
    opened,
    running_front_end,
    schemes,
    serious_findings,
    sideways,
)
from tests.service.builders import empty_registry, make_registry, open_registry, running_service


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"), exponents=(1.0, 1.5))


def test_a_promotion_is_seen_on_an_open_page_within_seconds(browser: Browser, tmp_path: Path) -> None:
    registry = make_registry(tmp_path, exponents=(1.0, 1.5))
    with (
        running_service(registry) as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        expect(page.locator(".state")).to_contain_text("Version 1 serves")
        open_registry(registry).promote(2, reason="better", by="test")
        expect(page.locator(".state")).to_contain_text("Version 2 serves")
        expect(page.locator("#announcement")).to_have_text("Version 2 serves.")


def test_a_stopped_service_is_reported_and_its_return_brings_the_page_back(
    browser: Browser, registry: str
) -> None:
    with running_service(registry) as service:
        address = service.url
    with running_front_end(address) as url, opened(browser, url, allowed=("503",)) as page:
        expect(page.locator("h1")).to_have_text("The service does not answer")
        expect(page.locator(".state")).to_contain_text("Service down")
        with running_service(registry, port=int(address.rpartition(":")[2])):
            expect(page.locator(".state")).to_contain_text("Version 1 serves")
            expect(page.locator("h1")).not_to_have_text("The service does not answer")


def test_a_service_without_a_champion_is_reported(browser: Browser, tmp_path: Path) -> None:
    empty_registry(tmp_path)
    with (
        running_service(f"sqlite:///{tmp_path}/mlflow.db") as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        expect(page.locator(".state")).to_contain_text("No champion")


def test_the_front_end_says_that_it_is_up_while_the_service_is_not() -> None:
    with running_front_end("http://127.0.0.1:9") as url:
        assert httpx.get(f"{url}/health").status_code == 200
        assert httpx.get(url).status_code == 503


def test_a_change_that_another_sites_page_asks_for_is_refused(registry: str) -> None:
    with running_front_end("http://127.0.0.1:9") as url:
        answer = httpx.post(f"{url}/state", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_what_every_page_has_is_open_to_everyone(browser: Browser, registry: str, width: int) -> None:
    with (
        running_front_end("http://127.0.0.1:9") as url,
        opened(browser, url, width=width, allowed=("503",)) as page,
    ):
        for scheme in schemes(page):
            assert serious_findings(page) == [], scheme
        assert sideways(page) == []


def test_the_keyboard_reaches_the_content_at_once(browser: Browser, registry: str) -> None:
    with (
        running_service(registry) as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#content")).to_be_focused()
