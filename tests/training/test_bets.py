"""Bets judged by the orders that happened: which orders are known, dead heats, and every source's loss."""

from dataclasses import replace

import numpy as np
import pytest

from racing.domain.bets import BETS
from racing.finish_orders import finish_orders, order_probabilities, with_fourth
from racing.race_table import RaceTable
from tests.training.builders import TRUE_DISCOUNTS, make_finished, make_table
from training.evaluation.bets import judge_bets
from training.evaluation.finishes import finish_positions, finishes_of, order_log_likelihoods
from training.evaluation.places import FITTED, HARVILLE, UNIFORM, WIN_MARKET


def one_race(position: list[float], **columns: object) -> RaceTable:
    """Return a race with some places known; NaN is unknown."""
    table = make_table(1, len(position))
    places = np.array(position, float)
    return replace(table, finish_position=places, won=places == 1, **columns)


def orders_of(table: RaceTable, depth: int) -> list[tuple[list[int], float]]:
    found = finishes_of(table, depth)
    return list(zip(found.order.tolist(), found.weight.tolist(), strict=True))


NO = np.nan


def test_an_order_is_known_as_far_as_its_places_are() -> None:
    table = one_race([NO, 1, 3, NO, 2, NO])
    assert orders_of(table, 3) == [([1, 4, 2], 1.0)]
    assert orders_of(table, 4) == []
    assert orders_of(replace(table, is_whole=np.zeros(6, bool)), 2) == []


@pytest.mark.parametrize(
    ("position", "depth", "expected"),
    [
        ([1, 2, 2, 4, NO], 2, [[0, 1], [0, 2]]),
        ([1, 2, 2, 4, NO], 3, [[0, 1, 2], [0, 2, 1]]),
        ([1, 2, 2, 4, NO], 4, [[0, 1, 2, 3], [0, 2, 1, 3]]),
        ([1, 2, 3, 3, 5], 3, [[0, 1, 2], [0, 1, 3]]),
        ([1, 2, 3, 3, 5], 2, [[0, 1]]),
        ([1, 1, 3, 4, NO], 2, [[0, 1], [1, 0]]),
        ([1, 1, 1, 4, 5], 2, [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]),
        ([1, 1, NO, 4, NO], 3, []),
    ],
)
def test_in_a_dead_heat_every_order_that_agrees_pays_an_equal_part(
    position: list[float], depth: int, expected: list[list[int]]
) -> None:
    found = orders_of(one_race(position), depth)
    assert [order for order, _ in found] == expected
    assert [weight for _, weight in found] == [1 / max(len(expected), 1)] * len(expected)


def test_a_dead_heat_for_the_first_place_is_one_quinella_at_its_whole_chance() -> None:
    table = make_finished(40, 6)
    position, won = table.finish_position.copy(), table.won.copy()
    position[position == 2] = 1
    won[position == 1] = True
    heats = replace(table, finish_position=position, won=won)
    exacta, quinella, *_ = judge_bets(heats, heats.true_probability, TRUE_DISCOUNTS)
    of_results = judge_bets(table, table.true_probability, TRUE_DISCOUNTS)[1]
    assert (exacta.n_dead_heats, quinella.n_dead_heats) == (40, 0)
    assert quinella[FITTED].log_loss == pytest.approx(of_results[FITTED].log_loss)


def test_the_second_follows_where_two_places_are_paid_and_the_third_from_the_others() -> None:
    two_paid = one_race([1, NO, NO, NO, NO, NO], placed=np.array([1.0, 0, 0, 1, 0, 0]))
    assert finish_positions(two_paid)[3] == 2
    three_paid = one_race([1, NO, 3, NO, NO, NO, NO, NO], placed=np.array([1.0, 1, 1, 0, 0, 0, 0, 0]))
    assert finish_positions(three_paid)[1] == 2
    either = one_race([1, NO, NO, NO, NO, NO, NO, NO], placed=np.array([1.0, 1, 1, 0, 0, 0, 0, 0]))
    late_scratching = one_race([1, NO, NO, NO, NO, NO], placed=np.array([1.0, 1, 0, 1, 0, 0]))
    for unknown in (either, late_scratching):
        assert np.isnan(finish_positions(unknown)[1:]).all()


def test_an_order_is_as_likely_as_the_joint_has_it() -> None:
    table, discounts = make_finished(50, 6), with_fourth(TRUE_DISCOUNTS)
    finishes = finishes_of(table, 4)
    orders = finish_orders(6, 4).tolist()
    joint = order_probabilities(table.true_probability.reshape(50, 6), 4, discounts)
    expected = [joint[i, orders.index(order)] for i, order in enumerate(finishes.order.tolist())]
    logs = order_log_likelihoods(table.true_probability, table.race, finishes, discounts)
    assert np.exp(logs) == pytest.approx(expected)


def test_the_discounts_that_orders_were_drawn_by_beat_harville_and_both_beat_chance() -> None:
    table = make_finished()
    found = {one.bet: one for one in judge_bets(table, table.true_probability, TRUE_DISCOUNTS)}
    assert list(found) == list(BETS)
    chance = {"exacta": 56, "quinella": 28, "trifecta": 336, "first_four": 1680}
    for name, one in found.items():
        assert one.n_races == 3000
        assert one[UNIFORM].log_loss == pytest.approx(np.log(chance[name]))
        assert one[FITTED].log_loss < one[HARVILLE].log_loss < one[UNIFORM].log_loss
        if name != "quinella":  # 3,000 races do not tell them apart there
            assert one[HARVILLE].model_minus_this.high < 0
        assert 0 < one[FITTED].standard_error < 0.05
        assert WIN_MARKET in one


def test_exactas_are_as_frequent_as_their_probabilities() -> None:
    table = make_finished()
    exacta = judge_bets(table, table.true_probability, TRUE_DISCOUNTS)[0]
    assert exacta.reliability is not None
    predicted, observed, n = exacta.reliability
    assert n.sum() == 3000 * 56
    error = np.sqrt(predicted * (1 - predicted) / n)
    assert (np.abs(predicted - observed) < 4 * error).all()


def test_without_known_orders_no_bet_is_judged() -> None:
    table = make_table(50)
    assert judge_bets(table, table.true_probability, TRUE_DISCOUNTS) == ()
    assert judge_bets(table.take(slice(0, 0)), np.zeros(0), TRUE_DISCOUNTS) == ()
