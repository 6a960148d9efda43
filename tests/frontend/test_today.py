"""Today and the races to come: the board, files dropped on it, a live race, reports with a key."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from greyhound_client import GreyhoundClient
from greyhound_client.models import UpcomingRaceOut
from service.security.api_keys import add_key
from tests.frontend.builders import (
    NARROW,
    WIDE,
    follow,
    opened,
    running_front_end,
    serious_findings,
    sideways,
)
from tests.racing.importers.builders import FORM_HEADER, form_row
from tests.racing.seasons import make_season
from tests.service.builders import make_registry, running_service
from tests.service.keys import wait_until_keys_are_read

NAMES = ("Anna", "Bela", "Cora", "Dora", "Edda", "Fips", "Gina", "Hans")
ZONES = {"Ballarat": "Australia/Melbourne", "Angle Park": "Australia/Adelaide", "Romford": "Europe/London"}


@dataclass(frozen=True)
class Running:
    """A service with races to come, its pages, and a key that may report."""

    service: str
    pages: str
    client: GreyhoundClient
    key: str

    def race(self, track: str, number: int) -> UpcomingRaceOut:
        """A race of the board."""
        listed = self.client.upcoming(predict=True).races
        return next(one for one in listed if (one.track, one.race_number) == (track, number))


def card(track: str, number: int, minutes: float, n_runners: int = 8, **changes: Any) -> dict[str, Any]:
    """A card that is due so many minutes from now; each has dogs of its own, which are priced."""
    off = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)).replace(microsecond=0)
    runners = [
        {"name": f"{name} {track.split()[0]} {'ABCDEFGHIJKL'[number]}", "box": box, "price": 2.0 + box}
        for box, name in enumerate(NAMES[:n_runners], start=1)
    ]
    about = {
        "track": track,
        "race_number": number,
        "distance_m": 400,
        "off_at": off.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return (
        about
        | {"date": off.astimezone(ZoneInfo(ZONES[track])).date().isoformat(), "runners": runners}
        | changes
    )


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A day of nine races at three tracks: one of them due a while ago, the others in an hour and later."""
    folder = tmp_path_factory.mktemp("today")
    season = make_season(folder, n_races=20)
    key = add_key(season, "desk", ["results"])[1]
    cards = [
        *(card("Ballarat", number, 60 + 20 * number) for number in range(1, 5)),
        card("Angle Park", 1, -20),
        *(card("Angle Park", number, 50 + 20 * number) for number in (2, 3)),
        *(card("Romford", number, 75 + 20 * number, 6) for number in (1, 2)),
    ]
    cards[2]["runners"].append({"name": "Ilse Ballarat", "box": 9})
    cards[3]["runners"][1]["is_scratched"] = True
    settings: dict[str, Any] = {"database": str(season.url), "keys_poll_s": 0.2}
    registry = make_registry(folder / "registry")
    # What an open page shows within ten minutes has come over the stream of events.
    with (
        running_service(registry, **settings) as service,
        running_front_end(service.url, live_s=600) as pages,
    ):
        wait_until_keys_are_read(service)
        with GreyhoundClient(service.url, api_key=key) as client:
            client.send_cards(cards)
            yield Running(service.url, pages, client, key)


@pytest.fixture(scope="module")
def page(browser: Browser, day: Running) -> Iterator[Page]:
    """A page that all tests share; statuses that they bring about themselves stand in its console."""
    with opened(browser, f"{day.pages}/race?on=2026-01-01", allowed=("401", "403", "422")) as shared:
        yield shared


def win_of(page: Page) -> dict[str, float]:
    """Each runner's chance of winning, as the answer has it."""
    answer = json.loads(page.locator("#json").text_content() or "")
    return {one["name"]: one["win_probability"] for one in answer["runners"]}


def names(page: Page) -> list[str]:
    """The runners that start, from the top."""
    rows = page.locator(".runners > [role=rowgroup]:not(.head) > [role=row]:not(.not-starting)")
    return [" ".join(text.split()) for text in rows.locator("[role=cell].name").all_text_contents()]


def test_the_next_race_stands_first_with_a_countdown_and_what_the_service_says_of_it(
    page: Page, day: Running
) -> None:
    race = day.race("Ballarat", 1)
    assert race.prediction is not None
    assert race.prediction.top_pick is not None
    assert race.prediction.disagrees is not None
    page.goto(f"{day.pages}/race")
    meetings = page.locator(".meeting h2")
    expect(meetings.nth(0)).to_contain_text("Ballarat")
    first = page.locator(".cell").first
    expect(first).to_have_class("cell next")
    expect(first.get_by_role("link")).to_have_attribute("href", f"/race/{race.id}")
    expect(first.locator(".rug").first).to_have_text(f"box {race.prediction.top_pick.box}")
    expect(first.locator(".fair")).to_contain_text(f"{race.prediction.top_pick.fair_price:.2f}")
    differs = first.locator(".differs")
    expect(differs).to_contain_text(race.prediction.disagrees.name)
    expect(differs).to_contain_text(f"{race.prediction.disagrees.price:.1f}"[:3])
    expect(first.locator(".marks")).to_contain_text("8 no form")
    expect(page.locator(".cell", has_text="R4").first).to_contain_text("1 scr")
    expect(page.locator(".cell", has_text="result?")).to_have_count(1)
    assert race.off_at is not None
    at_track = race.off_at.astimezone(ZoneInfo("Australia/Melbourne"))
    expect(first.locator("time")).to_contain_text(f"{at_track:%H:%M}")
    countdown = first.locator(".countdown")
    expect(countdown).to_contain_text("in ")
    page.evaluate("document.querySelector('.cell .countdown').dataset.until = new Date(Date.now() + 90500)")
    expect(countdown).to_contain_text("in 1:")
    with page.expect_navigation():
        first.get_by_role("link").press("Enter")
    expect(page.locator("h1")).to_have_text("Ballarat, race 1")


def test_without_scripts_the_time_stands_and_columns_are_sorted_by_links(
    browser: Browser, day: Running
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{day.pages}/race")
    expect(page.locator(".cell").first.locator(".countdown")).to_have_text("")
    expect(page.locator(".cell").first.locator("time")).to_be_visible()
    follow(page.locator(".cell").first.get_by_role("link"))
    by_chance = names(page)
    follow(page.locator("[data-column=price] a"))
    assert "sort=price" in page.url
    expect(page.locator("[data-column=price]")).to_have_attribute("aria-sort", "ascending")
    assert [name.split()[0] for name in names(page)] == list(NAMES)
    follow(page.get_by_role("button", name=f"Scratch {by_chance[-1]}", exact=True))
    assert names(page) == [name for name in sorted(by_chance) if name != by_chance[-1]]
    assert sum(win_of(page).values()) == pytest.approx(1)
    context.close()


def test_a_column_is_sorted_where_it_stands_and_reversed(page: Page, day: Running) -> None:
    page.goto(f"{day.pages}/race/{day.race('Ballarat', 1).id}")
    head = page.locator("[data-column=box]")
    head.locator("a").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert [name.split()[0] for name in names(page)] == list(NAMES)
    head.locator("a").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert [name.split()[0] for name in names(page)] == list(reversed(NAMES))
    assert "sort" not in page.url


def test_scratching_a_runner_shares_its_chance_and_the_first_reserve_steps_in(
    page: Page, day: Running
) -> None:
    race = day.race("Ballarat", 3)
    page.goto(f"{day.pages}/race/{race.id}")
    before = win_of(page)
    page.get_by_label("When a runner is scratched").check()
    follow(page.get_by_role("button", name="Scratch Cora Ballarat D"))
    expect(page.get_by_role("status").filter(has_text="first reserve")).to_have_text(
        "Ilse Ballarat (9), the first reserve, takes box 3."
    )
    after = win_of(page)
    assert after["Cora Ballarat D"] == 0
    assert after["Ilse Ballarat"] > 0 == before["Ilse Ballarat"]
    assert sum(after.values()) == pytest.approx(1)
    follow(page.get_by_role("link", name="as it is stored"))
    assert win_of(page) == before


def test_edges_and_stakes_stand_beside_the_sentence_on_past_edges(page: Page, day: Running) -> None:
    page.goto(f"{day.pages}/race/{day.race('Ballarat', 2).id}")
    expect(page.locator("[data-column=stake]")).to_have_count(0)
    page.get_by_text("Show stakes, by a fraction").click()
    page.get_by_label("Fraction of Kelly").fill("0.25")
    page.get_by_label("Bank", exact=True).fill("1000")
    follow(page.get_by_role("button", name="Show stakes"))
    assert "kelly=0.25&bank=1000" in page.url
    expect(page.locator(".caution")).to_contain_text("Past edges were none against closing prices")
    chances = win_of(page)
    prices = {name: 3.0 + index for index, name in enumerate(sorted(chances))}
    for row in page.locator(".runners [role=row]:has([data-value-stake])").all():
        name = row.locator("[data-value-name]").get_attribute("data-value-name") or ""
        edge = chances[name] * prices[name] - 1
        stake = 1000 * min(0.25 * max(edge, 0) / (prices[name] - 1), 0.05)
        shown = row.locator(".edge").get_attribute("data-value-edge") or ""
        assert float(shown) == pytest.approx(edge)
        expect(row.locator("[role=cell].stake")).to_have_text(f"{stake:.2f}")


def test_an_open_race_shows_a_scratching_and_a_price_that_others_send(page: Page, day: Running) -> None:
    race = day.race("Angle Park", 3)
    page.goto(f"{day.pages}/race/{race.id}")
    page.get_by_text("Change the market’s prices").click()
    page.get_by_label("Price of Anna Angle D").fill("9.5")
    day.client.scratch(race.id, "Hans Angle D")
    row = page.locator(".not-starting", has_text="Hans Angle D")
    expect(row).to_contain_text("Scratched")
    expect(page.get_by_label("Price of Anna Angle D")).to_have_value("9.5")  # what is half typed stays
    follow(page.get_by_role("button", name="Compare").last)
    expect(page.locator("[data-value-price='9.5']")).to_have_count(1)
    expect(page.locator("[data-value-price='4.0']")).to_have_count(1)


def test_the_open_day_shows_a_scratching_by_the_stream_of_events_and_without_it_by_polling(
    browser: Browser, page: Page, day: Running
) -> None:
    race = day.race("Ballarat", 2)
    cell = f".cell:has(#race-{race.id}) .marks"
    with (
        running_front_end(day.service, live_s=0.5) as polling,
        opened(browser, polling, allowed=("Failed to load resource",)) as without,
    ):
        without.route("**/live/events*", lambda route: route.abort())
        without.goto(f"{polling}/race")
        page.goto(f"{day.pages}/race")
        for n_scratched, name in enumerate(("Dora Ballarat C", "Fips Ballarat C"), start=1):
            day.client.scratch(race.id, name)
            expect(page.locator(cell)).to_contain_text(f"{n_scratched} scr")
            expect(without.locator(cell)).to_contain_text(f"{n_scratched} scr")


def test_a_scratching_is_stored_with_a_key_and_with_none_but_it(page: Page, day: Running) -> None:
    race = day.race("Angle Park", 2)
    page.goto(f"{day.pages}/race/{race.id}")
    for key in ("gh_wrong", day.key):
        if not page.locator("#store-scratching[open]").count():
            page.get_by_text("Store a scratching").click()
        page.get_by_label("Runner", exact=True).select_option(label="2 Bela Angle C")
        page.locator("#scratching-key").fill(key)
        follow(page.get_by_role("button", name="Store it"))
        if key != day.key:
            expect(page.get_by_role("alert")).to_contain_text("Nothing was stored")
            assert key not in page.content()
    expect(page.locator(".not-starting")).to_contain_text("Bela Angle C")
    assert day.race("Angle Park", 2).scratched == ["Bela Angle C"]


def test_a_result_is_noted_by_box_and_the_board_shows_the_winner(page: Page, day: Running) -> None:
    race = day.race("Angle Park", 1)
    page.goto(f"{day.pages}/race/{race.id}")
    page.get_by_text("Note the result").first.click()
    page.get_by_label("First", exact=True).select_option(label="2 Bela Angle B")
    page.get_by_label("Second", exact=True).select_option(label="2 Bela Angle B")
    page.locator("#result-key").fill(day.key)
    follow(page.get_by_role("button", name="Note the result"))
    expect(page.get_by_role("alert")).to_contain_text("A runner has one place")
    page.get_by_label("Second", exact=True).select_option(label="1 Anna Angle B")
    page.get_by_label("level with the first").check()
    page.get_by_label("Third", exact=True).select_option(label="5 Edda Angle B")
    page.locator("#result-key").fill(day.key)
    follow(page.get_by_role("button", name="Note the result"))
    expect(page.locator(".verdict")).to_contain_text("won in a dead heat")
    places = page.locator(".runners [data-value-finish]").evaluate_all(
        "cells => cells.map((cell) => cell.textContent.trim()).filter((text) => text !== '–')"
    )
    assert sorted(places) == ["1st", "1st", "3rd"]
    page.goto(f"{day.pages}/race?on={race.date}")
    cell = page.locator(f".cell:has(#race-{race.id})")
    expect(cell).to_contain_text("Bela Angle B")
    expect(cell).to_have_class("cell over")


def test_a_british_race_has_six_traps_in_their_colours_and_two_places(page: Page, day: Running) -> None:
    page.goto(f"{day.pages}/race/{day.race('Romford', 1).id}")
    expect(page.locator("[data-column=box]")).to_contain_text("Trap")
    expect(page.locator(".field")).to_contain_text("one of the first 2")
    fills = page.locator(".bar .run").evaluate_all(
        "bars => Object.fromEntries(bars.map((bar) => [bar.classList[1], getComputedStyle(bar).fill]))"
    )
    assert fills["b2"] == "rgb(27, 79, 179)"
    assert fills["b5"] == "rgb(240, 128, 25)"
    assert "jacket-6" in fills["b6"]
    card_of_own = f"{day.pages}/race/card?date=2026-06-29&track=Romford&distance_m=400&name1=Ada&name2=Bo"
    page.goto(card_of_own)
    expect(page.locator(".rug.b2.british").first).to_be_visible()


def test_a_dropped_bad_file_does_not_stop_the_good_ones(page: Page, day: Running, tmp_path: Path) -> None:
    good = tmp_path / "Race 6 - BAL - 14 March 2026.csv"
    good.write_text("\n".join([FORM_HEADER, form_row("1. Sir Tick"), form_row("2. Nala's Ghost")]) + "\n")
    bad, broken, cards = tmp_path / "holiday.csv", tmp_path / "half.json", tmp_path / "cards.json"
    bad.write_text("some,thing\n1,2\n")
    broken.write_text('{"cards": [')
    two = [card("Ballarat", 8, 300), card("Ballarat", 9, 320)]
    cards.write_text(json.dumps({"cards": two}))
    page.goto(f"{day.pages}/race")
    page.locator("#cards").set_input_files([bad, good, broken, cards])
    follow(page.get_by_role("button", name="Read them"))
    expect(page.get_by_role("alert")).to_contain_text("2 were not read")
    expect(page.get_by_role("alert")).to_contain_text("holiday.csv")
    expect(page.get_by_role("alert")).to_contain_text("half.json: it begins as JSON and is none")
    rows = page.locator(".dropped tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Ballarat, race 6")
    expect(rows.nth(1)).to_contain_text("Anna Ballarat I")
    assert serious_findings(page) == []
    with pytest.raises(StopIteration):
        day.race("Ballarat", 8)  # nothing is stored without a key
    follow(page.get_by_role("button", name="Open Ballarat, race 8"))
    expect(page.locator("h1")).to_have_text("Ballarat, race 8")
    page.goto(f"{day.pages}/race")
    page.locator("#cards").set_input_files([bad, cards])
    page.locator("#drop-key").fill(day.key)
    follow(page.get_by_role("button", name="Read them"))
    expect(page.get_by_role("alert")).to_contain_text("holiday.csv")
    expect(page.get_by_role("heading", name="2 races stored")).to_be_visible()
    assert day.race("Ballarat", 8).n_runners == 8


def test_more_than_may_be_dropped_at_once_is_refused(day: Running) -> None:
    address = f"{day.pages}/race/drop"
    large = httpx.post(address, files={"cards": ("a.csv", b"x" * (17 * 2**20))}, timeout=60)
    assert large.status_code == 413
    many = [("cards", (f"{number}.csv", b"", "text/csv")) for number in range(203)]
    answer = httpx.post(address, files=many, timeout=60)
    assert answer.status_code == 422
    assert "203 were not read" in answer.text
    assert httpx.post(address, data={"key": "x"}).status_code == 422


def test_a_day_without_races_says_how_to_get_cards(page: Page, day: Running) -> None:
    page.goto(f"{day.pages}/race?on=2026-01-01")
    expect(page.locator(".empty")).to_contain_text("greyhound import cards")
    expect(page.locator(".empty")).to_contain_text("greyhound watch")
    follow(page.get_by_role("link", name="Tomorrow"))
    expect(page.get_by_role("link", name="Tomorrow")).to_have_attribute("aria-current", "page")


def test_the_day_is_open_to_everyone(page: Page, day: Running) -> None:
    race = f"{day.pages}/race/{day.race('Romford', 2).id}?kelly=0.5"
    for address, details in (
        (f"{day.pages}/race", ()),
        (race, ("#stakes", "#prices", "#store-scratching")),
    ):
        page.goto(address)
        for one in details:
            page.locator(f"{one} > summary").click()
        assert serious_findings(page) == []
        assert sideways(page) == []
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": NARROW, "height": 900})
        assert serious_findings(page) == []
        assert sideways(page) == []
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": WIDE, "height": 900})
