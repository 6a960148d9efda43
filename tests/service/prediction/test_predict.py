"""``POST /predict`` over a real socket."""

import json

import numpy as np
import pytest

from service.schemas.card import EXAMPLE_CARD
from tests.service.builders import RunningService, make_card, make_past_run, win_probabilities


@pytest.mark.parametrize("n_runners", range(2, 11))
def test_win_probabilities_sum_to_one_and_place_probabilities_to_the_places(
    service: RunningService, n_runners: int
) -> None:
    answer = service.predict(make_card(n_runners))
    assert answer.status_code == 200, answer.text
    runners = answer.json()["runners"]
    assert abs(win_probabilities(answer).sum() - 1) < 1e-9
    assert sum(runner["place_probability"] for runner in runners) == pytest.approx(answer.json()["n_places"])
    assert all(runner["place_probability"] >= runner["win_probability"] - 1e-12 for runner in runners)


def test_the_likeliest_has_rank_one_and_the_shortest_fair_price(service: RunningService) -> None:
    runners = service.predict(make_card()).json()["runners"]
    by_rank = sorted(runners, key=lambda runner: runner["rank"])
    assert [runner["rank"] for runner in by_rank] == [1, 2, 3, 4, 5, 6]
    assert [runner["box"] for runner in by_rank] == [1, 2, 3, 4, 5, 6]  # this model likes the inside
    assert [r["fair_price"] for r in by_rank] == pytest.approx([1 / r["win_probability"] for r in by_rank])


def test_the_order_of_runners_is_irrelevant(service: RunningService) -> None:
    card = make_card()
    turned = card | {"runners": card["runners"][::-1]}
    there, back = service.predict(card), service.predict(turned)
    assert win_probabilities(there) == pytest.approx(win_probabilities(back)[::-1], abs=1e-12)


def test_prices_bring_the_market_and_never_move_the_model(service: RunningService) -> None:
    card = make_card(4)
    priced = make_card(4, runners=[r | {"price": 2.0 + i} for i, r in enumerate(card["runners"])])
    plain, with_prices = service.predict(card), service.predict(priced)
    assert (win_probabilities(plain) == win_probabilities(with_prices)).all()
    runners = with_prices.json()["runners"]
    inverse = 1 / np.array([2.0, 3.0, 4.0, 5.0])
    assert [r["market_probability"] for r in runners] == pytest.approx(inverse / inverse.sum())
    assert sum(r["combined_probability"] for r in runners) == pytest.approx(1)
    assert {r["market_probability"] for r in plain.json()["runners"]} == {None}


def test_one_price_missing_leaves_the_market_out(service: RunningService) -> None:
    card = make_card(4)
    card["runners"][0]["price"] = 3.0
    runners = service.predict(card).json()["runners"]
    assert {(r["market_probability"], r["combined_probability"]) for r in runners} == {(None, None)}


def test_runs_on_or_after_race_day_are_left_out_with_a_warning(service: RunningService) -> None:
    card = make_card()
    later = make_card()
    later["runners"][2]["form"] += [make_past_run(date=card["date"]), make_past_run(date="2026-04-01")]
    before, after = service.predict(card), service.predict(later)
    assert (win_probabilities(before) == win_probabilities(after)).all()
    codes = {warning["code"] for warning in after.json()["warnings"]}
    assert codes - {warning["code"] for warning in before.json()["warnings"]}


def test_a_request_id_is_returned_and_a_bad_one_replaced(service: RunningService) -> None:
    answer = service.predict(make_card(), headers={"X-Request-ID": "race-6"})
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == "race-6"
    replaced = service.predict(make_card(), headers={"X-Request-ID": "race 6; drop"})
    assert replaced.headers["X-Request-ID"] == replaced.json()["request_id"]
    assert len(replaced.json()["request_id"]) == 32


def test_names_alone_without_a_database_are_a_clear_503(service: RunningService) -> None:
    card = make_card(runners=[{"name": "Sir Tick", "box": 1}, {"name": "Nala's Ghost", "box": 2}])
    answer = service.predict(card)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:greyhound:problem:database-unavailable"
    assert "form" in answer.json()["detail"]


def test_the_example_in_the_docs_runs_as_it_is_and_says_whom_nobody_knows(service: RunningService) -> None:
    answer = service.predict(EXAMPLE_CARD)
    assert answer.status_code == 200
    assert ["QUIET HARBOUR" in warning["text"].upper() for warning in answer.json()["warnings"]] == [True]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (json.dumps(make_card()), "application/json"),
        (json.dumps(make_card(n_runners=1)), "application/json"),
        (json.dumps({"date": "2026-03-14"}), "application/json"),
        ("{", "application/json"),
        ("x", "text/csv"),
    ],
    ids=["a-card", "one-runner", "no-runners", "no-json", "no-media-type-of-ours"],
)
def test_a_plain_request_is_answered_as_one_that_fastapi_routes(
    service: RunningService, body: str, media_type: str
) -> None:
    headers = {"Content-Type": media_type, "X-Request-ID": "same"}
    direct = service.client.post("/predict", content=body, headers=headers)
    routed = service.client.post("/predict?explain=false", content=body, headers=headers)
    assert (direct.status_code, direct.json()) == (routed.status_code, routed.json())
    assert {**direct.headers, "date": ""} == {**routed.headers, "date": ""}
