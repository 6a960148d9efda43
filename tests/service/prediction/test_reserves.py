"""Reserves, scratched runners and missing prices, by every way that a card is answered."""

import datetime as dt
import json
from typing import Any

import pytest

from service.prediction.card_reader import read_card
from service.prediction.replay import _with_starters_of
from tests.service.builders import RunningService, make_card, make_runner, win_probabilities

STARTING = ("win_probability", "place_probability", "fair_price", "rank", "market_probability")


def priced(card: dict[str, Any], n: int) -> dict[str, Any]:
    """The card with prices for its first runners."""
    for i, runner in enumerate(card["runners"][:n]):
        runner["price"] = 2.0 + i
    return card


def answered(service: RunningService, card: dict[str, Any]) -> dict[str, Any]:
    response = service.predict(card, params={"explain": True})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def codes(answer: dict[str, Any]) -> dict[str, str]:
    return {warning["code"]: warning["text"] for warning in answer["warnings"]}


def test_eight_starters_are_answered_as_if_the_reserves_were_not_there(service: RunningService) -> None:
    with_reserves, alone = (
        answered(service, priced(make_card(10), 8)),
        answered(service, priced(make_card(8), 8)),
    )
    assert with_reserves["runners"][:8] == alone["runners"]
    assert (with_reserves["n_places"], with_reserves["base_strength"]) == (3, alone["base_strength"])
    for rank, runner in enumerate(with_reserves["runners"][8:], start=9):
        assert (runner["status"], runner["rank"]) == ("reserve", rank)
        assert (runner["win_probability"], runner["place_probability"], runner["fair_price"]) == (0, 0, 1e12)
        assert runner["market_probability"] is runner["combined_probability"] is runner["explanation"] is None
    name = with_reserves["runners"][8]["name"]
    assert codes(with_reserves)["reserve"].startswith(f"{name!r} (9), ")
    assert "price_missing" not in codes(with_reserves)


def test_a_reserve_in_the_box_of_a_scratched_runner_is_a_starter_of_that_box(service: RunningService) -> None:
    card = make_card(9)
    card["runners"][5]["is_scratched"] = True
    card["runners"][8] |= {"box": 6, "rug": 9}
    answer = answered(service, card)
    plain = make_card(8)
    plain["runners"][5] = make_runner(9) | {"box": 6}
    expected = {one["name"]: one for one in answered(service, plain)["runners"]}
    for runner in answer["runners"]:
        if runner["status"] == "starter":
            # the order of runners is another, and sums over the race with it
            alone = pytest.approx([expected[runner["name"]][name] or 0 for name in STARTING])
            assert [runner[name] or 0 for name in STARTING] == alone
    assert [(one["box"], one["rug"], one["status"]) for one in answer["runners"][5:]] == [
        (6, 6, "scratched"), (7, 7, "starter"), (8, 8, "starter"), (6, 9, "starter")
    ]  # fmt: skip
    assert "is scratched" in codes(answer)["scratched"]
    assert "reserve" not in codes(answer)


def test_places_are_those_that_so_many_starters_pay(service: RunningService) -> None:
    card = make_card(5)
    assert answered(service, card)["n_places"] == 2
    card["runners"][0]["is_scratched"] = True
    answer = answered(service, card)
    assert answer["n_places"] == 1
    assert [one["place_probability"] for one in answer["runners"]] == pytest.approx(
        [one["win_probability"] for one in answer["runners"]]
    )


def test_a_missing_price_is_named_and_one_of_a_runner_that_does_not_start_is_not_missed(
    service: RunningService,
) -> None:
    card = priced(make_card(4), 3)
    answer = answered(service, card)
    name = card["runners"][3]["name"]
    assert (
        codes(answer)["price_missing"] == f"without a price for {name!r} (4) there is no market to share out"
    )
    assert {one["market_probability"] for one in answer["runners"]} == {None}
    card["runners"][3]["is_scratched"] = True
    answer = answered(service, card)
    assert "price_missing" not in codes(answer)
    assert sum(one["market_probability"] or 0 for one in answer["runners"]) == pytest.approx(1)
    assert "price_missing" not in codes(answered(service, make_card(4)))


def test_the_answer_says_which_race_it_is_about(service: RunningService) -> None:
    card = make_card(4, grade="Grade 5", race_number=6)
    answer = answered(service, card)
    assert {name: answer[name] for name in card if name != "runners"} == {
        name: value for name, value in card.items() if name != "runners"
    }


def test_a_batch_answers_them_in_the_same_way(service: RunningService) -> None:
    cards = [make_card(10), make_card(4, date="0"), make_card(4, track="Sale\0"), make_card(3)]
    lines = [json.loads(line) for line in service.client.post("/predict/batch", json=cards).text.splitlines()]
    assert [line.get("status") for line in lines] == [None, 422, 422, None]
    assert lines[0]["runners"] == service.predict(cards[0]).json()["runners"]


BAD = [
    ({"date": "0"}, "#/date", "a date is written YYYY-MM-DD, got '0'"),
    ({"date": "2026-03-14T00:00:00"}, "#/date", "a date is written YYYY-MM-DD"),
    ({"date": 20260314}, "#/date", "a date is written YYYY-MM-DD, got '20260314'"),
    ({"date": "2026-02-30"}, "#/date", "a date is written YYYY-MM-DD"),
    ({"date": "1989-12-31"}, "#/date", "date must not be before 1990-01-01"),
    ({"track": "Sa\0le"}, "#/track", "must hold characters that print, got U+0000"),
    ({"grade": "5\x85"}, "#/grade", "must hold characters that print, got U+0085"),
]


@pytest.mark.parametrize(("changes", "pointer", "rule"), BAD)
def test_what_is_no_day_or_no_text_is_refused_with_the_rule(
    service: RunningService, changes: dict[str, Any], pointer: str, rule: str
) -> None:
    problem = service.predict(make_card(4, **changes))
    assert problem.status_code == 422
    assert [(one["pointer"], rule in one["rule"]) for one in problem.json()["errors"]] == [(pointer, True)]


@pytest.mark.parametrize(
    "address", ["/races?date=0", "/race-days?before=0", "/predictions?since=0", "/predictions/score?until=0"]
)
def test_nor_is_zero_a_day_of_an_address(service: RunningService, address: str) -> None:
    problem = service.client.get(address)
    assert problem.status_code == 422, problem.text
    assert "a date is written YYYY-MM-DD, got '0'" in problem.text


def test_a_vacant_box_is_refused_by_name(service: RunningService) -> None:
    card = make_card(3)
    card["runners"][2]["name"] = "VACANT"
    problem = service.predict(card).json()
    assert problem["errors"] == [
        {"pointer": "#/runners/2/name", "rule": "leave out an empty box, got name 'VACANT'"}
    ]


def test_a_card_that_was_answered_with_its_reserves_as_starters_is_replayed_so() -> None:
    card = read_card(json.dumps(make_card(9)).encode())
    once = [{"name": runner.name, "win_probability": 1 / 9} for runner in card.runners]
    assert [one.is_reserve for one in _with_starters_of(once, card).runners] == [False] * 9
    today = [one | {"status": "starter"} for one in once[:8]] + [once[8] | {"status": "reserve"}]
    assert _with_starters_of(today, card) is card


def test_an_answer_to_a_card_of_ten_starters_is_still_there_for_who_says_so(service: RunningService) -> None:
    card = make_card(10)
    for runner in card["runners"][8:]:
        runner["is_reserve"] = False
    answer = service.predict(card)
    assert win_probabilities(answer).min() > 0
    assert "reserve" not in codes(answer.json())
    assert dt.date.fromisoformat(answer.json()["date"])
