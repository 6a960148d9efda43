"""Experiments and any two versions: verdicts in words, drawn, started and stopped with a key."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from racing.predictions.tables import COMPARED
from tests.frontend.builders import NARROW, WIDE, follow, opened, schemes, serious_findings, sideways
from tests.frontend.judged_log import JudgedLog, count_races_in, judged_log, put_beside

LONG_NAME = "A_tipster_whose_name_goes_on_and_on_for_as_long_as_a_name_may"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JudgedLog]:
    """One service for all tests here, with 300 races in which version 2 was better than the champion."""
    with judged_log(tmp_path_factory.mktemp("experiments"), 300) as log:
        put_beside(log.engine, "2", gain=0.02)
        put_beside(log.engine, f"prices:{LONG_NAME}", gain=-0.02)
        yield log


@pytest.fixture
def log(shared: JudgedLog) -> JudgedLog:
    """That service while no experiment runs, and none has races."""
    running = shared.service.client.get("/experiments").json()["active"]
    if running is not None:
        shared.post(f"/experiments/{running}/stop", {"reason": "for the next test"})
    with shared.engine.begin() as connection:
        connection.execute(update(COMPARED).values(experiment_id=None))
    return shared


def start(log: JudgedLog, *, n_races: int = 300, **body: object) -> int:
    """Start an experiment of version 2 in which so many races were run."""
    number: int = log.post("/experiments", {"challengers": [2], "reason": "learnt from June too"} | body)[
        "id"
    ]
    count_races_in(log.engine, number, n_races=n_races)
    return number


def fill_in(page: Page, key: str, **fields: str) -> None:
    """Fill the form in which an experiment is started, and send it."""
    for name, value in {"challengers": "2", "reason": "learnt from June too", **fields}.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_label("API key with the scope").fill(key)
    page.get_by_role("button", name="Start").click()


def test_the_two_verdicts_stand_as_sentences_above_their_charts(browser: Browser, log: JudgedLog) -> None:
    start(log)
    with opened(browser, f"{log.url}/experiments") as page:
        version, prices = page.locator(".contestant").all()
        expect(version.locator(".verdict.good")).to_contain_text("Better Version 2 is better than 1 by")
        expect(version.locator(".verdict")).to_contain_text("by outcomes alone not decided yet")
        expect(prices.locator(".verdict.bad")).to_contain_text(f"Worse {LONG_NAME} is worse than version 1")
        expect(prices.locator("h2")).to_contain_text("prices, never serves")
        for one in (version, prices):
            expect(one.locator(".chart[data-drawn]")).to_have_count(2)
        expect(version.locator(".cards section").last).to_contain_text("more races at this rate")
        version.locator("summary").click()
        row = version.get_by_role("row").filter(has_text="By closing prices").locator("td").all_inner_texts()
        assert row[0] == "300"
        assert all(figure.startswith("+0.0") for figure in row[1:])


def test_an_experiment_is_started_with_a_key_stopped_and_on_record(browser: Browser, log: JudgedLog) -> None:
    with opened(browser, f"{log.url}/experiments") as page:
        expect(page.locator(".empty")).to_contain_text("No experiment runs")
        fill_in(page, log.promoter, min_races="60")
        expect(page.locator("#running")).to_contain_text("runs")
        expect(page.locator("main")).to_contain_text("by ada: learnt from June too.")
        expect(page.locator("main")).to_contain_text("The guard recommends only; a person decides.")
        expect(page.locator(".contestant")).to_contain_text("No race so far.")
        started = log.service.client.get("/experiments").json()["experiments"][0]
        assert (started["started_by"], started["policy"]["min_races"]) == ("ada", 60)

        page.get_by_label("Why, for the record").fill("wrong files")
        page.get_by_label("API key with the scope").fill(log.promoter)
        page.get_by_role("button", name="Stop it").click()
        expect(page.locator(".empty")).to_contain_text("No experiment runs")
        row = page.get_by_role("row").filter(has=page.get_by_text(f"Experiment {started['id']}", exact=True))
        expect(row).to_contain_text("Wrong files.")
        follow(row.get_by_role("link"))
        expect(page.locator("h1")).to_have_text(f"Experiment {started['id']}")
        expect(page.locator("main")).to_contain_text("by ada: wrong files.")


def test_what_cannot_be_started_is_reported_and_what_was_typed_is_still_there(
    browser: Browser, log: JudgedLog
) -> None:
    before = log.service.client.get("/experiments").json()
    with opened(browser, f"{log.url}/experiments", allowed=("401", "403", "404", "422")) as page:
        for key, fields, reported in (
            ("gh_none_such", {}, "The API key is refused"),
            (log.reader, {}, "does not allow this"),
            (log.promoter, {"reason": "  "}, "A reason has 1 to 2000 characters"),
            (log.promoter, {"challengers": "2 and 3"}, "\u201cand\u201d is no number"),
            (log.promoter, {"challengers": "2.5"}, "\u201c2.5\u201d is no whole number"),
            (log.promoter, {"min_races": "1e999"}, "\u201c1e999\u201d is no number"),
            (log.promoter, {"min_days": "-1"}, "min_days"),
            (log.promoter, {"challengers": "99"}, "99"),
        ):
            fill_in(page, key, **{"min_races": "61", "min_days": "3"} | fields)
            expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
            expect(page.get_by_role("alert")).to_contain_text(reported)
            expect(page.get_by_role("alert")).not_to_contain_text(re.compile(r"\.\.$"))
            typed = {"challengers": "2", "min_races": "61", "reason": "learnt from June too"} | fields
            for name, value in typed.items():
                expect(page.locator(f"[name={name}]")).to_have_value(value)
            expect(page.get_by_label("API key with the scope")).to_have_value("")
            assert key not in page.content()
        assert page.context.cookies() == []
    assert log.service.client.get("/experiments").json() == before


def test_a_split_says_its_share_which_is_changed_with_a_key(browser: Browser, log: JudgedLog) -> None:
    start(log, mode="split", share=0.25)
    with opened(browser, f"{log.url}/experiments", allowed=("422",)) as page:
        expect(page.locator("main")).to_contain_text("version 2 answers 25\u202f% of the races")
        form = page.locator("form").filter(has_text="Change the share")
        form.locator("[name=share]").fill("much")
        form.locator("[name=key]").fill(log.promoter)
        form.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("\u201cmuch\u201d is no number")
        expect(form.locator("[name=share]")).to_have_value("much")
        form.locator("[name=share]").fill("40")
        form.locator("[name=key]").fill(log.promoter)
        form.get_by_role("button").click()
        expect(page.locator("main")).to_contain_text("version 2 answers 40\u202f% of the races")


def test_too_few_races_are_reported_and_more_of_them_show_without_a_reload(
    browser: Browser, log: JudgedLog
) -> None:
    number = start(log, n_races=0)
    with opened(browser, f"{log.url}/experiments/{number}") as page:
        first = page.locator(".contestant").first
        expect(first).to_contain_text("No race so far.")
        page.evaluate("window.sameDocument = true")
        count_races_in(log.engine, number, n_races=3)
        expect(first).to_contain_text("3 races so far: an interval needs 50 that differ.")
        expect(first.locator(".chart")).to_have_count(0)
        count_races_in(log.engine, number)
        expect(first.locator(".verdict.good")).to_contain_text("Version 2 is better")
        expect(first.locator(".chart[data-drawn]")).to_have_count(2)
        assert page.evaluate("window.sameDocument")


def test_any_two_versions_are_compared_on_the_races_that_both_rated(browser: Browser, log: JudgedLog) -> None:
    with opened(browser, f"{log.url}/models") as page:
        page.get_by_label("The one").select_option("1")
        page.get_by_label("The other").select_option("2")
        follow(page.get_by_role("button", name="Compare"))
        expect(page.locator("h1")).to_have_text("Version 2 beside version 1")
        expect(page.locator(".verdict.good")).to_contain_text("Version 2 is better than 1 by")
        expect(page.locator(".chart[data-drawn]")).to_have_count(2)
        table = page.get_by_role("table").filter(has_text="Race log loss")
        row = table.get_by_role("row").filter(has_text="Race log loss").locator("td").all_inner_texts()
        assert row == ["1.5900", "1.5700", "\u22120.0200 better"]
        follow(page.get_by_role("link", name="The other way round"))
        expect(page.locator(".verdict.bad")).to_contain_text("Version 1 is worse than 2 by")


def test_two_that_cannot_be_compared_are_a_page_that_says_why(log: JudgedLog) -> None:
    with httpx.Client(base_url=log.url, timeout=60) as client:
        for query, status, reported in (
            ("", 200, "Choose the two"),
            ("?a=1&b=1", 200, "Version 1 beside itself differs in nothing"),
            ("?a=2&b=3", 200, "They have no judged race in common"),
            ("?a=1&b=77", 200, "They have no judged race in common"),
            (f"?a=1&b=prices:{LONG_NAME}", 200, f"{LONG_NAME} is worse than version 1"),
            ("?a=1&b=<script>", 422, "The service says (422)"),
            ("?a=1&b=" + "9" * 5000, 422, "The service says (422)"),
        ):
            answer = client.get(f"/models/compare{query}")
            assert (answer.status_code, reported in answer.text) == (status, True), query[:40]


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_pages_are_open_to_everyone(browser: Browser, log: JudgedLog, width: int) -> None:
    number = start(log)
    paths = ("/experiments", f"/experiments/{number}", f"/models/compare?a=1&b=prices:{LONG_NAME}")
    for path in paths:
        with opened(browser, log.url + path, width=width) as page:
            expect(page.locator(".chart[data-drawn]").first).to_be_visible()
            for one in page.locator("details").all():
                one.locator("summary").press("Enter")
            for scheme in schemes(page):
                assert serious_findings(page) == [], (path, scheme)
            assert sideways(page) == [], path
