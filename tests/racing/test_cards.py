"""Cards: who of them starts, which rules they keep, and what becomes of them before the race."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racing.domain.cards import Card, PastRun, Runner, check_card, starters_of, status_of
from racing.domain.errors import CardRefused
from racing.domain.field_changes import with_reserve, with_scratched
from racing.domain.plain_text import unprintable

TODAY = dt.date(2026, 3, 14)
NAMES = ("Anna", "Bela", "Cora", "Dora", "Edda", "Fips", "Gina", "Hans", "Ilse", "Juno")


def card_of(*runners: Runner, **changes: Any) -> Card:
    about: dict[str, Any] = {"date": TODAY, "track": "Sandown Park", "distance_m": 515}
    return Card(**about | {"runners": runners} | changes)


def full_card(**changes: Any) -> Card:
    """Eight runners and two reserves."""
    return card_of(*(Runner(name=name, box=box) for box, name in enumerate(NAMES, start=1)), **changes)


def rules(card: Card) -> list[str]:
    try:
        check_card(card, today=TODAY)
    except CardRefused as error:
        return [violation.rule for violation in error.violations]
    return []


def starting(card: Card) -> dict[str, int]:
    return {runner.name: runner.box for runner in starters_of(card).runners}


@pytest.mark.parametrize(
    ("runner", "status"),
    [
        (Runner(name="A", box=8), "starter"),
        (Runner(name="A", box=9), "reserve"),
        (Runner(name="A", box=9, is_reserve=False), "starter"),
        (Runner(name="A", box=6, rug=9), "starter"),
        (Runner(name="A", box=4, is_reserve=True), "reserve"),
        (Runner(name="A", box=10, is_scratched=True), "scratched"),
    ],
)
def test_nine_and_ten_are_reserves_unless_they_run(runner: Runner, status: str) -> None:
    assert status_of(runner) == status


def test_a_card_whose_runners_all_start_is_its_own_starters() -> None:
    card = card_of(*full_card().runners[:8])
    assert starters_of(card) is card


def test_a_reserve_takes_the_box_of_a_scratched_runner() -> None:
    card = with_reserve(with_scratched(full_card(), "6"), "9", 6)
    assert rules(card) == []
    assert starting(card) == dict(zip(NAMES[:5], range(1, 6), strict=True)) | {
        "Gina": 7,
        "Hans": 8,
        "Ilse": 6,
    }
    assert card.runners[8].rug == 9
    assert starting(with_scratched(card, "ILSE")).keys() == starting(card).keys() - {"Ilse"}


def test_a_reserve_cannot_take_a_box_that_somebody_starts_from() -> None:
    broken = rules(with_reserve(full_card(), "Juno", 3))
    assert "a box holds one runner, got 2 in box 3 (runner 'Juno')" in broken


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda card: with_scratched(card, "11"), "no runner of the card is '11'; it has 1 Anna, 2 Bela"),
        (lambda card: with_scratched(card, "Zora"), "no runner of the card is 'Zora'"),
        (lambda card: with_reserve(card, "6", 3), "a reserve takes a box, and 'Fips' is a starter"),
        (lambda card: with_reserve(card, "9", 9), "a box to start from must be 1..8, got 9 ('Ilse')"),
    ],
)
def test_a_change_that_cannot_be_says_why(change: Any, rule: str) -> None:
    with pytest.raises(CardRefused) as refused:
        change(full_card())
    assert str(refused.value).startswith(rule)


def test_two_must_start() -> None:
    card = card_of(
        Runner(name="Anna", box=1), Runner(name="Bela", box=2, is_scratched=True), Runner(name="Cora", box=9)
    )
    assert rules(card) == ["a race needs 2 that start, got 1 of 3 runners: 1 reserves, 1 scratched"]


def test_a_number_stands_once_on_a_card() -> None:
    card = card_of(Runner(name="Anna", box=1), Runner(name="Bela", box=2), Runner(name="Cora", box=3, rug=2))
    assert rules(card) == [
        f"a number stands once on a card, got 2 for 2 (runner {name!r})" for name in ("Bela", "Cora")
    ]


@pytest.mark.parametrize("name", ["VACANT", "3. Vacant", "nan", "N/A"])
def test_an_empty_box_is_no_runner(name: str) -> None:
    card = card_of(Runner(name="Anna", box=1), Runner(name="Bela", box=2), Runner(name=name, box=3))
    assert rules(card) == [f"leave out an empty box, got name {name!r}"]


UNPRINTABLE = ["\0", "\x1f", "\n", "\x7f", "\x85", "\ud800", "\u202e", "\u200b", "\u2066", "\ufeff"]


@pytest.mark.parametrize("where", ["track", "grade", "name", "track of a run", "grade of a run"])
@pytest.mark.parametrize("mark", UNPRINTABLE)
def test_no_text_of_a_card_holds_what_does_not_print(where: str, mark: str) -> None:
    text = f"Sir{mark}Tick"
    run = PastRun(date=dt.date(2026, 3, 7), track="Sale", distance_m=440)
    if where == "track of a run":
        run = dataclasses.replace(run, track=text)
    elif where == "grade of a run":
        run = dataclasses.replace(run, grade=text)
    of_card = {where: text} if where in ("track", "grade") else {}
    first = Runner(name=text if where == "name" else "Anna", box=1, form=(run,))
    (rule,) = rules(card_of(first, Runner(name="Bela", box=2), **of_card))
    assert rule.endswith(f"must hold characters that print, got U+{ord(mark):04X} in {text!r}")


@given(st.text(st.characters(categories=("L", "N", "P", "S", "M")), max_size=20))
def test_letters_of_every_script_print(text: str) -> None:
    assert unprintable(text) is None


@pytest.mark.parametrize(
    ("date", "rule"),
    [
        (dt.date(1989, 12, 31), "date must not be before 1990-01-01, got 1989-12-31"),
        (dt.date(2026, 5, 14), "date must be at most 60 days ahead of 2026-03-14, got 2026-05-14"),
    ],
)
def test_a_day_is_neither_before_the_records_nor_far_ahead(date: dt.date, rule: str) -> None:
    assert rules(full_card(date=date)) == [rule]
    if date < TODAY:
        run = PastRun(date=date, track="Sale", distance_m=440)
        card = card_of(Runner(name="Anna", box=1, form=(run,)), Runner(name="Bela", box=2))
        assert rules(card) == [f"{rule} (runner 'Anna')"]


def test_of_a_track_that_nobody_knows_the_latest_day_anywhere_counts_and_is_named() -> None:
    (rule,) = rules(full_card(track="Sim Park", date=dt.date(2026, 5, 14)))
    assert "60 days ahead of 2026-03-14, the latest day anywhere as the track is not known, got" in rule
