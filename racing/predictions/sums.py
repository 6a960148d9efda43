"""Sums over the cards that a score counts, by day, track and version: what a score reads.

The sums of a day's track are added up anew whenever one of its outcomes changes, over the races that were run
there: a dozen or so, however many cards there are. No sum is added to or taken from, so none can drift.
``shares`` holds each starter's share of the probability in two bytes (the lowest bit is whether it won), from
which any calibration is counted.
"""

import datetime as dt
import struct
from collections import defaultdict
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, bindparam, delete, insert, literal_column, select

from racing.predictions.tables import LATEST, RACE, RUNNER, SUMS

N_LEVELS = 1 << 15
COUNTINGS = (0, 1, 2, 3)
_N_AT_ONCE = 500  # values in one IN list
_COLUMNS = ("n_races", "loss", "uniform_loss", "top_picks", "n_with_market", "loss_with_market",
            "market_loss", "squared_gaps")  # fmt: skip
_FORGET = delete(SUMS).where(
    SUMS.c.counting.in_([literal_column(str(way)) for way in COUNTINGS]),
    SUMS.c.date == bindparam("day"),
    SUMS.c.track == bindparam("at"),
)


def counting(*, with_late: bool, by_version: bool) -> int:
    """Return the number of a way of counting: 0 to 3, see :class:`racing.database.tables.PredictionSums`."""
    return int(with_late) + 2 * by_version


def add_up(connection: Connection, meetings: Collection[tuple[dt.date, str]]) -> None:
    """Add up anew what counts at tracks on days."""
    if not meetings:
        return
    outcome = (RACE.c.loss, RACE.c.uniform_loss, RACE.c.top_pick, RACE.c.market_loss)
    query = (
        select(LATEST, *outcome)
        .join(RACE, RACE.c.prediction_id == LATEST.c.prediction_id)
        .where(LATEST.c.date.in_({day for day, _ in meetings}))
        .where(LATEST.c.track.in_({track for _, track in meetings}))
        .order_by(LATEST.c.prediction_id)
    )
    cards = [card for card in connection.execute(query) if (card.date, card.track) in meetings]
    shares = _shares(connection, [card.prediction_id for card in cards])
    groups: dict[tuple[int, dt.date, str, int], list[Row[Any]]] = defaultdict(list)
    for card in cards:
        for way in _countings(card):
            groups[way, card.date, card.track, card.model_version].append(card)
    connection.execute(_FORGET, [{"day": day, "at": track} for day, track in sorted(meetings)])
    if groups:
        rows = [
            {"counting": way, "date": day, "track": track, "model_version": version}
            | dict(zip(_COLUMNS, _sums(some), strict=True))
            | {"shares": b"".join(shares.get(card.prediction_id, b"") for card in some)}
            for (way, day, track, version), some in groups.items()
        ]
        connection.execute(insert(SUMS), rows)


def count_levels(shares: bytes) -> NDArray[np.int64]:
    """Return the number of starters by level of their share; shape (levels, 2), losers then winners."""
    return np.bincount(np.frombuffer(shares, "<u2"), minlength=2 * N_LEVELS).reshape(N_LEVELS, 2)


def _countings(card: Row[Any]) -> list[int]:
    ways = (card.is_last_ahead, card.is_last, card.is_ahead, card.is_last_of_version)
    return [way for way, counts in zip(COUNTINGS, ways, strict=True) if counts]


def _sums(cards: list[Row[Any]]) -> tuple[float, ...]:
    loss = uniform = top = loss_with_market = market = squares = 0.0
    n_with_market = 0
    for card in cards:
        loss += card.loss
        uniform += card.uniform_loss
        top += card.top_pick
        if card.market_loss is not None:
            n_with_market += 1
            loss_with_market += card.loss
            market += card.market_loss
            squares += (card.loss - card.market_loss) ** 2
    return len(cards), loss, uniform, top, n_with_market, loss_with_market, market, squares


def _shares(connection: Connection, ids: list[int]) -> dict[int, bytes]:
    """Return the starters' shares of each card."""
    levels: dict[int, list[int]] = defaultdict(list)
    for i in range(0, len(ids), _N_AT_ONCE):
        query = select(RUNNER.c.prediction_id, RUNNER.c.share, RUNNER.c.won).where(
            RUNNER.c.prediction_id.in_(ids[i : i + _N_AT_ONCE]), RUNNER.c.share.is_not(None)
        )
        for number, share, won in connection.execute(query.order_by(RUNNER.c.prediction_id, RUNNER.c.box)):
            levels[number].append(min(int(share * N_LEVELS), N_LEVELS - 1) << 1 | bool(won))
    return {number: struct.pack(f"<{len(some)}H", *some) for number, some in levels.items()}
