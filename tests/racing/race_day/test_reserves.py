"""Reserves take the boxes of the scratched, the first reserve the first box."""

import pytest

from racing.domain.cards import Runner, check_card, status_of
from racing.domain.reserves import with_reserves
from tests.racing.race_day.builders import DAY, make_card

RESERVES = (Runner(name="Nine", box=9), Runner(name="Ten", box=10))


@pytest.mark.parametrize(
    ("scratched", "boxes"),
    [
        ((), {"Nine": 9, "Ten": 10}),
        (("Cora",), {"Nine": 3, "Ten": 10}),
        (("Dora", "Bela"), {"Nine": 2, "Ten": 4}),
        (("Dora", "Bela", "Anna"), {"Nine": 1, "Ten": 2}),
    ],
)
def test_the_first_reserve_takes_the_first_vacant_box(
    scratched: tuple[str, ...], boxes: dict[str, int]
) -> None:
    card = make_card("Anna", "Bela", "Cora", "Dora", "Edda", scratched=scratched)
    before = make_card(runners=(*card.runners, *RESERVES))
    after = with_reserves(before)
    check_card(after, today=DAY)
    assert {runner.name: runner.box for runner in after.runners if runner.name in boxes} == boxes
    for runner in after.runners:
        if runner.name in boxes:
            assert (status_of(runner) == "starter") == (runner.box < 9)
            assert runner.rug in (None, {"Nine": 9, "Ten": 10}[runner.name])
    assert with_reserves(after) == after


def test_a_british_reserve_runs_in_the_trap_of_the_dog_that_it_replaces() -> None:
    card = make_card("Anna", "Bela", "Cora", "Dora", scratched=("Bela",), track="Romford")
    reserve = Runner(name="Late", box=6, is_reserve=True)
    after = with_reserves(make_card(runners=(*card.runners, reserve), track="Romford"))
    assert [(runner.box, runner.rug) for runner in after.runners if runner.name == "Late"] == [(2, 6)]


def test_a_scratched_reserve_steps_in_nowhere_and_a_taken_box_is_not_vacant() -> None:
    card = make_card("Anna", "Bela", "Cora", scratched=("Anna",))
    gone = Runner(name="Nine", box=9, is_scratched=True)
    in_box = Runner(name="Ten", box=1, rug=10)
    before = make_card(runners=(*card.runners, gone, in_box))
    assert with_reserves(before) is before
