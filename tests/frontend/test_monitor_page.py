"""Monitor: what serves and is it well, live; what is empty, away or refused is reported."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from racing.monitor.alarms import Finding, raise_alarms
from tests.frontend.builders import (
    NARROW,
    WIDE,
    opened,
    running_front_end,
    schemes,
    serious_findings,
    sideways,
)
from tests.frontend.judged_log import JudgedLog, inputs_that_moved, judged_log, log_races
from tests.service.builders import (
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
)
from tests.service.keys import service_with_keys
from tests.service.trained import make_trained_registry


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A front end over a service whose champion was trained."""
    registry = make_trained_registry(tmp_path_factory.mktemp("registry"), 1.59, 1.57)
    with running_service(registry) as service, running_front_end(service.url) as url:
        yield url


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JudgedLog]:
    """A front end over a service with 300 judged races, inputs that moved, and an alarm of each severity."""
    with judged_log(tmp_path_factory.mktemp("judged"), 300) as log:
        log.look(inputs_that_moved())
        with log.engine.begin() as connection:
            raise_alarms(connection, [PRICES_GONE, RATING_MOVED])
        yield log


PRICES_GONE = Finding(
    kind="inputs",
    subject="prices",
    severity="critical",
    text="No card has prices.",
    todo="Look at their source.",
)
RATING_MOVED = Finding(
    kind="quality",
    subject="version 1",
    severity="warning",
    text="Version 1 has become worse.",
    todo="Look at the inputs that moved.",
)


def test_an_alarm_is_shown_in_its_colour_with_what_to_do(browser: Browser, judged: JudgedLog) -> None:
    with opened(browser, judged.url) as page:
        expect(page.locator(".verdict.bad")).to_have_text("Alarm No card has prices. And 1 more alarm.")
        critical, warning = page.locator(".rows li").all()
        expect(critical.locator(".mark.bad, .tag.bad")).to_have_count(2)
        expect(critical).to_contain_text("No card has prices.")
        expect(critical).to_contain_text("What to do: Look at their source.")
        expect(warning.locator(".mark.warn, .tag.warn")).to_have_count(2)
        expect(warning).to_contain_text("What to do: Look at the inputs that moved.")


def test_the_charts_are_drawn_and_their_values_stand_in_tables(browser: Browser, judged: JudgedLog) -> None:
    with opened(browser, judged.url) as page:
        expect(page.locator(".chart[data-drawn]")).to_have_count(3)  # gap, calibration, inputs
        expect(page.locator(".figures div", has_text="Races judged").locator("b")).to_have_text("300")
        page.locator("#gap-table summary").click()
        days = page.locator("#gap-table tbody tr")
        expect(days).to_have_count(30)
        assert days.first.locator("td").all_inner_texts()[0] == "300"  # the last day comes first
        page.locator("#inputs-table summary").click()
        moved = page.locator("#inputs-table tbody tr").first
        expect(moved.locator("th")).to_have_text("market_rating")
        assert float(moved.locator("td").first.inner_text()) > 1


def test_what_is_missing_is_reported_until_it_is_there(browser: Browser, tmp_path: Path) -> None:
    with judged_log(tmp_path, 0) as log, opened(browser, log.url) as page:
        expect(page.locator(".verdict.warn")).to_contain_text("No report has been made yet")
        expect(page.locator(".empty")).to_contain_text("No race is judged yet")
        page.evaluate("window.sameDocument = true")
        log_races(log.engine, 3)
        log.look()
        expect(page.locator(".figures div", has_text="Races judged").locator("b")).to_have_text("3")
        for missing in (
            "too few races for an interval",
            "A curve needs 200 judged runners",
            "A line needs two days with an interval",
            "Nothing was counted",
        ):
            expect(page.locator("main")).to_contain_text(missing)
        expect(page.locator("main")).to_contain_text("Nothing was decided yet")
        assert serious_findings(page) == []
        assert page.evaluate("window.sameDocument")


def test_the_first_page_says_what_serves_and_that_nothing_is_judged_yet(browser: Browser, pages: str) -> None:
    with opened(browser, pages) as page:
        expect(page.locator("h1")).to_contain_text("Version 1")
        expect(page.locator(".headline a")).to_have_attribute("href", "/models/1")
        expect(page.locator(".record")).to_contain_text("the first that passed")
        expect(page.locator("#health").locator("..")).to_contain_text("answers")


def test_a_promotion_changes_the_whole_page_without_a_reload(browser: Browser, tmp_path: Path) -> None:
    registry = make_trained_registry(tmp_path, 1.59, 1.44)
    with (
        running_service(registry) as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        expect(page.locator("h1")).to_contain_text("Version 1")
        page.evaluate("window.sameDocument = true")
        open_registry(registry).promote(2, reason="better on July", by="bob")
        expect(page.locator("h1")).to_contain_text("Version 2")
        expect(page.locator(".record")).to_contain_text("better on July")
        expect(page.locator(".changes")).to_contain_text("Version 2 took over from version 1")
        assert page.evaluate("window.sameDocument")


def test_the_registry_away_leaves_the_champion_and_says_what_is_missing(
    browser: Browser, tmp_path: Path
) -> None:
    registry = make_trained_registry(tmp_path, 1.59)
    with (
        running_service(registry) as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        (tmp_path / "mlflow.db").rename(tmp_path / "gone.db")
        expect(page.locator(".changes")).to_contain_text("the registry, which is away")
        expect(page.locator("h1")).to_contain_text("Version 1")
        expect(page.locator("#health").locator("..")).to_contain_text("there is no registry")
        (tmp_path / "gone.db").rename(tmp_path / "mlflow.db")
        expect(page.locator(".record")).to_contain_text("the first that passed")


def test_a_registry_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    registry = make_trained_registry(tmp_path, 1.59)
    with (
        running_service(registry, registry_timeout_s=5.0) as service,
        running_front_end(service.url) as url,
    ):
        lock = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
        lock.execute("begin exclusive")
        service.wait_until(lambda status: status["registry"]["error"])
        for path, reported in (("/", "the registry, which is away"), ("/models", "The registry is away")):
            start = time.monotonic()
            answer = httpx.get(url + path, timeout=60)
            assert reported in answer.text
            assert time.monotonic() - start < 5, "asking would take 10 s"
        lock.close()


def test_without_a_champion_the_page_says_how_to_get_one(browser: Browser, tmp_path: Path) -> None:
    registry = make_trained_registry(tmp_path, 1.59, promote=None)
    with (
        running_service(registry) as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        expect(page.locator("h1")).to_have_text("No champion yet")
        expect(page.locator(".empty")).to_contain_text("greyhound train")
        assert serious_findings(page) == []
        open_registry(registry).promote(1, reason="at last")
        expect(page.locator("h1")).to_contain_text("Version 1")


def test_a_refused_version_is_reported_with_its_reason(browser: Browser, tmp_path: Path) -> None:
    registry = make_trained_registry(tmp_path, 1.59, 1.57)
    graph = next(open_registry(registry).fetch(2).glob("members/*.onnx"))
    graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")
    with (
        running_service(registry) as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        point_alias_at(registry, 2)
        refusal = page.locator(".changes .rows li")
        expect(refusal).to_contain_text("Version 2")
        expect(refusal).to_contain_text("differs from its digest")
        expect(page.locator("h1")).to_contain_text("Version 1")


def test_simulated_data_and_artifacts_that_tell_little_are_reported(browser: Browser, tmp_path: Path) -> None:
    simulated = make_trained_registry(tmp_path / "simulated", 1.59, is_simulated=True)
    with (
        running_service(simulated) as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        expect(page.locator(".state")).to_contain_text("Simulated data")
    with (
        running_service(make_registry(tmp_path / "handmade")) as service,
        running_front_end(service.url) as url,
        opened(browser, url) as page,
    ):
        page.goto(f"{url}/models/1")
        expect(page.locator(".empty")).to_contain_text("has no figures")
        expect(page.locator("main")).to_contain_text("does not record how it did at the gates")
        assert serious_findings(page) == []


def test_the_status_is_passed_on_unchanged_for_pages_that_exist_already(tmp_path: Path) -> None:
    registry = make_registry(tmp_path)
    with running_service(registry) as service, running_front_end(service.url) as url:
        passed_on, own = httpx.get(f"{url}/api/model_status"), service.client.get("/model_status")
        assert (passed_on.status_code, passed_on.headers["content-type"]) == (200, "application/json")
        assert list(passed_on.json()) == list(own.json())
        same = ("success", "model_type", "version", "digest", "champion_since", "refusals")
        assert {key: passed_on.json()[key] for key in same} == {key: own.json()[key] for key in same}
    with (
        running_service(registry, protect="everything") as service,
        running_front_end(service.url) as url,
    ):
        refused = httpx.get(f"{url}/api/model_status")
        assert refused.status_code == 401
        assert refused.json()["type"] == "urn:greyhound:problem:key-missing"


def test_a_status_that_cannot_be_had_says_so_in_the_keys_that_pages_read() -> None:
    with running_front_end("http://127.0.0.1:9") as url:
        down = httpx.get(f"{url}/api/model_status")
    assert down.status_code == 503
    assert down.json()["success"] is False
    assert "127.0.0.1:9" in down.json()["error"]


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_page_is_open_to_everyone(browser: Browser, judged: JudgedLog, width: int) -> None:
    with opened(browser, judged.url, width=width) as page:
        expect(page.locator(".chart[data-drawn]")).to_have_count(3)
        for one in page.locator("details").all():
            one.locator("summary").press("Enter")
        for scheme in schemes(page):
            assert serious_findings(page) == [], scheme
        assert sideways(page) == []


def test_a_service_behind_keys_says_which_key_the_front_end_needs(browser: Browser, tmp_path: Path) -> None:
    registry = make_trained_registry(tmp_path, 1.59)
    with service_with_keys(tmp_path, registry, {"protect": "everything"}, eve="read") as (service, keys):
        with running_front_end(service.url) as url, opened(browser, url, allowed=("401",)) as page:
            expect(page.locator("h1")).to_have_text("An API key is needed")
            expect(page.locator("main")).to_contain_text("GREYHOUND_FRONTEND_API_KEY")
            expect(page.locator(".state")).not_to_contain_text("Service down")
        key = keys["eve"]["Authorization"].removeprefix("Bearer ")
        with running_front_end(service.url, api_key=key) as url, opened(browser, url) as page:
            expect(page.locator("h1")).to_contain_text("Version 1")
