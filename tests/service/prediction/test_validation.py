"""The first faults of a body: all of a few, fifty of many, described alike, and without the rest."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from service.prediction.card_reader import read_card
from service.problems import problem_response
from service.schemas.card import CardIn
from service.schemas.results import EXAMPLE_RESULTS, ResultsIn
from service.schemas.validation import MAX_FAULTS, validated
from tests.service.builders import make_card, make_past_run, make_runner


def faults_of(body: Any, model: Any = None) -> ValidationError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ValidationError) as refused:
        read_card(content) if model is None else validated(model, content)
    return refused.value


def problem_of(error: ValidationError) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bytes(problem_response(error, None).body))
    return document


UNKNOWN = {f"k{number}": 0 for number in range(26_000)}
LOADED = {
    "unknown fields": UNKNOWN,
    "unknown fields of a runner": make_card(runners=[make_runner(1) | UNKNOWN, make_runner(2)]),
    "runs that are empty": make_card(runners=[make_runner(box, form=[{}] * 300) for box in range(1, 11)]),
    "runs of letters": make_card(
        runners=[make_runner(box, form=[{"box": "", "time_s": ""}] * 300) for box in range(1, 11)]
    ),
    "numbers that are none": make_card(
        runners=[make_runner(box, form=[make_past_run(time_s=float("nan"))] * 300) for box in range(1, 11)]
    ),
}


@pytest.mark.parametrize("what", LOADED)
def test_of_many_faults_fifty_are_shown_and_not_many_more_are_built(what: str) -> None:
    error = faults_of(LOADED[what])
    assert MAX_FAULTS < error.error_count() < 1000
    problem = problem_of(error)
    assert problem["detail"] == "more than 50 rules are broken, see errors for the first 50"
    assert len(problem["errors"]) == MAX_FAULTS
    with pytest.raises(ValidationError) as everything:
        CardIn.model_validate_json(json.dumps(LOADED[what]))
    first = everything.value.errors(include_url=False, include_input=False)[:5]
    assert [fault["loc"] for fault in error.errors()[:5]] == [fault["loc"] for fault in first]
    assert [fault["msg"] for fault in error.errors()[:5]] == [fault["msg"] for fault in first]


def test_of_a_few_faults_each_is_shown_wherever_it_is() -> None:
    card = make_card(8, distance_m="far", stranger=1)
    card["runners"][1]["box"] = 99
    card["runners"][7]["form"] = [make_past_run()] * 299 + [make_past_run(time_s="slow")]
    error = faults_of(card)
    with pytest.raises(ValidationError) as everything:
        CardIn.model_validate_json(json.dumps(card))
    assert error.errors() == everything.value.errors()
    assert error.error_count() == 4


def test_a_list_that_is_too_long_is_refused_with_its_length() -> None:
    error = faults_of(make_card(runners=[{}] * 60_000))
    [fault] = [fault for fault in error.errors() if fault["loc"] == ("runners",)]
    assert fault["msg"] == "List should have at most 10 items after validation, not 60000"


def test_results_stop_at_fifty_too() -> None:
    race = EXAMPLE_RESULTS["races"][0]
    error = faults_of({"races": [race | {"runners": [{}] * 10}] * 100}, ResultsIn)
    assert MAX_FAULTS < error.error_count() < 1000
    assert len(validated(ResultsIn, json.dumps(EXAMPLE_RESULTS).encode()).races) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"\xff", b'"\xed\xa0\x80"', b"[" * 2000, b"1" * 5000]
)
def test_what_is_no_object_is_one_fault(body: bytes) -> None:
    assert faults_of(body).error_count() == 1
