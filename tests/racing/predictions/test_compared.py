"""Comparisons of contestants are what the log, the results and the prices say, however they came about."""

import datetime as dt
import json
import math
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, insert, select

from racing.database.engine import open_database
from racing.domain.names import name_key
from racing.experiments.policy import Policy
from racing.experiments.records import Experiment
from racing.experiments.verdicts import experiment_verdicts, gains_path, pair_verdict
from racing.importers.results_api import RaceResult, import_race_results
from racing.predictions.gains import read_arm, read_gains
from racing.predictions.tables import COMPARED, LATEST, PREDICTION, PRICE, RACE, RUNNER
from racing.predictions.update import update_outcomes
from tests.racing.predictions.logs import RACES, Meeting, bring_prices, change, log_cards

DAY = dt.date(2026, 3, 1)


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    yield engine
    engine.dispose()


def answer_card(engine: Engine, *, version: int, p: list[float], shadows: dict[int, list[float]]) -> None:
    """Log one answered card of a race with a reserve, as the service does."""
    runners = [
        {
            "name": f"Dog {box}",
            "box": box,
            "status": status,
            "win_probability": chance,
            "place_probability": 0.5,
        }
        for box, status, chance in zip((3, 1, 2, 9), ("starter",) * 3 + ("reserve",), p, strict=True)
    ]
    card = {"date": DAY.isoformat(), "track": "Sandown Park", "distance_m": 515, "race_number": 1}
    beside = [
        {"version": number, "digest": "0" * 64, "win_probability": chances}
        for number, chances in shadows.items()
    ]
    with engine.begin() as connection:
        number = len(connection.execute(select(PREDICTION.c.id)).all())
        row = {
            "writer": "test",
            "number": number,
            "request_id": f"r{number}",
            "model_version": version,
            "digest": "0" * 64,
            "at": dt.datetime.combine(DAY, dt.time(1)),
            "card": json.dumps(card),
            "answer": json.dumps({"runners": runners}),
            "experiment_id": 4,
            "shadows": json.dumps(beside),
        }
        connection.execute(insert(PREDICTION), [row])


def bring_result(engine: Engine, winner: int, prices: dict[int, float]) -> None:
    """Store how the race came out, among those that have a price."""
    places = {box: 1 if box == winner else 2 for box in prices}
    runners = [
        {"runner": f"Dog {box}", "box": box, "finish_position": place, "bsp": prices[box]}
        for box, place in places.items()
    ]
    result = RaceResult(date=DAY, track="Sandown Park", distance_m=515, race_number=1, runners=runners)
    import_race_results(engine, [result])


def test_a_gain_is_that_of_the_winner_and_that_which_the_closing_prices_expect(log: Engine) -> None:
    answer_card(log, version=5, p=[0.5, 0.3, 0.2, 0.0], shadows={7: [0.4, 0.5, 0.1, 0.0]})
    bring_result(log, 1, {1: 2.0, 2: 4.0, 3: 4.0})
    update_outcomes(log)
    with log.connect() as connection:
        found = read_gains(connection, "5", "7", experiment_id=4).gains
        assert found.by_outcome == pytest.approx([math.log(0.5 / 0.3)])
        by_market = 0.5 * math.log(0.5 / 0.3) + 0.25 * math.log(0.1 / 0.2) + 0.25 * math.log(0.4 / 0.5)
        assert found.by_market == pytest.approx([by_market])
        assert len(read_gains(connection, "5", "7", experiment_id=3).gains.by_outcome) == 0


def test_the_reverse_pair_has_the_opposite_gain(log: Engine) -> None:
    answer_card(log, version=5, p=[0.5, 0.3, 0.2, 0.0], shadows={7: [0.4, 0.5, 0.1, 0.0]})
    bring_result(log, 1, {1: 2.0, 2: 4.0, 3: 4.0})
    update_outcomes(log)
    with log.connect() as connection:
        there, back = (read_gains(connection, *pair).gains for pair in (("5", "7"), ("7", "5")))
    assert back.by_outcome == pytest.approx(-there.by_outcome)


def test_those_that_did_not_start_are_left_out_and_the_others_share_the_race(log: Engine) -> None:
    answer_card(log, version=5, p=[0.5, 0.3, 0.2, 0.0], shadows={7: [0.4, 0.5, 0.1, 0.0]})
    bring_result(log, 1, {1: 2.0, 2: 2.0})
    update_outcomes(log)
    with log.connect() as connection:
        found = read_gains(connection, "5", "7").gains
    assert found.by_outcome == pytest.approx([math.log((0.5 / 0.6) / (0.3 / 0.5))])


def test_two_that_were_beside_a_third_are_compared_with_each_other(log: Engine) -> None:
    answer_card(
        log, version=5, p=[0.5, 0.3, 0.2, 0.0], shadows={7: [0.4, 0.5, 0.1, 0.0], 8: [0.2, 0.6, 0.2, 0.0]}
    )
    bring_result(log, 1, {1: 2.0, 2: 4.0, 3: 4.0})
    update_outcomes(log)
    with log.connect() as connection:
        assert read_gains(connection, "7", "8").gains.by_outcome == pytest.approx([math.log(0.6 / 0.5)])
        assert pair_verdict(connection, "7", "8").verdict.by_outcome.n_races == 1


def test_an_arm_is_scored_by_its_loss_less_the_markets(log: Engine) -> None:
    answer_card(log, version=7, p=[0.5, 0.3, 0.2, 0.0], shadows={})
    bring_result(log, 1, {1: 2.0, 2: 4.0, 3: 4.0})
    update_outcomes(log)
    with log.connect() as connection:
        arm = read_arm(connection, 4, 7)
    assert arm.by_outcome == pytest.approx([math.log(0.5 / 0.3)])
    divergence = 0.5 * math.log(0.5 / 0.3) + 0.25 * math.log(0.25 / 0.2) + 0.25 * math.log(0.25 / 0.5)
    assert arm.by_market == pytest.approx([divergence])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happened_comparisons_are_those_of_the_last_state(log: Engine, seed: int) -> None:
    random = Random(seed)
    for step in range(25):
        change(log, random, step)
    update_outcomes(log)
    with log.connect() as connection:
        rows = connection.execute(select(COMPARED)).all()
        found = {(row.prediction_id, row.contestant): row for row in rows}
        expected = _from_scratch(connection)
        assert found.keys() == expected.keys()
        for key, (by_outcome, by_market) in expected.items():
            assert found[key].gain_by_outcome == pytest.approx(by_outcome)
            assert found[key].gain_by_market == (None if by_market is None else pytest.approx(by_market))
        counted = set(
            connection.scalars(select(LATEST.c.prediction_id).where(LATEST.c.is_last_ahead.is_(True)))
        )
        n = sum(key[0] in counted and row.contestant == "8" for key, row in found.items())
        assert sum(len(read_gains(connection, v, "8").gains.by_outcome) for v in "123") == n


def test_results_and_prices_give_the_same_verdict_in_any_order(tmp_path: Path) -> None:
    random_of: Callable[[], Random] = lambda: Random(7)  # noqa: E731
    steps: dict[str, Callable[[Engine], None]] = {
        "cards": lambda engine: log_cards(engine, random_of(), RACES, "w"),
        "results": lambda engine: _results(engine, RACES, winner=2),
        "again": lambda engine: _results(engine, RACES[:3], winner=2),
        "prices": lambda engine: bring_prices(engine, random_of(), RACES, "tipster"),
    }
    seen = set()
    for i, order in enumerate([*permutations(steps)][::3]):
        engine = open_database(f"sqlite:///{tmp_path / f'{i}.db'}", create=True)
        for step in order:
            steps[step](engine)
            update_outcomes(engine)
        with engine.connect() as connection:
            seen.add(
                tuple(
                    str(entry)
                    for v in "123"
                    for entry in experiment_verdicts(connection, _experiment(int(v)))
                )
            )
            path = gains_path(connection, _experiment(1), "8")
            assert len(path.n_races) <= len(RACES)
        engine.dispose()
    assert len(seen) == 1


def _results(engine: Engine, races: list[Meeting], *, winner: int) -> None:
    results = [
        RaceResult(
            date=race.day,
            track=race.track,
            distance_m=515,
            race_number=race.number,
            runners=[
                {"runner": dog, "box": box, "finish_position": 1 if box == winner else 2, "bsp": 3.0 + box}
                for box, dog in enumerate(race.dogs, start=1)
            ],
        )
        for race in races
    ]
    import_race_results(engine, results)


def _experiment(champion: int) -> Experiment:
    return Experiment(
        id=1,
        kind="challenge",
        champion=champion,
        challengers=(8, 9),
        mode="split",
        share=0.5,
        policy=Policy(),
        started_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
        started_by="test",
        reason="test",
    )


def _from_scratch(connection: Any) -> dict[tuple[int, str], tuple[float, float | None]]:
    """Return every comparison, worked out card by card from the stored outcomes."""
    prices: dict[Any, dict[str, float]] = {}
    for row in connection.execute(select(PRICE)):
        prices.setdefault((row.date, row.track, row.race_number, row.name), {})[row.runner] = row.probability
    expected: dict[tuple[int, str], tuple[float, float | None]] = {}
    for race in connection.execute(select(RACE).where(RACE.c.loss.is_not(None))).all():
        query = select(RUNNER).where(RUNNER.c.prediction_id == race.prediction_id).order_by(RUNNER.c.box)
        runners = connection.execute(query).all()
        started = [runner.share is not None for runner in runners]
        beside: dict[str, list[float | None]] = {
            version: [p for p, is_in in zip(some, started, strict=True) if is_in]
            for version, some in json.loads(race.shadows or "{}").items()
        }
        for (date, track, number, name), of_race in prices.items():
            if (date, track, number) == (race.date, race.track, race.race_number):
                beside[f"prices:{name}"] = [
                    of_race.get(name_key(runner.name), of_race.get(f"box:{runner.box}"))
                    for runner in runners
                    if runner.share is not None
                ]
        mine = [runner for runner in runners if runner.share is not None]
        a = np.array([runner.share for runner in mine])
        m = [runner.market_probability for runner in mine]
        for contestant, some in beside.items():
            if None in some:
                continue
            b = np.array(some, float) / sum(p for p in some if p is not None)
            gain = np.log(b / a)
            won = next(i for i, runner in enumerate(mine) if runner.won)
            by_market = None if None in m else float(np.array(m, float) @ gain)
            expected[race.prediction_id, contestant] = (float(gain[won]), by_market)
    return expected
