"""Read what one contestant gained over another in the logged races, from the rows of ``comparedrace``.

A race counts once, by the last card that was answered ahead for it. A contestant is a version (``"7"``) or a
price list (``"prices:tipster"``).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.types import NullType

from racing.comparison.gains import ArmScores, Gains
from racing.predictions.compared import PRICES
from racing.predictions.tables import COMPARED, LATEST, RACE


@dataclass(frozen=True, slots=True)
class PairedGains:
    """Of contestant B over A in the races that both rated, in the order of the cards; shape (n_races,)."""

    gains: Gains
    first_day: dt.date | None
    """None without races."""
    last_day: dt.date | None

    @property
    def races_per_day(self) -> float | None:
        """Races a day from the first to the last; None without races."""
        if self.first_day is None or self.last_day is None:
            return None
        return len(self.gains.by_outcome) / ((self.last_day - self.first_day).days + 1)


def read_gains(connection: Connection, a: str, b: str, *, experiment_id: int | None = None) -> PairedGains:
    """Return what B gained over A: where A answered and B was beside it, the reverse, or both beside a third.

    With ``experiment_id`` only the cards that were answered while that experiment ran.
    """
    rows = _rows(a, b, experiment_id)
    # a day as the driver has it: reading each as a date would take as long as all the rest
    day = type_coerce(rows.c.date, NullType())
    query = select(rows.c.by_outcome, rows.c.by_market, day).order_by(rows.c.date, rows.c.id)
    found = connection.execute(query).all()
    if not found:
        return PairedGains(Gains(np.zeros(0), np.zeros(0)), None, None)
    values = np.array([row[:2] for row in found], float)
    return PairedGains(
        Gains(values[:, 0], values[:, 1]), first_day=_as_date(found[0][2]), last_day=_as_date(found[-1][2])
    )


def read_arm(connection: Connection, experiment_id: int, version: int) -> ArmScores:
    """Return the scores of one arm of a split in the races that it answered."""
    query = (
        select(
            RACE.c.loss - func.coalesce(RACE.c.market_loss, RACE.c.uniform_loss),
            RACE.c.expected_loss - RACE.c.market_expected_loss,
        )
        .join(LATEST, _counts(RACE.c.prediction_id))
        .where(RACE.c.experiment_id == experiment_id, RACE.c.model_version == version)
        .order_by(RACE.c.date, RACE.c.prediction_id)
    )
    found = connection.execute(query).all()
    by_outcome, by_market = zip(*found, strict=True) if found else ((), ())
    return ArmScores(np.array(by_outcome, float), np.array(by_market, float))


def price_lists_of(connection: Connection, first_day: dt.date) -> list[str]:
    """Return the price lists that were compared in races since a day, as contestants."""
    query = select(COMPARED.c.contestant).where(
        COMPARED.c.contestant.startswith(PRICES, autoescape=True), COMPARED.c.date >= first_day
    )
    return sorted(connection.scalars(query.distinct()))


def _rows(a: str, b: str, experiment_id: int | None) -> Subquery:
    """Return the races of a pair: ``id``, ``date``, ``by_outcome``, ``by_market``."""
    first, second = COMPARED.alias("first"), COMPARED.alias("second")
    parts: list[Select[Any]] = []
    if a.isdigit():
        parts.append(_beside(b, int(a), 1.0, experiment_id))
    if b.isdigit():
        parts.append(_beside(a, int(b), -1.0, experiment_id))
    both = (
        select(
            first.c.prediction_id.label("id"),
            first.c.date.label("date"),
            (second.c.gain_by_outcome - first.c.gain_by_outcome).label("by_outcome"),
            (second.c.gain_by_market - first.c.gain_by_market).label("by_market"),
        )
        .join(second, and_(second.c.prediction_id == first.c.prediction_id, second.c.contestant == b))
        .join(LATEST, _counts(first.c.prediction_id))
        .where(first.c.contestant == a)
    )
    if experiment_id is not None:
        both = both.where(first.c.experiment_id == experiment_id)
    return union_all(*parts, both).subquery()


def _beside(contestant: str, version: int, sign: float, experiment_id: int | None) -> Select[Any]:
    """Return the races that a version answered and a contestant was beside."""
    query = (
        select(
            COMPARED.c.prediction_id.label("id"),
            COMPARED.c.date.label("date"),
            (COMPARED.c.gain_by_outcome * literal(sign)).label("by_outcome"),
            (COMPARED.c.gain_by_market * literal(sign)).label("by_market"),
        )
        .join(LATEST, _counts(COMPARED.c.prediction_id))
        .where(COMPARED.c.contestant == contestant, COMPARED.c.champion_version == version)
    )
    return query if experiment_id is None else query.where(COMPARED.c.experiment_id == experiment_id)


def _counts(prediction_id: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(LATEST.c.prediction_id == prediction_id, LATEST.c.is_last_ahead.is_(True))


def _as_date(day: dt.date | str) -> dt.date:
    """Return a day that SQLite's driver has as text, and PostgreSQL's as a date."""
    return dt.date.fromisoformat(day) if isinstance(day, str) else day
