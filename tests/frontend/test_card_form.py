"""Cards out of forms, the shell's line for them, and the drawings of the track record."""

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.charts.lines import lines_by_week
from frontend.charts.reliability import LEAST_RUNNERS, reliability
from frontend.race.card_form import broken_rules, card_of_form, carried_card, filled_in, with_changes
from frontend.race.prediction import curl_line
from greyhound_client import Problem
from greyhound_client.models import BinOut, ScoreOut

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


def week(day: str, model: float | None, market: float | None) -> ScoreOut:
    return ScoreOut(
        group=day, name=day, n_races=1, log_loss=model, uniform_log_loss=2.0, top_pick_rate=0.5,
        n_with_market=int(market is not None), log_loss_with_market=model, market_log_loss=market,
    )  # fmt: skip


def test_lines_break_where_weeks_are_missing_or_have_no_market() -> None:
    days = ("2026-03-02", "2026-03-09", "2026-03-16", "2026-03-30", "2026-04-06")
    markets = (1.5, None, 1.4, 1.5, 1.6)
    chart = lines_by_week([week(day, 1.6, market) for day, market in zip(days, markets, strict=True)])
    lines = {line.name: line for line in chart.lines}
    assert [stroke.count(",") for stroke in lines["model"].strokes] == [3, 2]
    assert [stroke.count(",") for stroke in lines["market"].strokes] == [2]
    assert [len(line.dots) for line in chart.lines] == [5, 4, 5]
    assert chart.weeks[1].text == "Week of 9 Mar 2026: 1 race, model 1.6000, uniform 2.0000"


def test_one_week_is_a_drawing_too() -> None:
    chart = lines_by_week([week("2026-03-02", 1.6, None)])
    assert [line.strokes for line in chart.lines] == [(), (), ()]
    assert len(chart.x_ticks) == 1


BINS = st.builds(
    BinOut, n_runners=st.integers(1, 10_000), predicted=st.floats(0, 1), observed=st.floats(0, 1)
)


@given(st.lists(BINS, min_size=1).filter(lambda bins: sum(one.n_runners for one in bins) >= LEAST_RUNNERS))
def test_every_bin_stands_in_the_drawing_and_in_the_band_where_it_came_true(bins: list[BinOut]) -> None:
    plot = reliability(bins)
    assert plot is not None
    for point in plot.points:
        assert 46 <= point.x <= 406
        assert 10 <= min(point.high, point.y) <= max(point.low, point.y) <= 318  # upwards is less
        if point.is_within_chance:
            assert point.high - 0.02 <= point.y <= point.low + 0.02
    assert reliability([]) is None


@given(st.lists(BINS, min_size=1))
def test_fewer_than_200_runners_are_no_curve(bins: list[BinOut]) -> None:
    few = [one.model_copy(update={"n_runners": 199 // len(bins)}) for one in bins]
    assert reliability(few) is None
