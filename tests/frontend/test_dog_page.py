"""The search in the head of each page, its results, and a dog's page."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

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
from tests.racing.seasons import LAST_DAY, make_season
from tests.service.builders import RunningService, make_registry, running_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    season = make_season(tmp_path_factory.mktemp("season"), n_races=60)
    registry = make_registry(tmp_path_factory.mktemp("registry"))
    with running_service(registry, database=str(season.url), log_predictions=False) as running:
        yield running


@pytest.fixture(scope="module")
def pages(service: RunningService) -> Iterator[str]:
    with running_front_end(service.url) as url:
        yield url


@pytest.fixture(scope="module")
def dog(service: RunningService) -> dict[str, Any]:
    """The runner with most earlier runs of a race of the last day."""
    races = service.client.get("/races", params={"date": LAST_DAY.isoformat()}).json()["races"]
    runners = service.client.get(f"/races/{races[0]['id']}/form").json()["runners"]
    most = max(runners, key=lambda runner: runner["n_runs"])
    found: dict[str, Any] = service.client.get(f"/dogs/{most['dog_id']}").json()
    return found


def test_the_search_of_every_page_leads_to_the_dog(browser: Browser, pages: str, dog: dict[str, Any]) -> None:
    with opened(browser, f"{pages}/race") as page:
        search = page.get_by_role("searchbox", name="Find a dog or a track")
        search.fill(dog["name"].lower())
        with page.expect_navigation(wait_until="load"):
            search.press("Enter")
        if "/dog/" not in page.url:  # another name or a track holds it
            follow(page.get_by_role("link", name=dog["name"], exact=True))
        assert page.url == f"{pages}/dog/{dog['id']}"
        expect(page.get_by_role("heading", level=1)).to_have_text(dog["name"])
        rows = page.locator(".runs tbody tr")
        expect(rows).to_have_count(len(dog["runs"]))
        expect(rows.first).to_contain_text(dog["runs"][0]["track"])
        n_charts = len({one["rating"] for one in dog["ratings"]})
        expect(page.locator(".ratings figure")).to_have_count(n_charts)
        expect(page.locator(".chart[data-drawn]").first).to_be_visible()
        follow(rows.first.get_by_role("link"))
        assert page.url == f"{pages}/race/{dog['runs'][0]['race_id']}"


def test_a_misspelt_name_brings_the_one_that_was_meant(
    browser: Browser, pages: str, dog: dict[str, Any]
) -> None:
    misspelt = dog["name"][:2] + "q" + dog["name"][2:]
    with opened(browser, f"{pages}/search?q={misspelt}") as page:
        follow(page.get_by_role("link", name=dog["name"], exact=True))
        expect(page.get_by_role("heading", level=1)).to_contain_text(dog["name"])


def test_a_track_is_found_by_its_code_and_what_is_nothing_says_so(browser: Browser, pages: str) -> None:
    with opened(browser, f"{pages}/search?q=w/pk") as page:
        expect(page.get_by_role("region", name="Tracks found")).to_contain_text("Wentworth Park")
        page.goto(f"{pages}/search?q=%25_%27%3C%3E")
        expect(page.get_by_text("No stored dog has such a name.")).to_be_visible()
        page.goto(f"{pages}/search?q={'x' * 500}")
        expect(page.get_by_text("No track has such a name or code.")).to_be_visible()
        page.goto(f"{pages}/search")
        expect(page.get_by_text("Any part of a name will do")).to_be_visible()


def test_what_no_name_may_hold_and_a_dog_that_is_not_there_are_refused_with_the_rule(
    browser: Browser, pages: str
) -> None:
    with opened(browser, f"{pages}/search?q=a%1bb", allowed=("422", "404")) as page:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.goto(f"{pages}/dog/999999")
        expect(page.get_by_text("the database has no dog 999999")).to_be_visible()


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_pages_keep_nobody_out_and_do_not_scroll_sideways(
    browser: Browser, pages: str, dog: dict[str, Any], width: int
) -> None:
    with opened(browser, f"{pages}/dog/{dog['id']}", width=width) as page:
        expect(page.locator(".chart[data-drawn]").first).to_be_visible()
        for scheme in schemes(page):
            assert serious_findings(page) == [], scheme
        assert sideways(page) == []
        page.goto(f"{pages}/search?q=a")
        for scheme in schemes(page):
            assert serious_findings(page) == [], scheme
        assert sideways(page) == []
