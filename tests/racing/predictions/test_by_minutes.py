"""Logged cards beside the market of minutes before the off, and no feature reads such prices."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, insert, select, text

from racing.database.engine import open_database
from racing.importers.results_api import RaceResult, import_race_results
from racing.importers.runner_prices import (
    REPORTED,
    latest_prices,
    middle_price,
    prices_of_race,
    race_key_of,
    write_prices,
)
from racing.predictions.by_minutes import LEAST_TO_FIT, score_by_minutes
from racing.predictions.prediction_filter import PredictionFilter
from racing.predictions.score import score_predictions
from racing.predictions.tables import PREDICTION, STORED
from racing.predictions.update import update_outcomes
from tests.conftest import new_postgresql_database

FIRST_DAY = dt.date(2026, 3, 2)
N_DAYS, N_A_DAY, N_DOGS = 6, 40, 5
BEFORE_RACE_DAY = (
    "racing/features",
    "racing/ratings",
    "racing/ops",
    "racing/history.py",
    "racing/race_table.py",
)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Judged cards of a week; the market knows more from minute to minute, and the model something else.

    One race in five lacks a runner's price at minute 60; a price for a place stands beside each.
    """
    url = f"sqlite:///{tmp_path_factory.mktemp('log') / 'log.db'}"
    if request.param == "postgresql":
        url = new_postgresql_database(request.getfixturevalue("postgresql_server"))
    engine = open_database(url, create=True)
    random = np.random.default_rng(5)
    results, cards, quotes = [], [], []
    for number in range(N_DAYS * N_A_DAY):
        day = FIRST_DAY + dt.timedelta(days=number // N_A_DAY)
        dogs = [f"Dog {number} {box}" for box in range(1, N_DOGS + 1)]
        seen, hidden = random.normal(size=(2, N_DOGS))
        chance = np.exp(seen + hidden) / np.exp(seen + hidden).sum()
        order = random.permutation(N_DOGS)
        winner = int(random.choice(N_DOGS, p=chance))
        places = [winner, *(i for i in order if i != winner)]
        race: dict[str, Any] = {
            "date": day,
            "track": "Sandown Park",
            "distance_m": 515,
            "race_number": number % N_A_DAY + 1,
        }
        if race["race_number"] > 20:
            race |= {"track": "The Meadows", "race_number": race["race_number"] - 20}
        runners = [
            {"runner": dogs[i], "box": i + 1, "finish_position": place, "bsp": float(1 / chance[i] + 0.02)}
            for place, i in enumerate(places, 1)
        ]
        results.append(RaceResult(**race, runners=runners))
        model = np.exp(seen) / np.exp(seen).sum()
        answer = [
            {"name": dog, "box": box, "win_probability": float(p), "place_probability": 0.5}
            for box, (dog, p) in enumerate(zip(dogs, model, strict=True), 1)
        ]
        cards.append({"writer": "w", "number": number, "request_id": str(number), "model_version": 1,
                      "digest": "0" * 64, "at": dt.datetime.combine(day, dt.time(1)),
                      "card": json.dumps(race | {"date": day.isoformat()}),
                      "answer": json.dumps({"runners": answer})})  # fmt: skip
        for minutes, knows in ((60, 0.5), (0, 1.0), (7, 0.0)):
            p = np.exp(knows * hidden + seen * (minutes == 0))
            for i, dog in enumerate(dogs):
                if minutes == 60 and number % 5 == 0 and i == 2:
                    continue
                price = float(p.sum() / p[i])
                quotes.append((race, dog, minutes, {"back": price * 0.97, "lay": price / 0.97, "last": 1.5}))
    import_race_results(engine, results)
    with engine.begin() as connection:
        connection.execute(insert(PREDICTION), cards)
        _write(connection, quotes)
    update_outcomes(engine)
    yield engine
    engine.dispose()


def _write(connection: Connection, quotes: list[tuple[dict[str, Any], str, int, dict[str, float]]]) -> None:
    keys = {
        (row.date, row.name, row.number): (row.id, row.source_key)
        for row in connection.execute(
            select(STORED.c.id, STORED.c.date, STORED.c.number, STORED.c.source_key, text("track.name"))
            .join(text("track"), text("track.id = race.track_id"))
        )
    }  # fmt: skip
    dog_ids = {str(key): int(number) for key, number in connection.execute(text("SELECT key, id FROM dog"))}
    rows = []
    for race, dog, minutes, prices in quotes:
        race_id, source_key = keys[race["date"], race["track"], race["race_number"]]
        row = {"date": race["date"], "dog_key": dog.upper().replace(" ", ""), "minutes": minutes} | prices
        row["at"] = dt.datetime.combine(race["date"], dt.time(9)) - dt.timedelta(minutes=minutes)
        rows.append(row | {"race_key": race_key_of(race_id, None, source_key)})
        rows.append(row | {"race_key": f"betfair-place:{race_id}", "back": 1.1, "lay": 1.1})
    assert write_prices(connection, REPORTED, rows, dog_ids) == len(rows)


def test_the_market_of_each_minute_is_judged_where_every_starter_had_a_price(log: Engine) -> None:
    scores = score_by_minutes(log, PredictionFilter())
    total = score_predictions(log, PredictionFilter()).total
    hour, off = scores.minutes
    assert (hour.minutes, off.minutes) == (60, 0)
    assert (scores.n_races, scores.is_cut) == (N_DAYS * N_A_DAY, False)
    assert (scores.first_day, scores.last_day) == (FIRST_DAY, FIRST_DAY + dt.timedelta(days=N_DAYS - 1))
    assert off.n_races == total.n_races == N_DAYS * N_A_DAY
    assert hour.n_races == hour.n_races_to_off == 4 * off.n_races // 5
    assert off.model_loss == pytest.approx(total.log_loss)
    assert off.model_behind_market.difference == pytest.approx(off.model_loss - off.market_loss)
    assert off.model_behind_market.low > 0, "the market at the off knows all that the model knows, and more"
    assert hour.market_behind_off.low > 0
    assert off.market_behind_off.difference == 0


def test_both_together_are_better_than_either_where_each_knows_something_else(log: Engine) -> None:
    hour = score_by_minutes(log, PredictionFilter()).minutes[0]
    assert hour.combined_behind_market.high < 0
    assert hour.combined_behind_model.high < 0
    one_day = score_by_minutes(log, PredictionFilter(until=FIRST_DAY)).minutes[0]
    assert N_A_DAY < LEAST_TO_FIT
    assert np.isnan(one_day.combined_loss), "weights are fitted on other days"


def test_filters_and_the_limit_choose_the_newest_races(log: Engine) -> None:
    newest = score_by_minutes(log, PredictionFilter(), max_races=45)
    assert (newest.n_races, newest.is_cut) == (45, True)
    assert newest.first_day == FIRST_DAY + dt.timedelta(days=N_DAYS - 2)
    of_track = score_by_minutes(
        log, PredictionFilter(track="The Meadows", since=FIRST_DAY + dt.timedelta(days=1))
    )
    assert of_track.n_races == 20 * (N_DAYS - 1)
    assert score_by_minutes(log, PredictionFilter(version=2)).minutes == ()


def test_prices_of_a_race_are_read_by_minute_and_the_newest_counts(log: Engine) -> None:
    with log.connect() as connection:
        first = select(STORED.c.id).where(STORED.c.date == FIRST_DAY).order_by(STORED.c.id).limit(1)
        race_id = connection.execute(first).scalar_one()
        quotes = prices_of_race(connection, race_id)
        assert [quote.minutes for quote in quotes] == sorted(
            (quote.minutes for quote in quotes), reverse=True
        )
        assert {quote.minutes for quote in prices_of_race(connection, race_id, 7)} == {60, 7}
        newest = {quote.dog_id: quote.price for quote in quotes if quote.minutes == 0}
        assert latest_prices(connection, [race_id, -1]) == {race_id: pytest.approx(newest)}


def test_one_price_lies_halfway_between_the_chances_of_back_and_lay() -> None:
    assert middle_price(2.0, 4.0, 9.0) == pytest.approx(8 / 3)
    assert middle_price(4.0, 2.0, 9.0) == 9.0, "a crossed book"
    assert middle_price(2.0, None, 9.0) == 9.0
    assert middle_price(2.0, None, None) is None


def test_features_ratings_and_training_read_prices_before_the_off_by_one_module_alone() -> None:
    """By that of prices ten minutes before, none later; and it is the features' table alone that does."""
    for package in (*BEFORE_RACE_DAY, "training"):
        path = ROOT / package
        files = [path] if path.is_file() else sorted(path.rglob("*.py"))
        assert files
        for file in files:
            source = file.read_text(encoding="utf-8").lower()
            assert "runnerprice" not in source, file
            assert "runner_prices" not in source, file
            assert "by_minutes" not in source, file
            reads = "importers.prices_before_off" in source
            assert reads == (file == ROOT / "racing/features/table.py"), file
