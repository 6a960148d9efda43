"""Models: versions, their record, and promotions and rollbacks by a key that is typed and stored nowhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.frontend.builders import (
    NARROW,
    WIDE,
    follow,
    opened,
    running_front_end,
    schemes,
    serious_findings,
    sideways,
)
from tests.service.builders import RunningService, make_registry, open_registry, running_service
from tests.service.keys import service_with_keys
from tests.service.trained import make_trained_registry, register_trained

FIGURES = {
    "Race log loss": "1.5900",
    "Market information": "76.0\u202f%",
    "Calibration error": "0.0070",
    "Gates passed": "2 of 2",
}


@dataclass(frozen=True)
class Shop:
    """Two versions that were trained, a service with keys, and the pages over it."""

    url: str
    service: RunningService
    registry: str
    promoter: str
    reader: str


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened_shop(tmp_path) as shop:
        yield shop


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop to look at only; its version 2 failed its gates."""
    with opened_shop(tmp_path_factory.mktemp("seen")) as shop:
        open_registry(shop.registry).record_gates(2, ["calibrated: too bold"])
        yield shop


@contextmanager
def opened_shop(folder: Path) -> Iterator[Shop]:
    registry = make_trained_registry(folder, 1.59, 1.57)
    scopes = {"ada": "promote", "bob": "read"}
    with (
        service_with_keys(folder, registry, **scopes) as (service, keys),
        running_front_end(service.url) as url,
    ):
        promoter, reader = (keys[name]["Authorization"].removeprefix("Bearer ") for name in scopes)
        yield Shop(url, service, registry, promoter, reader)


def confirm(page: Page, key: str, reason: str = "better on July") -> None:
    page.get_by_label("Why, for the record").fill(reason)
    page.get_by_label("API key with the scope").fill(key)
    page.locator("main form button").click()


def test_a_versions_figures_stand_beside_the_baselines(browser: Browser, seen: Shop) -> None:
    with opened(browser, f"{seen.url}/models/1") as page:
        expect(page.locator("h1")).to_contain_text("Version 1")
        figures = {title: page.locator(".figures div", has_text=title).locator("b") for title in FIGURES}
        assert {title: large.inner_text() for title, large in figures.items()} == FIGURES
        table = page.get_by_role("table").filter(has_text="Rated price")
        rows = table.locator("tbody th").all_inner_texts()
        assert rows == ["Uniform", "Box only", "Rated price", "This model", "Market (BSP/SP)"]
        assert table.locator("tr.marked .way").inner_text().strip() == "76\u202f%"
        expect(page.locator("figure .chart[data-drawn]")).to_have_attribute(
            "aria-label", "Reliability: 10 of 10 bins lie where a perfect model's would"
        )
        for message in ("SMOTE-NC", "Platt scaling", "0.3100 before, 0.0139 after", "30 a family", "XGBoost"):
            expect(page.locator("main")).to_contain_text(message)


def test_opened_details_and_the_bins_stay_open_while_the_page_lives(browser: Browser, shop: Shop) -> None:
    with opened(browser, f"{shop.url}/models/2") as page:
        page.locator("#bins summary").click()
        open_registry(shop.registry).promote(2, reason="better on July")
        expect(page.locator("h1")).to_contain_text("serves")
        expect(page.locator("#bins table")).to_be_visible()


def test_a_promotion_states_the_difference_and_is_seen_in_another_tab(browser: Browser, shop: Shop) -> None:
    with opened(browser, shop.url) as other, opened(browser, f"{shop.url}/models") as page:
        follow(page.get_by_role("link", name="Promote version 2"))
        expect(page.locator(".lead")).to_have_text(
            "Version 2 would serve instead of version 1. Its race log loss is 0.0200 lower, which is better."
        )
        change = page.get_by_role("row").filter(has_text="Market information").locator("td").last
        expect(change).to_have_text("+4.0 points, better")
        confirm(page, shop.promoter)
        expect(page.locator(".notice.good")).to_contain_text(
            "Done. Version 2 serves instead of 1; on record as no. 2, by ada."
        )
        expect(page.locator(".serving")).to_contain_text("Version 2")
        expect(page.locator(".record li").first).to_contain_text("better on July")
        expect(other.locator("h1")).to_contain_text("Version 2")
    stored = open_registry(shop.registry).history()[-1]
    assert (stored.version, stored.by, stored.reason) == (2, "ada", "better on July")


def test_a_rollback_goes_back_and_says_to_which_version(browser: Browser, shop: Shop) -> None:
    open_registry(shop.registry).promote(2, reason="a try")
    shop.service.wait_until(lambda status: status["version"] == 2)
    with opened(browser, f"{shop.url}/models") as page:
        follow(page.get_by_role("link", name="Roll back to version 1"))
        expect(page.locator(".lead")).to_contain_text("0.0200 higher, which is worse")
        confirm(page, shop.promoter, "prices were late")
        expect(page.locator(".notice.good")).to_contain_text("Version 1 serves instead of 2")
        expect(page.locator(".record li").first).to_contain_text("Rolled back to version 1")
        expect(page.get_by_role("link", name="Roll back")).to_have_count(0)


def test_a_wrong_key_changes_nothing_and_is_in_no_page_and_no_cookie(browser: Browser, shop: Shop) -> None:
    with opened(browser, f"{shop.url}/models/2/promote", allowed=("401", "403")) as page:
        for key, reported in (
            ("gh_none_such", "The API key is refused"),
            (shop.reader, "does not allow this"),
        ):
            confirm(page, key)
            expect(page.get_by_role("alert")).to_contain_text(reported)
            expect(page.get_by_label("API key")).to_have_value("")
            expect(page.get_by_label("Why, for the record")).to_have_value("better on July")
            assert key not in page.content()
        assert page.context.cookies() == []
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert len(open_registry(shop.registry).history()) == 1


def test_the_front_ends_own_key_promotes_nothing(tmp_path: Path) -> None:
    registry = make_trained_registry(tmp_path, 1.59, 1.57)
    with service_with_keys(tmp_path, registry, ada="promote read") as (service, keys):
        own = keys["ada"]["Authorization"].removeprefix("Bearer ")
        with running_front_end(service.url, api_key=own) as url:
            requested = {"reason": "x", "key": " ", "instead_of": "1"}
            answer = httpx.post(f"{url}/models/2/promote", data=requested)
            assert answer.status_code == 422
            assert "takes an API key" in answer.text
            cross = httpx.post(
                f"{url}/models/2/promote",
                data=requested | {"key": own},
                headers={"Sec-Fetch-Site": "cross-site"},
            )
            assert cross.status_code == 403
    assert len(open_registry(registry).history()) == 1


def test_a_version_that_failed_its_gates_takes_force_which_is_stated(
    browser: Browser, shop: Shop, tmp_path: Path
) -> None:
    register_trained(tmp_path, 3, passes=False, loss=1.62)
    with opened(browser, f"{shop.url}/models", allowed=("409",)) as page:
        row = page.get_by_role("row").filter(has_text="Version 3")
        expect(row).to_contain_text("failed")
        follow(row.get_by_role("link", name="Promote version 3"))
        expect(page.locator(".notice.bad")).to_contain_text("0.031 must be at most 0.015")
        confirm(page, shop.promoter)  # the browser asks for the tick first
        expect(page.locator("h1")).to_contain_text("Promote version 3")
        assert len(open_registry(shop.registry).history()) == 1
        page.get_by_label("although it failed its gates").check()
        page.locator("main form button").click()
        expect(page.locator(".notice.good")).to_contain_text("Version 3 serves")
        expect(page.locator(".record li").first).to_contain_text("by force")
    assert open_registry(shop.registry).history()[-1].forced


def test_a_change_made_meanwhile_is_shown_before_anything_is_done(
    browser: Browser, shop: Shop, tmp_path: Path
) -> None:
    register_trained(tmp_path, 3, loss=1.6)
    with opened(browser, f"{shop.url}/models/3/promote", allowed=("409",)) as page:
        open_registry(shop.registry).promote(2, reason="meanwhile", by="bob")
        shop.service.wait_until(lambda status: status["version"] == 2)
        confirm(page, shop.promoter)
        expect(page.get_by_role("alert")).to_contain_text("Version 2 serves by now")
        expect(page.locator(".lead")).to_contain_text("instead of version 2")
        assert open_registry(shop.registry).champion_version_number() == 2


def test_the_keyboard_alone_promotes(browser: Browser, shop: Shop) -> None:
    with opened(browser, f"{shop.url}/models") as page:
        link = page.get_by_role("link", name="Promote version 2")
        for _ in range(40):
            page.keyboard.press("Tab")
            if link.evaluate("link => link === document.activeElement"):
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/promote")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.get_by_label("Why, for the record").evaluate("one => one === document.activeElement"):
                break
        page.keyboard.type("by keyboard")
        page.keyboard.press("Tab")
        page.keyboard.type(shop.promoter)
        page.keyboard.press("Enter")
        expect(page.locator(".notice.good")).to_contain_text("Version 2 serves")


def test_the_service_stopped_and_started_under_an_open_page(browser: Browser, tmp_path: Path) -> None:
    registry = make_trained_registry(tmp_path, 1.59, 1.57)
    with running_service(registry) as service:
        address = service.url
    with running_front_end(address) as url, opened(browser, f"{url}/models", allowed=("503",)) as page:
        expect(page.locator("h1")).to_have_text("The service does not answer")
        port = int(address.rpartition(":")[2])
        with running_service(registry, port=port):
            expect(page.locator(".serving")).to_contain_text("Version 1")
        expect(page.locator("h1")).to_have_text("The service does not answer")
        confirming = httpx.post(
            f"{url}/models/2/promote", data={"reason": "x", "key": "k", "instead_of": "1"}
        )
        assert confirming.status_code == 503


def test_the_registry_away_and_an_empty_one_are_reported(browser: Browser, tmp_path: Path) -> None:
    registry = make_trained_registry(tmp_path / "away", 1.59)
    with (
        running_service(registry) as service,
        running_front_end(service.url) as url,
        opened(browser, f"{url}/models", allowed=("503",)) as page,
    ):
        (tmp_path / "away" / "mlflow.db").rename(tmp_path / "gone.db")
        expect(page.locator(".notice.bad")).to_contain_text("The registry is away")
        expect(page.locator(".notice.bad")).to_contain_text("Version 1 serves on")
        assert serious_findings(page) == []
    with (
        running_service(make_registry(tmp_path / "empty", exponents=(), promote=None)) as service,
        running_front_end(service.url) as url,
        opened(browser, f"{url}/models") as page,
    ):
        expect(page.locator(".empty")).to_contain_text("no version yet")


def test_the_report_is_shown_and_runs_no_script_but_ours(browser: Browser, seen: Shop) -> None:
    with opened(browser, f"{seen.url}/models") as page:
        with page.context.expect_page() as opening:
            page.get_by_role("link", name="Training report of version 2").click()
        report = opening.value
        expect(report.locator("h1")).to_have_text("Report of version 2")
        assert report.locator("h1").evaluate("one => getComputedStyle(one).color") == "rgb(0, 128, 128)"
        assert report.evaluate("origin") == "null"
    policy = httpx.get(f"{seen.url}/models/2/report").headers["content-security-policy"]
    rules = dict(rule.partition(" ")[::2] for rule in policy.split("; "))
    assert rules["sandbox"] == "allow-scripts"
    assert all(source.startswith("'sha256-") for source in rules["script-src"].split())


@pytest.mark.parametrize("path", ["/models/9", "/models/9/report", "/models/9/promote"])
def test_a_version_that_is_not_there_is_a_page_that_says_so(seen: Shop, path: str) -> None:
    answer = httpx.get(seen.url + path)
    assert answer.status_code == 404
    assert "no such version" in answer.text.lower()


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_pages_are_open_to_everyone(browser: Browser, seen: Shop, width: int) -> None:
    for path in ("/models", "/models/2", "/models/2/promote", "/models/rollback"):
        with opened(browser, seen.url + path, width=width) as page:
            for scheme in schemes(page):
                assert serious_findings(page) == [], (path, scheme)
            assert sideways(page) == [], path
