"""What a score reads is what adding up the log card by card gives, whatever happened to the log."""

import threading
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, delete, event, insert, select

from racing.database.engine import open_database
from racing.database.migrating import alembic_config
from racing.predictions import reading
from racing.predictions.latest import recount_all
from racing.predictions.listing import predictions_with_outcomes
from racing.predictions.prediction_filter import PredictionFilter
from racing.predictions.prune import prune
from racing.predictions.reading import n_newest_unread, read_unread
from racing.predictions.score import BY, score_predictions
from racing.predictions.tables import LATEST, RACE, SUMS
from racing.predictions.update import match_day, update_outcomes
from tests.racing.predictions.logs import (
    DAYS,
    RACES,
    bring_results,
    change,
    counted_from_scratch,
    log_cards,
    score_from_scratch,
    starters_from_scratch,
)

FILTERS = [
    PredictionFilter(),
    PredictionFilter(version=2),
    PredictionFilter(track="The Meadows"),
    PredictionFilter(since=DAYS[1]),
    PredictionFilter(until=DAYS[1], version=1),
    PredictionFilter(since=DAYS[1], until=DAYS[2], track="NOWHERE ELSE"),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    yield engine
    engine.dispose()


def assert_sums_are_right(log: Engine, filters: list[PredictionFilter] = FILTERS) -> None:
    """Compare every score of the log with the one added up from scratch."""
    for wanted in filters:
        for with_late in (False, True):
            one_version = wanted.version is not None
            cards = counted_from_scratch(log, wanted, with_late=with_late, by_version=one_version)
            by_version = counted_from_scratch(log, wanted, with_late=with_late, by_version=True)
            groups = {
                "track": _grouped(cards, lambda card: card.track),
                "version": _grouped(by_version, lambda card: str(card.model_version)),
            }
            for by, expected in groups.items():
                scores = score_predictions(log, wanted, by=by, with_late=with_late)
                assert _figures(scores.total) == pytest.approx(score_from_scratch(cards), nan_ok=True)
                assert {score.group: _figures(score) for score in scores.groups} == {
                    group: pytest.approx(score_from_scratch(some), nan_ok=True)
                    for group, some in expected.items()
                }
            n, shares, won = starters_from_scratch(log, cards)
            assert sum(one.n_runners for one in scores.bins) == n
            predicted = sum(one.predicted * one.n_runners for one in scores.bins)
            assert predicted == pytest.approx(shares, abs=2e-5 * n)
            assert sum(one.observed * one.n_runners for one in scores.bins) == pytest.approx(won)
            listed = predictions_with_outcomes(
                log, wanted, limit=10_000, only_counted=True, with_late=with_late
            )
            assert [card.id for card in listed] == sorted(
                (card.prediction_id for card in cards), reverse=True
            )


def _grouped(cards: list[Any], key: Any) -> dict[str, list[Any]]:
    return {group: list(some) for group, some in groupby(sorted(cards, key=key), key)}


def _figures(score: Any) -> dict[str, float]:
    return {name: value for name, value in asdict(score).items() if name not in ("group", *_INTERVAL)}


_INTERVAL = ("behind_market_low", "behind_market_high")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sums_are_those_of_the_log_after_whatever_happened_to_it(log: Engine, seed: int) -> None:
    random = Random(seed)
    log_cards(log, random, RACES * 2, "first")
    bring_results(log, random, RACES)
    update_outcomes(log)
    n_races = [score_predictions(log, PredictionFilter(), with_late=True).total.n_races]
    for step in range(16):
        change(log, random, step)
        assert_sums_are_right(log, [random.choice(FILTERS)])
        n_races.append(score_predictions(log, PredictionFilter(), with_late=True).total.n_races)
    update_outcomes(log)
    assert_sums_are_right(log)
    assert max(n_races) > 8, n_races  # there was something to add up


def test_writers_at_the_same_time_do_not_make_the_sums_drift(log: Engine) -> None:
    random = Random(5)
    log_cards(log, random, RACES * 3, "first")
    bring_results(log, random, RACES)
    update_outcomes(log)
    url = log.url.render_as_string(hide_password=False)
    errors: list[BaseException] = []

    def writer(seed: int) -> None:
        mine, random = open_database(url), Random(seed)
        try:
            for step in range(6):
                log_cards(mine, random, random.sample(RACES, 6), f"w{seed}-{step}")
                read_unread(mine, n_at_once=3)
                bring_results(mine, random, random.sample(RACES, 2))
                for day in random.sample(DAYS, 2):
                    match_day(mine, day)
        except BaseException as error:
            errors.append(error)
        finally:
            mine.dispose()

    writers = [threading.Thread(target=writer, args=(seed,)) for seed in (1, 2, 3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert not errors, errors
    assert_sums_are_right(log)
    update_outcomes(log)
    assert_sums_are_right(log)


def test_a_pruned_log_leaves_no_sums_behind(log: Engine) -> None:
    random = Random(3)
    log_cards(log, random, RACES * 2, "first")
    bring_results(log, random, RACES)
    update_outcomes(log)
    assert score_predictions(log, PredictionFilter()).total.n_races
    prune(log, DAYS[-1].replace(day=30))
    with log.connect() as connection:
        assert not connection.execute(select(LATEST)).all()
        assert not connection.execute(select(SUMS)).all()


def test_a_recount_puts_right_what_an_older_program_left(log: Engine) -> None:
    random = Random(4)
    log_cards(log, random, RACES * 2, "first")
    bring_results(log, random, RACES)
    update_outcomes(log)
    with log.begin() as connection:
        connection.execute(delete(SUMS).where(SUMS.c.date == DAYS[0]))
        row = connection.execute(select(LATEST).where(LATEST.c.date == DAYS[1])).first()
        assert row is not None
        connection.execute(delete(LATEST).where(LATEST.c.date == DAYS[1]))
        connection.execute(insert(LATEST), [row._asdict() | {"race_id": 9_999}])
    assert recount_all(log) == len(DAYS)
    assert_sums_are_right(log)


def test_a_score_reads_no_cards_and_a_list_of_counted_cards_only_its_page(log: Engine) -> None:
    random = Random(6)
    log_cards(log, random, RACES * 3, "first")
    bring_results(log, random, RACES)
    update_outcomes(log)
    statements: list[str] = []
    event.listen(log, "before_cursor_execute", lambda *call: statements.append(call[2]))
    for wanted in FILTERS:
        for by in BY:
            score_predictions(log, wanted, by=by)
    assert statements
    assert not [statement for statement in statements if "predictedr" in statement]
    statements.clear()
    assert len(predictions_with_outcomes(log, PredictionFilter(), limit=3, only_counted=True)) == 3
    assert "FROM latestprediction" in statements[0]
    assert "predictedrace" not in statements[0]


def test_pages_of_the_log_are_those_of_its_cards_whatever_is_wanted(log: Engine) -> None:
    random = Random(7)
    log_cards(log, random, random.choices(RACES, k=60), "first")
    read_unread(log)
    with log.connect() as connection:
        cards = connection.execute(select(RACE).order_by(RACE.c.prediction_id.desc())).all()
    for wanted in [
        *FILTERS,
        PredictionFilter(version=2, track="The Meadows"),
        PredictionFilter(version=2, since=DAYS[1]),
    ]:
        for before in (None, 40):
            fitting = [
                card.prediction_id
                for card in cards
                if (before is None or card.prediction_id < before)
                and (wanted.since is None or card.date >= wanted.since)
                and (wanted.until is None or card.date <= wanted.until)
                and wanted.version in (None, card.model_version)
                and wanted.track_key in (None, card.track)
            ]
            page = predictions_with_outcomes(log, wanted, limit=7, before=before)
            assert [card.id for card in page] == fitting[:7]


def test_unread_cards_are_counted_up_to_a_limit(log: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    log_cards(log, Random(8), RACES, "first")
    with log.connect() as connection:
        assert n_newest_unread(connection) == len(RACES)
        monkeypatch.setattr(reading, "MAX_COUNTED", 5)
        assert n_newest_unread(connection) == 5


def test_an_upgrade_adds_up_a_log_that_is_there(log: Engine) -> None:
    random = Random(9)
    log_cards(log, random, RACES * 2, "first")
    bring_results(log, random, RACES)
    update_outcomes(log)
    config = alembic_config()
    with log.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
    upgraded = open_database(log.url.render_as_string(hide_password=False))
    assert score_predictions(upgraded, PredictionFilter()).total.n_races
    assert_sums_are_right(upgraded)
    upgraded.dispose()
