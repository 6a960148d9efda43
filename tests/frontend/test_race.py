"""The page about a race: three ways to one, what it shows of it, and what it says when something is wrong."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

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
from tests.racing.importers.builders import FORM_HEADER, form_row
from tests.racing.seasons import LAST_DAY, make_season
from tests.service.builders import RunningService, empty_registry, make_registry, running_service

NAME = "Race 6 - BAL - 14 March 2026.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def registry(folder: Path) -> str:
    return make_registry(folder / "registry")


@pytest.fixture(scope="module")
def season(folder: Path) -> Engine:
    return make_season(folder, n_races=60)


@pytest.fixture(scope="module")
def service(registry: str, season: Engine) -> Iterator[RunningService]:
    with running_service(registry, database=str(season.url), log_predictions=False) as running:
        yield running


@pytest.fixture(scope="module")
def pages(service: RunningService) -> Iterator[str]:
    with running_front_end(service.url) as url:
        yield url


def guide(folder: Path, *rows: str, name: str = NAME) -> Path:
    """A form guide in a file."""
    path = folder / name
    path.write_text("\n".join([FORM_HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def runners(page: Page) -> Any:
    """The rows of the field."""
    return page.locator(".runners > [role=rowgroup]:not(.head) > [role=row]")


def shown(page: Page, column: str) -> list[str]:
    """One column of the field."""
    return [
        " ".join(text.split()) for text in runners(page).locator(f"[role=cell].{column}").all_text_contents()
    ]


def raw_answer(page: Page) -> dict[str, Any]:
    """The answer as the page has it."""
    answer: dict[str, Any] = json.loads(page.locator("#json").text_content() or "")
    return answer


def a_race(service: RunningService) -> int:
    """A race of the season's last day."""
    races = service.client.get("/races", params={"date": LAST_DAY.isoformat()}).json()["races"]
    return int(races[0]["id"])


def test_a_stored_race_is_chosen_by_its_day_and_shown_as_it_was_answered(
    browser: Browser, service: RunningService, pages: str
) -> None:
    day = service.client.get("/race-days").json()["race_days"][2]["date"]
    race = service.client.get("/races", params={"date": day}).json()["races"][0]
    with opened(browser, f"{pages}/race/past") as page:
        page.get_by_label("Race day").first.select_option(day)
        follow(page.get_by_role("button", name="Show"))
        row = page.locator(".meetings > div", has=page.get_by_text(race["track"], exact=True))
        follow(row.get_by_role("link", name=f"Race {race['race_number']}", exact=True))
        assert page.url == f"{pages}/race/{race['id']}"
        expect(page.locator("h1")).to_have_text(f"{race['track']}, race {race['race_number']}")
        reported = service.client.get(f"/races/{race['id']}?prices=at_the_off").json()
        answered = sorted(service.predict(reported["card"]).json()["runners"], key=lambda one: one["rank"])
        assert shown(page, "name") == [one["name"] for one in answered]
        assert shown(page, "box") == [f"Box {one['box']}" for one in answered]
        assert shown(page, "win") == [f"{100 * one['win_probability']:.1f} %" for one in answered]
        assert shown(page, "market") == [f"{100 * one['market_probability']:.1f} %" for one in answered]
        assert shown(page, "both") == [f"{100 * one['combined_probability']:.1f} %" for one in answered]
        finish = {one["name"]: one["finish_position"] for one in reported["outcome"]["runners"]}
        assert [int(text[:-2]) for text in shown(page, "finish")] == [finish[one["name"]] for one in answered]
        expect(page.locator(".verdict")).to_contain_text(f"{reported['outcome']['winners'][0]} won.")
        expect(page.get_by_text("Simulated race")).to_be_visible()
        assert (
            raw_answer(page)["runners"]
            == service.predict(reported["card"], params={"explain": True}).json()["runners"]
        )


def test_bars_are_as_long_as_the_probabilities_and_wear_the_colour_of_the_box(
    browser: Browser, service: RunningService, pages: str
) -> None:
    with opened(browser, f"{pages}/race/{a_race(service)}") as page:
        answer = {one["box"]: one for one in raw_answer(page)["runners"]}
        bars = page.locator("svg.bar").evaluate_all(
            "bars => bars.map((bar) => [bar.getBoundingClientRect().width, "
            "bar.querySelector('.run').getBoundingClientRect().width, "
            "bar.querySelector('.run').classList[1], getComputedStyle(bar.querySelector('.run')).fill])"
        )
        longest = max(max(one["win_probability"], one["market_probability"]) for one in answer.values())
        for whole, length, box, _ in bars:
            share = answer[int(box[1:])]["win_probability"] / longest
            assert length / whole == pytest.approx(share, abs=0.01)
        colours = {box: fill for _, _, box, fill in bars}
        assert colours["b1"] == "rgb(207, 32, 39)"
        assert colours["b5"] == "rgb(246, 201, 21)"
        assert len(set(colours.values())) == len(colours)


def test_the_matrix_of_pairs_has_the_exactas_of_the_service_and_quinellas_as_their_sums(
    browser: Browser, service: RunningService, pages: str
) -> None:
    race = service.client.get(f"/races/{a_race(service)}?prices=at_the_off").json()
    answer = service.predict(race["card"], params={"bets": "exacta", "top": 90}).json()
    exactas = {tuple(one["rugs"]): one["probability"] for one in answer["bets"][0]["combinations"]}
    rugs = sorted({rug for pair in exactas for rug in pair})
    for width in (NARROW, WIDE):
        with opened(browser, f"{pages}/race/{race['id']}", width=width) as page:
            assert not sideways(page)
            matrix, quinellas = page.locator("table.pairs").all()
            cells = matrix.locator("tbody td").all_text_contents()
            expected = [f"{100 * exactas[a, b]:.1f}" if a != b else "" for a in rugs for b in rugs]
            assert cells == expected
            page.get_by_text("In either order").click()
            first = quinellas.locator("tbody td").nth(1)
            expect(first).to_be_visible()
            either = exactas[rugs[0], rugs[1]] + exactas[rugs[1], rugs[0]]
            expect(first).to_have_text(f"{100 * either:.1f}")
            assert page.locator(".likeliest li").count() == 5
            assert "bets" not in raw_answer(page)
            assert not serious_findings(page)


def test_why_names_the_largest_contributions_for_and_against(
    browser: Browser, service: RunningService, pages: str
) -> None:
    with opened(browser, f"{pages}/race/{a_race(service)}") as page:
        first = min(raw_answer(page)["runners"], key=lambda one: one["rank"])
        largest = first["explanation"]["contributions"][0]
        row = page.locator(".reasons [role=row]").nth(1)
        expect(row).to_contain_text(first["name"])
        cell = row.locator(".good" if largest["contribution"] > 0 else ".bad")
        expect(cell).to_contain_text(f"{largest['topic']} ×{largest['multiplies_odds_by']:.2f}")
        page.get_by_text("Every topic of every runner").click()
        assert page.locator("#topics tbody tr").count() == len(raw_answer(page)["runners"])


def test_a_form_guide_becomes_a_field_and_prices_set_the_market_beside_it(
    browser: Browser, pages: str, tmp_path: Path
) -> None:
    rows = [
        form_row("1. Sir Tick"),
        form_row("", date="soon"),
        form_row("2. Nala's Ghost"),
        form_row("8. Cora"),
    ]
    with opened(browser, f"{pages}/race/guide", allowed=("422",)) as page:
        page.get_by_label("Drop an “expert form” CSV").set_input_files(guide(tmp_path, *rows))
        follow(page.get_by_role("button", name="Read it"))
        expect(page.locator("h1")).to_have_text("Ballarat, race 6")
        assert sorted(shown(page, "name")) == ["Cora", "Nala's Ghost", "Sir Tick"]
        expect(page.locator("#not-believed")).to_contain_text("line 3: a date is written")
        assert page.locator(".bar .market").count() == 0
        for name, price in (("Sir Tick", "2.5"), ("Nala's Ghost", "3,5"), ("Cora", "$4")):
            page.get_by_label(f"Price of {name}").fill(price)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator(".bar .market")).to_have_count(3)
        prices = {one["name"]: one["market_probability"] for one in raw_answer(page)["runners"]}
        whole = 1 / 2.5 + 1 / 3.5 + 1 / 4
        assert prices == {
            "Sir Tick": pytest.approx(1 / 2.5 / whole),
            "Nala's Ghost": pytest.approx(1 / 3.5 / whole),
            "Cora": pytest.approx(1 / 4 / whole),
        }
        page.get_by_text("Change the market").click()
        page.get_by_label("Price of Cora").fill("cheap")
        follow(page.get_by_role("button", name="Compare"))
        expect(page.get_by_role("alert")).to_contain_text("Box 8, price: Input should be a valid number")


REFUSED = [
    ([form_row("1. Sir Tick", date="soon"), form_row("Nala")], NAME, "Line 2: a date is written"),
    ([form_row("1. Sir Tick")], NAME, "a card has 2 to 10 runners, got 1"),
    ([form_row("1. Sir Tick"), form_row("2. Nala")], "guide.csv", "does not tell the race's date"),
]


@pytest.mark.parametrize(("rows", "name", "message"), REFUSED)
def test_a_form_guide_that_is_refused_says_the_reason_with_its_line(
    browser: Browser, pages: str, tmp_path: Path, rows: list[str], name: str, message: str
) -> None:
    with opened(browser, f"{pages}/race/guide", allowed=("422",)) as page:
        page.get_by_label("Drop an “expert form” CSV").set_input_files(guide(tmp_path, *rows, name=name))
        follow(page.get_by_role("button", name="Read it"))
        expect(page.get_by_role("alert")).to_contain_text(message)
        expect(page.get_by_role("alert")).to_contain_text(name)
        assert serious_findings(page) == []


def test_day_and_track_that_a_files_name_does_not_tell_are_filled_in(
    browser: Browser, pages: str, tmp_path: Path
) -> None:
    path = guide(tmp_path, form_row("1. Sir Tick"), form_row("2. Nala"), name="guide.csv")
    with opened(browser, f"{pages}/race/guide") as page:
        page.get_by_label("Drop an “expert form” CSV").set_input_files(path)
        page.get_by_text("if the file’s name lacks them").click()
        page.locator("#guide-date").fill("2026-03-15")
        page.locator("#guide-track").fill("Bendigo")
        page.locator("#guide-distance").fill("425")
        follow(page.get_by_role("button", name="Read it"))
        expect(page.locator("h1")).to_have_text("Bendigo")
        expect(page.locator(".about")).to_contain_text("Sun 15 Mar 2026 · 425 m")


def test_a_card_is_filled_in_with_the_keyboard_alone_and_its_address_can_be_shared(
    browser: Browser, service: RunningService, pages: str
) -> None:
    with opened(browser, f"{pages}/race/fill") as page:
        page.get_by_label("Track", exact=True).last.focus()
        for text in ("Sim Park", "400", "Grade 5", "6"):
            page.keyboard.type(text)
            page.keyboard.press("Tab")
        for text in ("Sir Tick", "2.5", "", "", "Nala's Ghost", "4"):
            page.keyboard.type(text)
            page.keyboard.press("Tab")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Sim Park, race 6")
        assert {one["name"]: one["box"] for one in raw_answer(page)["runners"]} == {
            "Sir Tick": 1, "Nala's Ghost": 3
        }  # fmt: skip
        expect(page.locator(".bar .market")).to_have_count(2)
        expect(page.locator(".warnings")).to_contain_text("Sir Tick")
        answer = raw_answer(page)["runners"]
        page.goto(page.url)
        assert raw_answer(page)["runners"] == answer
        follow(page.get_by_role("link", name="Change this card"))
        expect(page.locator("[name=name3]")).to_have_value("Nala's Ghost")
        expect(page.locator("[name=price1]")).to_have_value("2.5")


def status(page: Page, name: str) -> str:
    """What stands in the row of a runner that does not start."""
    row = runners(page).filter(has=page.get_by_text(name, exact=True))
    return " ".join((row.locator("[role=cell].status").text_content() or "").split())


def win_of(page: Page) -> dict[str, float]:
    """Each runner's chance of winning, as the answer has it."""
    return {one["name"]: one["win_probability"] for one in raw_answer(page)["runners"]}


def test_a_runner_is_scratched_and_a_reserve_takes_its_box_with_the_keyboard(
    browser: Browser, pages: str
) -> None:
    address = f"{pages}/race/card?date=2026-06-29&track=Sim+Park&distance_m=400&name1=Anna&price1=2"
    with opened(browser, f"{address}&name3=Bela&price3=4&name6=Cora&price6=5&name9=Dora") as page:
        assert sorted(shown(page, "name")) == ["Anna", "Bela", "Cora", "Dora"]
        assert status(page, "Dora") == "Reserve, no share unless it runs"
        assert win_of(page)["Dora"] == 0
        expect(page.locator(".warnings")).to_contain_text("'Dora' (9) is in reserve")
        page.get_by_role("button", name="Scratch Cora").focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert status(page, "Cora") == "Scratched"
        assert sum(win_of(page).values()) == pytest.approx(1)
        assert win_of(page)["Cora"] == 0
        expect(page.locator(".bar .market")).to_have_count(2)  # the other two have their prices still
        expect(page.locator("#curl")).to_contain_text('"is_scratched": true')
        expect(page.get_by_label("Box that Dora starts from")).to_have_value("6")
        with page.expect_navigation():
            page.get_by_role("button", name="Let run Dora").press("Enter")
        row = runners(page).filter(has=page.get_by_text("from box 6"))
        expect(row).to_contain_text("Dora")
        assert win_of(page)["Dora"] > 0
        assert status(page, "Cora") == "Scratched, its box is taken"
        expect(page.locator(".warnings")).to_contain_text("without a price for 'Dora' (9)")
        assert serious_findings(page) == []
        follow(page.get_by_role("button", name="Rest Dora"))
        follow(page.get_by_role("button", name="Undo the scratching of Cora"))
        assert status(page, "Dora").startswith("Reserve")
        expect(page.locator(".bar .market")).to_have_count(3)


def test_a_runner_of_a_stored_race_is_scratched_beside_how_it_came_out(
    browser: Browser, service: RunningService, pages: str
) -> None:
    race = a_race(service)
    with opened(browser, f"{pages}/race/{race}") as page:
        before, head = win_of(page), page.locator("h1").text_content() or ""
        name = min(before, key=lambda one: before[one])
        follow(page.get_by_role("button", name=f"Scratch {name}", exact=True))
        expect(page.locator("h1")).to_have_text(head)
        expect(page.locator(".verdict")).to_be_visible()
        assert status(page, name) == "Scratched"
        assert sum(win_of(page).values()) == pytest.approx(1)
        follow(page.get_by_role("link", name="as it was run"))
        assert page.url == f"{pages}/race/{race}"
        assert win_of(page) == before


def test_reserves_of_a_form_guide_are_shown_without_a_share(
    browser: Browser, pages: str, tmp_path: Path
) -> None:
    names = ["Anna", "Bela", "Cora", "Dora", "Edda", "Fips", "Gina", "Hans", "Ilse", "Juno"]
    rows = [form_row(f"{number}. {name}") for number, name in enumerate(names, start=1)]
    with opened(browser, f"{pages}/race/guide") as page:
        page.locator("#file").set_input_files(guide(tmp_path, *rows, form_row("11. VACANT")))
        follow(page.get_by_role("button", name="Read it"))
        assert status(page, "Ilse") == status(page, "Juno")
        assert status(page, "Juno").startswith("Reserve, no share unless it runs: scratch a runner")
        assert len(shown(page, "win")) == 8
        expect(page.locator("#not-believed")).to_contain_text("an empty box is left out, got name 'VACANT'")
        follow(page.get_by_role("button", name="Scratch Hans"))
        follow(page.get_by_role("button", name="Let run Juno"))
        expect(runners(page).filter(has=page.get_by_text("from box 8"))).to_contain_text("Juno")
        assert serious_findings(page) == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_reserves_and_the_scratched_are_shown_to_everyone(browser: Browser, pages: str, width: int) -> None:
    address = f"{pages}/race/card?date=2026-06-29&track=Sim+Park&distance_m=400"
    names = "&name1=Anna&price1=2&name3=Bela&price3=3&name6=Cora&price6=4&name9=Dora&name10=Edda"
    with opened(browser, address + names, width=width) as page:
        follow(page.get_by_role("button", name="Scratch Cora"))
        expect(page.get_by_role("button", name="Undo the scratching of Cora")).to_be_visible()
        for scheme in schemes(page):
            assert serious_findings(page) == [], scheme
        assert sideways(page) == []


def test_a_card_that_breaks_a_rule_says_which_and_keeps_what_was_typed(browser: Browser, pages: str) -> None:
    address = f"{pages}/race/card?date=2026-06-29&track=Sim+Park&distance_m=40&name1=Anna&name2=anna&price2=x"
    with opened(browser, address, allowed=("422",)) as page:
        expect(page.get_by_role("alert")).to_contain_text(
            "Distance: Input should be greater than or equal to 150"
        )
        expect(page.get_by_role("alert")).to_contain_text("Box 2, price: Input should be a valid number")
        expect(page.locator("[name=price2]")).to_have_value("x")
        page.locator("[name=price2]").fill("")
        page.locator("[name=distance_m]").last.fill("400")
        follow(page.get_by_role("button", name="Ask"))
        expect(page.get_by_role("alert")).to_contain_text("a dog runs once in a race, got 'Anna' twice")
        assert serious_findings(page) == []


AWKWARD = ["Nala's Ghost", '"$HOME" `id` \\n', "O''Brien; echo hi #", "Žofie's {x} <b> & !bang"]


def test_the_curl_line_runs_in_bash_and_gives_the_same_answer(browser: Browser, pages: str) -> None:
    with opened(browser, f"{pages}/race/fill") as page:
        page.get_by_label("Track", exact=True).last.fill('Sim Park\'s "Bend"')
        page.get_by_label("Distance, metres").last.fill("400")
        for box, name in enumerate(AWKWARD, start=1):
            page.locator(f"[name=name{box}]").fill(name)
        follow(page.get_by_role("button", name="Ask"))
        expect(page.locator("#curl")).to_be_visible()
        page.locator("button[data-copy=curl]").click()
        expect(page.locator("#announcement")).to_have_text("Copied")
        line = page.evaluate("navigator.clipboard.readText()")
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
        ran, on_page = json.loads(done.stdout), raw_answer(page)
        assert [one["name"] for one in ran["runners"]] == AWKWARD
        for answer in (ran, on_page):
            answer.pop("request_id")
        assert ran == on_page


def test_a_service_that_stops_underneath_is_reported_and_its_return_shows_the_race(
    browser: Browser, registry: str, season: Engine
) -> None:
    settings: dict[str, Any] = {"database": str(season.url), "log_predictions": False}
    with running_service(registry, **settings) as service:
        address, race = service.url, a_race(service)
    settings["port"] = int(address.rpartition(":")[2])
    with running_front_end(address) as url, opened(browser, f"{url}/race", allowed=("503",)) as page:
        expect(page.locator("h1")).to_have_text("The service does not answer")
        with running_service(registry, **settings):
            expect(page.locator("h1")).to_have_text("Next to go")
            page.goto(f"{url}/race/{race}")
            expect(runners(page).first).to_be_visible()
        expect(page.locator(".state")).to_contain_text("Service down")
        page.reload()
        expect(page.locator("h1")).to_have_text("The service does not answer")
        with running_service(registry, **settings):
            expect(runners(page).first).to_be_visible()


def test_without_a_champion_a_stored_race_still_shows_how_it_came_out(
    browser: Browser, season: Engine, tmp_path: Path
) -> None:
    uri = empty_registry(tmp_path).tracking_uri
    with (
        running_service(uri, database=str(season.url)) as service,
        running_front_end(service.url) as url,
        opened(browser, f"{url}/race/{a_race(service)}", allowed=("503",)) as page,
    ):
        expect(page.get_by_role("alert")).to_contain_text("No model is loaded")
        expect(page.get_by_role("heading", name="How it came out")).to_be_visible()


def test_without_a_database_files_are_read_and_cards_filled_in_all_the_same(
    browser: Browser, registry: str, tmp_path: Path
) -> None:
    with (
        running_service(registry) as service,
        running_front_end(service.url) as url,
        opened(browser, f"{url}/race/past") as page,
    ):
        expect(page.locator(".stored .empty")).to_contain_text("greyhound simulate")
        follow(page.get_by_role("link", name="Fill in a card"))
        expect(page.get_by_role("button", name="Ask")).to_be_visible()
        follow(page.get_by_role("link", name="A form guide"))
        expect(page.get_by_role("button", name="Read it")).to_be_visible()
        follow(page.get_by_role("link", name="Today"))
        expect(page.locator(".empty")).to_contain_text("drop files below")
        page.locator("#cards").set_input_files(
            [guide(tmp_path, form_row("1. Sir Tick"), form_row("2. Nala"))]
        )
        follow(page.get_by_role("button", name="Read them"))
        expect(page.get_by_role("row").filter(has_text="Ballarat, race 6")).to_contain_text(
            "Fair" if False else "%"
        )


def test_an_address_without_a_race_says_so(browser: Browser, pages: str) -> None:
    with opened(browser, f"{pages}/race/999999", allowed=("404",)) as page:
        expect(page.locator("h1")).to_have_text("The database has no such race")


def test_what_was_sent_and_tampered_with_is_refused(pages: str) -> None:
    for card in ("", "[]", "{}", '{"runners": [{"box": "1"}]}', '{"runners": [1]}'):
        assert httpx.post(f"{pages}/race/change", data={"card": card}).status_code == 422
    assert httpx.get(f"{pages}/race/change").status_code == 302
    assert httpx.get(f"{pages}/race/drop").status_code == 302
    assert httpx.get(f"{pages}/race/card?_external=1&_scheme=x&date=x&endpoint=y").status_code == 422
    assert httpx.get(f"{pages}/race/past?day=x&before=y").status_code == 200
    assert httpx.get(f"{pages}/race?on=x").status_code == 200


def test_addresses_from_before_there_was_a_today_lead_to_where_their_pages_are_now(pages: str) -> None:
    past = httpx.get(f"{pages}/race?day=2026-06-29&before=2026-06-30", follow_redirects=True)
    assert (past.url.path, past.url.params["day"]) == ("/race/past", "2026-06-29")
    card = httpx.get(f"{pages}/race?track=Sim+Park&name1=Anna&_external=1", follow_redirects=True)
    assert card.url.path == "/race/fill"
    assert 'value="Anna"' in card.text


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_race_pages_are_open_to_everyone(
    browser: Browser, service: RunningService, pages: str, width: int
) -> None:
    with opened(browser, f"{pages}/race/past", width=width) as page:
        for path in ("past", "guide", "fill"):
            page.goto(f"{pages}/race/{path}")
            for scheme in schemes(page):
                assert serious_findings(page) == [], scheme
            assert sideways(page) == []
        page.goto(f"{pages}/race/{a_race(service)}")
        for details in ("#topics", "#raw"):
            page.locator(f"{details} > summary").click()
        for scheme in schemes(page):
            assert serious_findings(page) == [], scheme
        assert sideways(page) == []


def test_real_form_guides_are_read_and_shown(browser: Browser, pages: str, real_data: Path) -> None:
    guides = sorted((real_data / "form_guides").glob("*.csv"))[100:1900:600]
    with opened(browser, f"{pages}/race/guide", width=NARROW) as page:
        for path in guides:
            page.goto(f"{pages}/race/guide")
            page.get_by_label("Drop an “expert form” CSV").set_input_files(path)
            follow(page.get_by_role("button", name="Read it"))
            n_runners = len(raw_answer(page)["runners"])
            assert n_runners >= 2
            expect(runners(page)).to_have_count(n_runners)
            assert sideways(page) == []
