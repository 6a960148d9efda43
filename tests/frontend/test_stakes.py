"""Edges and the stakes of a fractional Kelly, and the order of a field's rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.race.sorting import sorting_of
from frontend.race.stakes import LARGEST_SHARE, MAX_BANK, Staking, edge, staking_of


def test_an_edge_is_what_a_stake_of_one_returns_beyond_itself() -> None:
    assert edge(0.25, 5.0) == pytest.approx(0.25)
    assert edge(0.25, 4.0) == pytest.approx(0)
    assert edge(0.25, None) is None


def test_a_stake_is_the_fraction_of_kelly_s() -> None:
    assert Staking(1.0, 1000).stake(0.5, 2.02) == pytest.approx(1000 * 0.01 / 1.02)
    assert Staking(0.25, 1000).stake(0.5, 2.02) == pytest.approx(250 * 0.01 / 1.02)
    assert Staking(0.25, 1000).stake(0.2, 4.0) == 0


@given(st.floats(0, 1), st.floats(1.001, 1000), st.floats(0.001, 1), st.floats(1, MAX_BANK))
def test_no_stake_is_negative_or_beyond_its_share_of_the_bank(
    chance: float, price: float, fraction: float, bank: float
) -> None:
    stake = Staking(fraction, bank).stake(chance, price)
    assert stake is not None
    assert 0 <= stake <= LARGEST_SHARE * bank * (1 + 1e-9)


def test_stakes_are_off_unless_an_address_wants_them() -> None:
    assert staking_of({}) is None
    assert staking_of({"kelly": "0,25", "bank": "1000"}) == Staking(0.25, 1000)
    assert staking_of({"kelly": "0.5"}) == Staking(0.5, 100)


@pytest.mark.parametrize("wrong", ["0", "-1", "1.01", "nan", "inf", "x", "", "1e400", "9" * 5000])
def test_a_fraction_that_is_none_turns_stakes_off(wrong: str) -> None:
    assert staking_of({"kelly": wrong, "bank": "100"}) is None
    assert wrong in ("", "0.5", "1.01") or staking_of({"kelly": "1", "bank": wrong}) is None


def test_a_column_s_head_sorts_and_pressed_again_reverses() -> None:
    assert (sorting_of("").column, sorting_of("").aria("win")) == ("win", "descending")
    assert sorting_of("").after("price") == "price"
    assert sorting_of("price").aria("price") == "ascending"
    assert sorting_of("price").after("price") == "-price"
    assert sorting_of("-price").aria("price") == "descending"
    assert sorting_of("-price").after("price") == "price"
    assert sorting_of("-price").text == "-price"
    assert sorting_of("; drop").column == "win"
