"""The form of a card that was read is not read again until the database changed, and never half of it."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, event, text

from racing.domain.cards import Card
from racing.features import CardFeaturizer
from racing.features.cards.remembered_form import RememberedForm
from racing.features.cards.stored_form import NOTHING_STORED
from tests.racing.seasons import LAST_DAY, make_season
from tests.racing.test_stored_form import cards_of_all_dogs

MORNING = LAST_DAY + dt.timedelta(days=1)


@pytest.fixture
def season(tmp_path: Path) -> Engine:
    return make_season(tmp_path, n_races=60)


def test_a_card_that_was_read_is_answered_alike_without_the_database(season: Engine) -> None:
    book, card = CardFeaturizer(season), cards_of_all_dogs(season, MORNING)[0]
    assert not book.is_in_memory(card)
    before = book.features_of_card(card)
    assert book.is_in_memory(card)
    with season.begin() as connection:
        connection.execute(text("delete from dogform"))
    after = book.features_of_card(card)
    np.testing.assert_array_equal(after.values, before.values)
    assert after.is_known.all()


def test_the_same_dogs_on_another_day_are_another_card(season: Engine) -> None:
    book, card = CardFeaturizer(season), cards_of_all_dogs(season, MORNING)[0]
    book.features_of_card(card)
    earlier = cards_of_all_dogs(season, LAST_DAY - dt.timedelta(days=30))[0]
    assert not book.is_in_memory(earlier)
    assert book.read(earlier).runs.keys() <= book.read(card).runs.keys()


def test_a_card_of_strangers_reads_nothing_and_takes_no_place(season: Engine) -> None:
    book = CardFeaturizer(season)
    statements: list[str] = []
    known = cards_of_all_dogs(season, MORNING)[0]
    strangers = Card(
        date=MORNING, track=known.track, distance_m=400,
        runners=tuple(type(r)(name=f"Nobody {r.box}", box=r.box) for r in known.runners),
    )  # fmt: skip
    event.listen(season, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert book.is_in_memory(strangers)
    assert book.read(strangers) is NOTHING_STORED
    assert not statements


def test_the_card_that_was_wanted_longest_ago_is_forgotten_first() -> None:
    form = RememberedForm(n_cards=2)
    for dog in "AB":
        form.put(MORNING, [dog], NOTHING_STORED)
    assert form.get(MORNING, ["A"]) is NOTHING_STORED
    form.put(MORNING, ["C"], NOTHING_STORED)
    assert [form.get(MORNING, [dog]) is not None for dog in "ABC"] == [True, False, True]
