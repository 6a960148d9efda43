"""Orders of finish: one joint, whose sums hold, and which the bets are read from."""

from itertools import permutations

import numpy as np
import pytest

from racing.domain.bets import BETS, bets_of
from racing.finish_orders import (
    bet_probabilities,
    finish_orders,
    order_probabilities,
    pair_matrix,
    place_from_orders,
    with_fourth,
)
from racing.probabilities import BENTER_DISCOUNTS, place_probabilities

DISCOUNTS = (1.0, 0.8, 0.6, 0.5)
FIELDS = [
    np.array([0.5, 0.3, 0.2]),
    np.array([0.4, 0.25, 0.15, 0.1, 0.07, 0.03]),
    np.array([0.9999999, 5e-8, 3e-8, 2e-8]),
    np.random.default_rng(0).dirichlet(np.full(10, 0.3)),
]


def by_hand(win, order):
    """Return the probability of an order, written out place by place."""
    chance, left = 1.0, list(range(len(win)))
    for runner, discount in zip(order, DISCOUNTS, strict=False):
        chance *= win[runner] ** discount / sum(win[other] ** discount for other in left)
        left.remove(runner)
    return chance


def test_each_order_has_the_probability_that_is_found_by_hand():
    win = FIELDS[1]
    for depth in (1, 2, 3, 4):
        joint = order_probabilities(win, depth, DISCOUNTS)
        orders = list(permutations(range(6), depth))
        assert finish_orders(6, depth).tolist() == [list(order) for order in orders]
        assert joint == pytest.approx([by_hand(win, order) for order in orders])


@pytest.mark.parametrize(
    ("win", "depth"), [(win, depth) for win in FIELDS for depth in (2, 3, 4) if depth <= len(win)]
)
def test_the_orders_with_a_runner_first_sum_to_its_win_probability_and_all_to_one(win, depth):
    joint = order_probabilities(win, depth, DISCOUNTS)
    assert joint.sum() == pytest.approx(1, abs=1e-12)
    by_winner = np.bincount(finish_orders(len(win), depth)[:, 0], joint)
    assert by_winner == pytest.approx(win, rel=1e-12)


@pytest.mark.parametrize("win", FIELDS, ids=len)
def test_a_quinella_is_the_sum_of_its_two_exactas_and_an_exacta_of_its_trifectas(win):
    exactas = pair_matrix(bet_probabilities(BETS["exacta"], win, DISCOUNTS)[1], len(win))
    pairs, quinellas = bet_probabilities(BETS["quinella"], win, DISCOUNTS)
    first, second = pairs.T
    assert (first < second).all()
    assert quinellas == pytest.approx(exactas[first, second] + exactas[second, first])
    assert quinellas.sum() == pytest.approx(1, abs=1e-12)
    trifectas, p = bet_probabilities(BETS["trifecta"], win, DISCOUNTS)
    of_trifectas = np.zeros_like(exactas)
    np.add.at(of_trifectas, (trifectas[:, 0], trifectas[:, 1]), p)
    assert of_trifectas == pytest.approx(exactas, rel=1e-9)


@pytest.mark.parametrize("win", FIELDS, ids=len)
@pytest.mark.parametrize("n_places", [1, 2, 3])
def test_places_from_the_joint_are_those_of_the_answer(win, n_places):
    from_joint = place_from_orders(win, n_places, DISCOUNTS)
    assert from_joint == pytest.approx(
        place_probabilities(win, np.zeros(len(win), int), n_places, DISCOUNTS[:3]), abs=1e-9
    )


def test_four_places_sum_to_four_and_of_four_runners_everyone_is_placed():
    assert place_from_orders(FIELDS[3], 4, DISCOUNTS).sum() == pytest.approx(4)
    assert place_from_orders(FIELDS[2], 4, DISCOUNTS).tolist() == [1, 1, 1, 1]


def test_many_races_at_once_give_what_each_gives_alone():
    races = np.random.default_rng(1).dirichlet(np.ones(7), size=5)
    together = order_probabilities(races, 3, DISCOUNTS)
    assert together == pytest.approx(np.array([order_probabilities(win, 3, DISCOUNTS) for win in races]))


def test_an_unknown_probability_makes_its_race_unknown_and_no_other():
    races = np.array([[0.5, np.nan, 0.5], [0.5, 0.3, 0.2]])
    joint = order_probabilities(races, 2, DISCOUNTS)
    assert np.isnan(joint[0]).all()
    assert joint[1].sum() == pytest.approx(1)


def test_runners_that_cannot_win_share_what_the_winner_leaves():
    assert order_probabilities([1.0, 0.0, 0.0], 2, DISCOUNTS) == pytest.approx([0.5, 0.5, 0, 0, 0, 0])


def test_the_fourth_discount_goes_on_as_the_third_and_is_never_above_it():
    assert with_fourth(BENTER_DISCOUNTS) == pytest.approx((1, 0.81, 0.65, 0.65 * 0.65 / 0.81))
    assert with_fourth((1.0, 0.5, 0.8)) == (1.0, 0.5, 0.8, 0.8)


@pytest.mark.parametrize(("n_runners", "depth"), [(3, 4), (11, 2), (8, 5), (8, 0)])
def test_more_than_can_be_listed_is_refused_with_the_rule(n_runners, depth):
    with pytest.raises(ValueError, match=rf"an order has 1\.\.4 places.* got {depth} of {n_runners}"):
        finish_orders(n_runners, depth)


def test_a_place_without_a_discount_is_refused():
    with pytest.raises(ValueError, match="needs as many discounts"):
        order_probabilities(FIELDS[1], 4, BENTER_DISCOUNTS)


def test_bets_are_named_with_commas_or_one_by_one_and_each_counts_once():
    assert [bet.name for bet in bets_of(["exacta, trifecta", "exacta"])] == ["exacta", "trifecta"]
    with pytest.raises(
        ValueError, match="a bet is one of exacta, quinella, trifecta, first_four, got 'duet'"
    ):
        bets_of(["exacta,duet"])
