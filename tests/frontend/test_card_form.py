"""Cards out of forms, and the shell's line for them."""

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.race.card_form import broken_rules, card_of_form, carried_card, filled_in, with_changes
from frontend.race.prediction import curl_line
from greyhound_client import Problem

FORM = {"date": "2026-03-14", "track": " Sale ", "distance_m": "440", "name1": "Anna", "price1": "2,5"}


def test_a_form_is_a_card_of_those_that_have_a_name() -> None:
    assert card_of_form(FORM | {"name10": "Bela", "price10": "$4.20", "grade": ""}) == {
        "date": "2026-03-14",
        "track": "Sale",
        "distance_m": 440,
        "runners": [{"name": "Anna", "box": 1, "price": 2.5}, {"name": "Bela", "box": 10, "price": 4.2}],
    }


def test_what_is_no_number_goes_to_the_service_as_it_was_typed() -> None:
    card = card_of_form(FORM | {"distance_m": "44O", "price1": "evens", "price7": "3"})
    assert card["distance_m"] == "44O"
    assert card["runners"] == [
        {"name": "Anna", "box": 1, "price": "evens"},
        {"name": "", "box": 7, "price": 3.0},  # a price without a dog is a slip that must be reported
    ]


def test_only_fields_of_the_form_are_taken_back_into_an_address() -> None:
    assert filled_in(FORM | {"_external": "1", "endpoint": "x"}) == FORM | {"track": "Sale"}


def test_prices_replace_those_that_a_card_had() -> None:
    card = card_of_form(FORM | {"name2": "Bela"})
    changed = with_changes(card, {"price0": "", "price1": "7"}).card
    assert [runner.get("price") for runner in changed["runners"]] == [None, 7.0]


def test_a_price_typed_into_a_live_page_replaces_one_and_an_empty_field_leaves_it() -> None:
    card = card_of_form(FORM | {"name2": "Bela", "price2": "4"})
    changed = with_changes(card, {"new_price0": "", "new_price1": "7"}).card
    assert [runner["price"] for runner in changed["runners"]] == [2.5, 7.0]


def field_with_reserves(**anna: Any) -> dict[str, Any]:
    """Two starters and two reserves."""
    runners = [{"name": "Bela", "box": 3}, {"name": "Juno", "box": 10}, {"name": "Ilse", "box": 9}]
    return {"runners": [{"name": "Anna", "box": 1} | anna, *runners]}


def test_the_first_reserve_takes_the_box_of_the_scratched_where_reserves_step_in() -> None:
    alone = with_changes(field_with_reserves(), {"scratch": "0"})
    assert alone.steps_in == ""
    assert [one["box"] for one in alone.card["runners"]] == [1, 3, 10, 9]
    both = with_changes(field_with_reserves(), {"scratch": "0", "step_in": "on"})
    assert both.steps_in == "Ilse (9), the first reserve, takes box 1."
    assert both.card["runners"][3] == {"name": "Ilse", "box": 1, "rug": 9, "is_reserve": False}
    second = with_changes(both.card, {"scratch": "3", "step_in": "on"})  # the reserve does not run either
    assert second.steps_in == "Juno (10), the first reserve, takes box 1."
    assert with_changes(second.card, {"scratch": "1", "step_in": "on"}).steps_in == ""


@pytest.mark.parametrize("place", ["", "9", "-1", "9" * 5000, "²", "x"])
def test_a_place_that_is_none_lets_no_reserve_in(place: str) -> None:
    changed = with_changes(field_with_reserves(rug={}), {"scratch": place, "step_in": "on"})
    assert changed.steps_in == ""


@pytest.mark.parametrize("text", ["", "1", "[]", "{}", '{"runners": 1}', '{"runners": [{"box": null}]}'])
def test_a_card_that_was_tampered_with_is_none(text: str) -> None:
    assert carried_card(text) is None


def test_broken_rules_name_the_place_by_the_labels_of_the_form() -> None:
    pointers = ("#/runners/0/price", "#/runners", "#/distance_m", "#", "?distance_m", "line 14")
    problem = Problem({"errors": [{"pointer": pointer, "rule": "no"} for pointer in pointers]})
    places = [where for where, _ in broken_rules(problem, card_of_form({"name3": "Anna"}))]
    assert places == ["Box 3, price", "The card", "Distance", "The card", "Distance", "Line 14"]


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4), st.text())
def test_the_curl_line_is_read_by_a_shell_as_the_card_that_it_is(names: list[str], track: str) -> None:
    card: dict[str, Any] = {"track": track, "runners": [{"name": name, "box": 1} for name in names]}
    text = shlex.split(curl_line("http://localhost:8000/predict", card, with_key=True))
    assert json.loads(text[text.index("--data-raw") + 1]) == card
    assert text[:3] == ["curl", "-s", "http://localhost:8000/predict"]
    assert "X-API-Key: $GREYHOUND_API_KEY" in text
