"""The market's price ten minutes before the off: for models that may know it, and never a later one."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, insert, text

from racing.database.tables import RunnerPrice
from racing.domain.cards import check_card
from racing.domain.errors import CardRefused
from racing.features import FEATURE_NAMES, CardFeaturizer, features_for, race_table
from racing.features.matrix import FEATURES
from racing.metrics import race_log_loss
from racing.stored_race import stored_race
from tests.racing.seasons import make_season

OF_PRICE = [column for column, feature in enumerate(FEATURES) if feature.needs == "price_10m"]


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return make_season(tmp_path_factory.mktemp("priced"), n_races=200, with_prices=True)


def quote(engine: Engine, race_id: int, minutes: int, **prices: float) -> None:
    """Store one more price of every runner of a race, of some minute."""
    found = text(
        "select p.date, p.dog_id, p.race_key, p.file_id from runnerprice p join run on run.dog_id = p.dog_id "
        "and run.date = p.date where run.race_id = :race group by 1, 2, 3, 4"
    )
    with engine.begin() as connection:
        found_rows = connection.execute(found, {"race": race_id})
        rows: list[dict[str, Any]] = [dict(row._mapping) for row in found_rows]
        for row in rows:
            day = dt.date.fromisoformat(row["date"])
            at = dt.datetime.combine(day, dt.time(12)) - dt.timedelta(minutes=minutes)
            row |= {"date": day, "at": at, "minutes": minutes, **prices}
        connection.execute(insert(RunnerPrice), rows)


def test_only_models_of_one_scope_may_know_it() -> None:
    assert [FEATURE_NAMES[column] for column in OF_PRICE] == [
        feature.name for feature in features_for("prices-10m") if feature not in features_for("form")
    ]
    for scope in ("results", "form", "rated"):
        assert not {feature.needs for feature in features_for(scope)} & {"price_10m"}
    assert not {feature.needs for feature in features_for("prices-10m")} & {"rated"}


def test_a_stored_race_and_its_card_have_the_same_inputs_bit_for_bit(season: Engine) -> None:
    table, book = race_table(season), CardFeaturizer(season)
    assert np.isfinite(table.features[:, OF_PRICE]).all()
    for race in np.unique(table.race_id)[-40:]:
        card = stored_race(season, int(race)).card
        assert card is not None
        runners = sorted(card.runners, key=lambda runner: runner.box)
        features = book.features_of_card(replace(card, runners=tuple(runners))).values
        np.testing.assert_array_equal(features, table.features[table.race_id == race])


def test_what_the_market_says_later_changes_no_input(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=60, with_prices=True)
    before = race_table(engine).features
    race = int(race_table(engine).race_id[-1])
    on_card = [runner.price_10m for runner in stored_race(engine, race).card.runners]  # type: ignore[union-attr]
    for minutes in (9, 5, 1, 0, -1):
        quote(engine, race, minutes, back=1.5, lay=1.6, last=1.55)
    np.testing.assert_array_equal(race_table(engine).features, before)
    card = stored_race(engine, race).card
    assert card is not None
    assert [runner.price_10m for runner in card.runners] == on_card
    quote(engine, race, 11, last=2.5)  # nor earlier ones, where a newer price is there
    quote(engine, race, 30, last=2.5)
    np.testing.assert_array_equal(race_table(engine).features, before)


def test_without_a_price_of_that_minute_it_is_the_newest_of_five_more(tmp_path: Path) -> None:
    engine = make_season(tmp_path, n_races=60, with_prices=True)
    race = int(race_table(engine).race_id[-1])
    quote(engine, race, 16, last=9.0)
    quote(engine, race, 15, last=5.0)
    quote(engine, race, 12, back=3.0, lay=6.0, last=50.0)
    with engine.begin() as connection:
        connection.execute(text("delete from runnerprice where minutes = 10"))
    card = stored_race(engine, race).card
    assert card is not None
    assert {runner.price_10m for runner in card.runners} == {4.0}  # halfway between the chances of both sides
    with engine.begin() as connection:
        connection.execute(text("delete from runnerprice where minutes < 16"))
    assert np.isnan(race_table(engine).features[:, OF_PRICE]).all()


def test_one_price_too_few_and_nothing_is_known_of_the_race(season: Engine) -> None:
    race = int(race_table(season).race_id[-1])
    card = stored_race(season, race).card
    assert card is not None
    lame = replace(card, runners=(replace(card.runners[0], price_10m=None), *card.runners[1:]))
    book = CardFeaturizer(season)
    features = book.features_of_card(lame).values
    assert np.isnan(features[:, OF_PRICE]).all()
    others = np.delete(np.arange(len(FEATURES)), OF_PRICE)
    np.testing.assert_array_equal(features[:, others], book.features_of_card(card).values[:, others])
    wrong = replace(card, runners=(replace(card.runners[0], price_10m=1.0), *card.runners[1:]))
    with pytest.raises(CardRefused, match=r"price_10m must be 1\.001\.\.1000\.0, got 1\.0"):
        check_card(wrong, today=card.date)


def test_a_season_has_the_same_races_with_prices_before_the_off_as_without(
    season: Engine, tmp_path: Path
) -> None:
    plain, priced = race_table(make_season(tmp_path, n_races=200)), race_table(season)
    others = np.delete(np.arange(len(FEATURES)), OF_PRICE)
    np.testing.assert_array_equal(plain.features[:, others], priced.features[:, others])
    np.testing.assert_array_equal(plain.won, priced.won)
    assert np.isnan(plain.features[:, OF_PRICE]).all()
    early, closing = (
        race_log_loss(p, priced.won, priced.race)
        for p in (priced.early_probability, priced.market_probability)
    )
    assert closing < early < np.log(np.bincount(priced.race)).mean()
