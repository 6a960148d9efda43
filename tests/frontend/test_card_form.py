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
    assert [r.get("price") for r in with_changes(card, {"price0": "", "price1": "7"})["runners"]] == [
        None,
        7.0,
    ]


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
