"""``POST /predict?explain=true``: what each topic contributes, with the answer that is given without it."""

import numpy as np
import pytest

from service.schemas.card import EXAMPLE_CARD
from tests.model_registry.builders import PLATT
from tests.service.builders import RunningService, make_card, win_probabilities


def test_contributions_come_only_on_request_and_change_nothing_else(service: RunningService) -> None:
    plain = service.predict(make_card()).json()
    explained = service.predict(make_card(), params={"explain": "true"}).json()
    refused = service.predict(make_card(), params={"explain": "false"}).json()
    assert plain["base_strength"] is None
    assert {runner["explanation"] for runner in plain["runners"] + refused["runners"]} == {None}
    assert isinstance(explained["base_strength"], float)
    for runner in explained["runners"]:
        assert runner["explanation"]["contributions"]
        runner["explanation"] = None
    assert explained["runners"] == plain["runners"]


def test_contributions_add_up_to_the_strengths_whose_softmax_is_the_answer(service: RunningService) -> None:
    answer = service.predict(make_card(), params={"explain": "true"})
    reasons = [runner["explanation"] for runner in answer.json()["runners"]]
    base = answer.json()["base_strength"]
    for reason in reasons:
        total = base + sum(one["contribution"] for one in reason["contributions"])
        assert total == pytest.approx(reason["strength"], abs=1e-9)
    odds = np.exp([reason["strength"] for reason in reasons])
    assert odds / odds.sum() == pytest.approx(win_probabilities(answer), abs=1e-12)


def test_the_largest_comes_first_and_its_factor_is_what_it_makes_of_the_odds(service: RunningService) -> None:
    runners = service.predict(make_card(), params={"explain": "true"}).json()["runners"]
    for runner in runners:
        first, second = runner["explanation"]["contributions"]
        # This model likes the inside: -0.4 a box, counted from the middle of boxes 1 to 6.
        assert first["contribution"] == pytest.approx(PLATT.slope * -0.4 * (runner["box"] - 3), abs=1e-5)
        assert first["multiplies_odds_by"] == pytest.approx(np.exp(first["contribution"]))
        if runner["box"] != 3:
            assert (first["topic"], second["topic"]) == ("box", "fitness")
        assert second["contribution"] == 0


def test_the_example_in_the_docs_can_be_explained(service: RunningService) -> None:
    answer = service.predict(EXAMPLE_CARD, params={"explain": "true"})
    assert answer.status_code == 200
    assert all(runner["explanation"] for runner in answer.json()["runners"])


@pytest.mark.parametrize("value", ["perhaps", "", "2"])
def test_a_parameter_that_is_neither_true_nor_false_is_a_problem(service: RunningService, value: str) -> None:
    answer = service.predict(make_card(), params={"explain": value})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:greyhound:problem:invalid-request"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["?explain"]
    assert "perhaps" not in answer.text
