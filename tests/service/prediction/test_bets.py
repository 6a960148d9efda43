"""``POST /predict?bets=``: bets on the order of finish, from the win probabilities of the same answer."""

import pytest

from tests.service.builders import RunningService, make_card, make_runner

ALL = "exacta,quinella,trifecta,first_four"


def bets_in(service: RunningService, card: dict, bets: str, top: int = 200) -> dict[str, dict]:
    """Return the bets of an answer by name."""
    answer = service.predict(card, params={"bets": bets, "top": top})
    assert answer.status_code == 200, answer.text
    return {bet["bet"]: bet for bet in answer.json()["bets"]}


def test_without_bets_the_answer_is_what_it_was(service: RunningService) -> None:
    headers = {"X-Request-ID": "same"}
    plain = service.predict(make_card(), headers=headers)
    assert "bets" not in plain.json()
    named = service.predict(make_card(), headers=headers, params={"bets": ALL}).json()
    assert list(named) == [*plain.json(), "bets"]
    assert {name: named[name] for name in plain.json()} == plain.json()
    assert service.predict(make_card(), headers=headers, params={"top": 5}).content == plain.content


def test_every_sum_holds_in_the_answer(service: RunningService) -> None:
    card = make_card(7)
    win = {one["rug"]: one["win_probability"] for one in service.predict(card).json()["runners"]}
    found = bets_in(service, card, ALL)
    assert list(found) == ALL.split(",")
    exactas = {tuple(one["rugs"]): one["probability"] for one in found["exacta"]["combinations"]}
    assert len(exactas) == found["exacta"]["n_combinations"] == 42
    for rug, p in win.items():
        assert sum(exactas[pair] for pair in exactas if pair[0] == rug) == pytest.approx(p, abs=1e-12)
    for one in found["quinella"]["combinations"]:
        first, second = one["rugs"]
        assert one["probability"] == pytest.approx(exactas[first, second] + exactas[second, first])
    assert sum(one["probability"] for one in found["quinella"]["combinations"]) == pytest.approx(1)
    assert (found["trifecta"]["n_combinations"], found["first_four"]["n_combinations"]) == (210, 840)
    for bet in found.values():
        p = [one["probability"] for one in bet["combinations"]]
        assert p == sorted(p, reverse=True)
        assert [one["fair_price"] for one in bet["combinations"]] == pytest.approx([1 / q for q in p])


def test_a_combination_names_its_runners_as_the_answer_does(service: RunningService) -> None:
    card = make_card(4)
    names = {runner["box"]: runner["name"] for runner in card["runners"]}
    for one in bets_in(service, card, "trifecta")["trifecta"]["combinations"]:
        assert one["names"] == [names[rug] for rug in one["rugs"]]


def test_scratched_and_reserve_runners_are_in_no_combination(service: RunningService) -> None:
    card = make_card(6)
    card["runners"][1]["is_scratched"] = True
    card["runners"].append(make_runner(9))
    found = bets_in(service, card, "exacta,first_four")
    assert {rug for one in found["exacta"]["combinations"] for rug in one["rugs"]} == {1, 3, 4, 5, 6}
    assert found["first_four"]["n_combinations"] == 5 * 4 * 3 * 2


def test_a_reserve_that_runs_goes_by_its_own_number(service: RunningService) -> None:
    card = make_card(5)
    card["runners"].append(make_runner(6, rug=9, name="Ninth Dog"))
    combinations = bets_in(service, card, "quinella")["quinella"]["combinations"]
    rugs = {rug for one in combinations for rug in one["rugs"]}
    assert rugs == {1, 2, 3, 4, 5, 9}


def test_a_field_that_is_too_small_for_a_bet_has_a_warning_instead(service: RunningService) -> None:
    card = make_card(3)
    answer = service.predict(card, params={"bets": ALL}).json()
    assert [bet["bet"] for bet in answer["bets"]] == ["exacta", "quinella", "trifecta"]
    texts = {warning["code"]: warning["text"] for warning in answer["warnings"]}
    assert texts["field_too_small"] == "3 starters are too few: first_four needs 4"
    two = service.predict(make_card(2), params={"bets": "quinella,trifecta"}).json()
    assert [one["probability"] for one in two["bets"][0]["combinations"]] == [1.0]


@pytest.mark.parametrize(("top", "expected"), [({}, 20), ({"top": 3}, 3), ({"top": 200}, 56)])
def test_there_are_twenty_combinations_or_as_many_as_top_says(
    service: RunningService, top: dict[str, int], expected: int
) -> None:
    (bet,) = service.predict(make_card(8), params={"bets": "exacta", **top}).json()["bets"]
    assert len(bet["combinations"]) == expected


def test_bets_may_be_repeated_or_have_commas_between(service: RunningService) -> None:
    repeated = service.predict(make_card(), params={"bets": ["quinella", "exacta"]}).json()["bets"]
    together = service.predict(make_card(), params={"bets": "quinella,exacta"}).json()["bets"]
    assert repeated == together
    assert [bet["bet"] for bet in together] == ["quinella", "exacta"]


@pytest.mark.parametrize(
    ("params", "pointer", "rule"),
    [
        (
            {"bets": "exacta,duet"},
            "?bets",
            "a bet is one of exacta, quinella, trifecta, first_four, got 'duet'",
        ),
        ({"bets": ""}, "?bets", "got ''"),
        ({"bets": "exacta", "top": 201}, "?top", "less than or equal to 200"),
        ({"bets": "exacta", "top": 0}, "?top", "greater than or equal to 1"),
    ],
)
def test_a_bet_that_is_none_is_refused_with_the_rule_and_the_value(
    service: RunningService, params: dict, pointer: str, rule: str
) -> None:
    answer = service.predict(make_card(), params=params)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert rule in error["rule"]


def test_of_orders_of_three_and_four_there_are_two_hundred_at_most(service: RunningService) -> None:
    found = bets_in(service, make_card(8), ALL, top=200)
    n_listed = {name: len(bet["combinations"]) for name, bet in found.items()}
    assert n_listed == {"exacta": 56, "quinella": 28, "trifecta": 200, "first_four": 200}
