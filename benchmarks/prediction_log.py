"""How long the log takes on PostgreSQL at 1, 10 ... million cards: `python -m benchmarks.prediction_log`.

The rows are made by the database itself: cards over so many months, each of a race that several cards are
about, with outcomes, and sums by day, track and version as matching leaves them. Texts are short (nothing
that is measured reads them), and one card in so many has its runners. PostgreSQL runs in a folder of its own,
gone afterwards.
"""

import argparse
import datetime as dt
import statistics
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, text

from racing.database.engine import open_database
from racing.predictions.listing import prediction_with_outcome, predictions_with_outcomes
from racing.predictions.months import make_months, next_month
from racing.predictions.prediction_filter import PredictionFilter
from racing.predictions.progress import SETTLED, note_read
from racing.predictions.prune import prune
from racing.predictions.score import score_predictions
from racing.predictions.seals import seal_days
from racing.predictions.update import update_outcomes
from tests.postgresql import postgresql

FIRST = dt.date(2024, 12, 1)
TRACKS, RACES_OF_TRACK, STARTERS = 12, 12, 7
_CARDS = """
INSERT INTO prediction (id, writer, number, request_id, model_version, digest, at, card, answer)
SELECT i, 'w', i, 'r' || i, 1 + i * 4 / CAST(:n AS bigint), repeat('0', 64),
    CAST(:first AS timestamp) + i * (CAST(:days AS float) / :n) * interval '1 day',
    '{"date": "2026-03-14", "track": "Sandown Park", "runners": []}', '{"runners": []}'
FROM generate_series(CAST(:low AS bigint), :high) AS i"""
_RACES = """
INSERT INTO predictedrace (prediction_id, model_version, at, date, track, distance_m, n_runners, is_ahead,
    race_id, n_starters, loss, market_loss, uniform_loss, top_pick)
SELECT id, model_version, at, CAST(at AS date), 'track ' || id % :tracks, 515, :starters, true,
    (CAST(at AS date) - CAST(:first AS date)) * :tracks * :races + id % (:tracks * :races),
    :starters, 1.5 + id % 100 * 0.01, 1.5 + id % 97 * 0.01, ln(:starters), id % 3 / 2
FROM prediction WHERE id BETWEEN :low AND :high"""
_RUNNERS = """
INSERT INTO predictedrunner (prediction_id, box, at, dog_key, name, win_probability, place_probability, won,
    share, market_probability)
SELECT prediction_id, box, at, 'DOG ' || prediction_id % 5000 || box, 'Dog', 0.14, 0.4, box = 1, 0.14, 0.14
FROM predictedrace, generate_series(1, :starters) AS box
WHERE prediction_id BETWEEN :low AND :high AND prediction_id % :every = 0"""
_LATEST = """
INSERT INTO latestprediction (date, race_id, model_version, is_ahead, prediction_id, track, is_last,
    is_last_ahead, is_last_of_version)
SELECT date, race_id, model_version, true, max(prediction_id), max(track), true, true, true
FROM predictedrace GROUP BY date, race_id, model_version"""
_SUMS = """
INSERT INTO predictionsums
SELECT way, date, track, model_version, count(*), 1.5 * count(*), 1.9 * count(*), count(*) / 3.0, count(*),
    1.5 * count(*), 1.49 * count(*), 0.1 * count(*),
    decode(repeat('0c25', CAST(count(*) * :starters AS int)), 'hex')
FROM latestprediction, generate_series(0, 3) AS way GROUP BY way, date, track, model_version"""
_AT_ONCE = 500_000


def fill(engine: Engine, n: int, n_months: int, every: int) -> None:
    """Make a log of so many cards."""
    months = [FIRST]
    while len(months) < n_months:
        months.append(next_month(months[-1]))
    with engine.begin() as connection:
        make_months(connection, months)
    given: dict[str, Any] = {
        "n": n,
        "first": FIRST,
        "days": (next_month(months[-1]) - FIRST).days,
        "every": every,
    }
    given |= {"tracks": TRACKS, "races": RACES_OF_TRACK, "starters": STARTERS}
    for low in range(1, n + 1, _AT_ONCE):
        for statement in (_CARDS, _RACES, _RUNNERS):
            with engine.begin() as connection:
                _run(connection, statement, given | {"low": low, "high": min(n, low + _AT_ONCE - 1)})
    with engine.begin() as connection:
        for statement in (_LATEST, _SUMS):
            _run(connection, statement, given)
        connection.execute(text("SELECT setval('prediction_id_seq', :n)"), {"n": n})
        now = dt.datetime.now(dt.UTC)
        for ago in (2, 1):
            note_read(connection, n, now=now - ago * SETTLED)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _run(connection: Connection, statement: str, given: dict[str, Any]) -> None:
    names = {name: value for name, value in given.items() if f":{name}" in statement}
    connection.execute(text(statement), names)


def measured(what: str, work: Callable[[], object], repeats: int = 5) -> None:
    """Print how long something takes: the first time, and the middle of those after it."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    rest = f", then {statistics.median(seconds[1:]):.3f} s" if repeats > 1 else ""
    print(f"{what}: {seconds[0]:.3f} s{rest}", flush=True)


def main() -> None:
    """Fill and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=1_000_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--runners-every", type=int, default=10, help="one card in so many has its runners")
    given = parser.parse_args()
    with postgresql("-U greyhound -A trust", "listen_addresses=", "max_wal_size=4GB") as folder:
        engine = open_database(f"postgresql+psycopg://greyhound@/postgres?host={folder}", create=True)
        measured(
            f"filling {given.cards:,} cards",
            lambda: fill(engine, given.cards, given.months, given.runners_every),
            repeats=1,
        )
        with engine.connect() as connection:
            size = connection.scalar(text("SELECT pg_database_size(current_database())")) or 0
            print(f"size: {size / 1e9:.1f} GB", flush=True)
        month = PredictionFilter(since=dt.date(2025, 6, 1), until=dt.date(2025, 6, 30))
        measured("update_outcomes with nothing to do", lambda: update_outcomes(engine))
        measured("score of a month by week", lambda: score_predictions(engine, month, by="week"))
        measured("score of a month by track", lambda: score_predictions(engine, month, by="track"))
        measured(
            "score of everything by week", lambda: score_predictions(engine, PredictionFilter(), by="week")
        )
        measured("newest 50 of a month", lambda: predictions_with_outcomes(engine, month))
        measured("one card by its number", lambda: prediction_with_outcome(engine, str(given.cards // 2)))
        until = next_month(FIRST) - dt.timedelta(days=1)
        measured(
            "sealing a month, as the service does day by day",
            lambda: seal_days(engine, until=until),
            repeats=1,
        )
        measured("pruning a month", lambda: prune(engine, next_month(FIRST)), repeats=1)
        engine.dispose()


if __name__ == "__main__":
    main()
