"""The page of the track record: its figures are the service's, and an empty one says how to fill it."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from racing.database.engine import open_database
from racing.database.tables import Dog, Run
from racing.importers.runner_prices import REPORTED, write_prices
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
from tests.frontend.past import log_past_predictions
from tests.racing.seasons import LAST_DAY, make_season
from tests.service.builders import RunningService, make_card, make_registry, running_service


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return make_season(tmp_path_factory.mktemp("season"), n_races=60)


MODEL, MARKET = "var(--model)", "var(--market)"


def dots(chart: Locator, colour: str) -> Locator:
    """The dots of a drawn chart that have a colour."""
    return chart.locator(f'.mark-symbol path[fill="{colour}"]')


def races_since(service: RunningService, days: int) -> list[int]:
    """The races of the season's last days."""
    dates = [(LAST_DAY - dt.timedelta(days=back)).isoformat() for back in range(days)]
    return [
        race["id"]
        for date in reversed(dates)
        for race in service.client.get("/races", params={"date": date}).json()["races"]
    ]


@pytest.fixture(scope="module")
def service(registry: str, season: Engine) -> Iterator[RunningService]:
    """A service with the answers of three weeks in its log, and four that came late."""
    with running_service(registry, database=str(season.url), log_predictions=False) as running:
        races = races_since(running, 21)
        log_past_predictions(season, running.url, races[:-4])
        log_past_predictions(season, running.url, races[-4:], days_late=5, version=2)
        store_prices(season, races)
        yield running


def store_prices(season: Engine, races: list[int]) -> None:
    """Store prices of an hour before the off, which are all the same, and of the off: the starting prices."""
    query = select(Run, Dog.key).join(Dog).where(col(Run.race_id).in_(races))
    with Session(season) as session, season.begin() as connection:
        runs = session.exec(query).all()
        dog_ids = {key: run.dog_id for run, key in runs}
        prices = [
            {"date": run.date, "dog_key": key, "race_key": f"race:{run.race_id}", "minutes": minutes,
             "at": dt.datetime.combine(run.date, dt.time(9)) - dt.timedelta(minutes=minutes), "last": price}
            for run, key in runs for minutes, price in ((60, 8.0), (0, run.bsp))
        ]  # fmt: skip
        write_prices(connection, REPORTED, prices, dog_ids)


@pytest.fixture(scope="module")
def pages(service: RunningService) -> Iterator[str]:
    with running_front_end(service.url) as url:
        yield url


def scores(service: RunningService, **requested: Any) -> dict[str, Any]:
    reported: dict[str, Any] = service.client.get("/predictions/score", params=requested).json()
    return reported


def test_the_record_shows_what_the_service_has_judged(
    browser: Browser, service: RunningService, pages: str
) -> None:
    weeks, tracks = scores(service, by="week"), scores(service, by="track")
    with opened(browser, f"{pages}/record") as page:
        figures = page.locator(".figures")
        expect(figures).to_contain_text(str(weeks["total"]["n_races"]))
        expect(figures).to_contain_text(f"{weeks['total']['log_loss']:.4f}")
        expect(figures).to_contain_text(f"market {weeks['total']['market_log_loss']:.4f}")
        n_runners = sum(one["n_runners"] for one in weeks["calibration"])
        assert n_runners >= 200
        expect(page.locator(".chart[data-drawn]")).to_have_count(4)
        by_week, calibration, clock, races = page.locator(".chart").all()
        minutes = service.client.get("/predictions/by-minutes").json()["minutes"]
        assert [one["minutes"] for one in minutes] == [60, 0]
        assert minutes[0]["n_races"] == minutes[1]["n_races"] == weeks["total"]["n_races"]
        assert minutes[1]["market_loss"] == pytest.approx(weeks["total"]["market_log_loss"])
        assert minutes[0]["market_loss"] == pytest.approx(weeks["total"]["uniform_log_loss"])
        assert dots(clock, MODEL).count() == dots(clock, MARKET).count() == len(minutes)
        through_the_clock = page.get_by_role("region", name="Through the clock").locator("tbody tr")
        expect(through_the_clock).to_have_count(2)
        expect(through_the_clock.last).to_contain_text(f"{minutes[1]['market_loss']:.4f}")
        assert dots(by_week, MODEL).count() == dots(by_week, MARKET).count() == len(weeks["groups"])
        assert dots(calibration, MODEL).count() == len(weeks["calibration"])
        assert dots(races, MODEL).count() == min(20, weeks["total"]["n_races"])
        total = weeks["total"]
        low, high = (
            f"{total[f'behind_market_{end}']:+.4f}".replace("-", "\u2212") for end in ("low", "high")
        )
        expect(figures).to_contain_text(f"95 % interval {low} to {high}")
        by_week.locator(".mark-rect path").first.hover()
        expect(page.locator("#vg-tooltip-element")).to_contain_text(f"{weeks['groups'][0]['log_loss']:.4f}")
        page.get_by_text("The weeks in figures").click()
        assert page.locator("#weeks tbody tr").count() == len(weeks["groups"])
        by_track = page.locator("section", has=page.get_by_role("heading", name="By track"))
        for track in tracks["groups"]:
            assert track["name"].startswith("Sim ")
            row = by_track.locator("tr", has_text=track["name"])
            expect(row).to_contain_text(f"{track['log_loss']:.4f}")


def test_a_better_week_stands_lower(browser: Browser, service: RunningService, pages: str) -> None:
    losses = [week["log_loss"] for week in scores(service, by="week")["groups"]]
    with opened(browser, f"{pages}/record") as page:
        expect(page.locator(".chart[data-drawn]")).to_have_count(4)
        points = dots(page.locator(".chart").first, MODEL)
        heights = points.evaluate_all("points => points.map((one) => one.getBoundingClientRect().y)")
        order = sorted(range(len(losses)), key=lambda i: losses[i])
        assert order == sorted(range(len(heights)), key=lambda i: -heights[i])
        assert len(losses) >= 3


def test_the_latest_cards_lead_to_their_races(browser: Browser, service: RunningService, pages: str) -> None:
    counted = service.client.get("/predictions", params={"counted": True}).json()["predictions"]
    newest = counted[0]
    assert len(counted) == scores(service)["total"]["n_races"]
    with opened(browser, f"{pages}/record") as page:
        latest = page.locator("section", has=page.get_by_role("heading", name="The latest judged cards"))
        assert latest.locator("tbody tr").count() == min(20, len(counted))
        expect(latest.get_by_text("late", exact=True)).to_have_count(0)
        row = latest.locator("tbody tr").first
        expect(row).to_contain_text(str(LAST_DAY.year))
        expect(row).to_contain_text(newest["track_name"])
        expect(row).to_contain_text(f"{newest['loss']:.3f}")
        follow(row.get_by_role("link"))
        assert page.url == f"{pages}/race/{newest['race_id']}"


def test_a_dot_tells_its_race_and_leads_to_it(browser: Browser, service: RunningService, pages: str) -> None:
    newest = service.client.get("/predictions", params={"counted": True}).json()["predictions"][0]
    with opened(browser, f"{pages}/record") as page:
        expect(page.locator(".chart[data-drawn]")).to_have_count(4)
        dot = dots(page.locator(".chart").nth(3), MODEL).first
        dot.hover()
        box = page.locator("#vg-tooltip-element")
        for text in (str(LAST_DAY.year), newest["track_name"], f"{newest['loss']:.3f}"):
            expect(box).to_contain_text(text)
        with page.expect_navigation(wait_until="load"):
            dot.click()
        assert page.url == f"{pages}/race/{newest['race_id']}"


def test_days_tracks_and_late_cards_are_chosen(browser: Browser, service: RunningService, pages: str) -> None:
    since = (LAST_DAY - dt.timedelta(days=9)).isoformat()
    track = scores(service, by="track", since=since)["groups"][0]
    with opened(browser, f"{pages}/record") as page:
        page.get_by_label("Track", exact=True).fill(track["name"])
        page.get_by_label("From").fill(since)
        follow(page.get_by_role("button", name="Show"))
        wanted = scores(service, track=track["name"], since=since)["total"]
        expect(page.locator(".figures b").first).to_have_text(str(wanted["n_races"]))
        expect(page.get_by_label("Track", exact=True)).to_have_value(track["name"])
        page.goto(f"{pages}/record")
        page.get_by_label("Also cards answered after race day").check()
        follow(page.get_by_role("button", name="Show"))
        expect(page.get_by_text("With hindsight")).to_be_visible()
        expect(page.get_by_text("late", exact=True)).to_have_count(4)
        n_all = scores(service, with_late=True)["total"]["n_races"]
        expect(page.locator(".figures b").first).to_have_text(str(n_all))
        assert n_all == scores(service)["total"]["n_races"] + 4
        page.goto(f"{pages}/record?version=2")
        expect(page.locator(".empty")).to_contain_text("4 judged races were answered later")
        follow(page.get_by_role("link", name="Show those"))
        expect(page.locator(".figures b").first).to_have_text("4")
        expect(page.get_by_text("it needs 200 runners, and there are")).to_be_visible()
        expect(page.locator(".figures")).to_contain_text("too few races for an interval")
        page.goto(f"{pages}/record?track=Nowhere")
        expect(page.locator(".empty")).to_contain_text("No logged card fits")


def test_a_filter_that_breaks_a_rule_says_which(browser: Browser, pages: str) -> None:
    with opened(browser, f"{pages}/record?version=x", allowed=("422",)) as page:
        expect(page.get_by_role("alert")).to_contain_text("Version: Input should be a valid integer")
        expect(page.get_by_label("Version")).to_have_value("x")


def test_an_empty_record_says_how_to_fill_it(browser: Browser, registry: str, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'races.db'}"
    open_database(database, create=True).dispose()
    with (
        running_service(
            registry, database=database, log_interval_s=0.05, spool=str(tmp_path / "s")
        ) as service,
        running_front_end(service.url) as url,
        opened(browser, f"{url}/record") as page,
    ):
        expect(page.locator(".empty")).to_contain_text("Nothing has been answered yet")
        expect(page.get_by_role("link", name="Ask about a race")).to_be_visible()
        assert serious_findings(page) == []
        assert service.predict(make_card(6)).status_code == 200
        service.wait_until(lambda _: service.client.get("/predictions").json()["predictions"])
        page.reload()
        expect(page.locator(".empty")).to_contain_text("1 answered card is logged, and none is judged yet")
        expect(page.locator(".empty")).to_contain_text("greyhound import results results.csv")


def test_without_a_database_the_record_says_what_makes_one(browser: Browser, registry: str) -> None:
    with (
        running_service(registry) as service,
        running_front_end(service.url) as url,
        opened(browser, f"{url}/record", allowed=("503",)) as page,
    ):
        expect(page.get_by_role("alert")).to_contain_text("greyhound simulate")


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_record_is_open_to_everyone(browser: Browser, pages: str, width: int) -> None:
    with opened(browser, f"{pages}/record", width=width) as page:
        page.get_by_text("The weeks in figures").click()
        for scheme in schemes(page):
            assert serious_findings(page) == [], scheme
        assert sideways(page) == []
