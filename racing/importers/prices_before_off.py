"""Runners' prices ten minutes before the off: those alone of a race's market that features may read.

Only models that were trained to know them see them (``--knows prices-10m``); none sees a later price.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, select
from sqlmodel import col

from racing.database.tables import Run, RunnerPrice
from racing.domain.cards import PRICE
from racing.importers.runner_prices import middle_price, priced_runners, quote_order

MINUTES_BEFORE, LONGEST_BEFORE = 10, 15
"""Of these minutes the newest price counts, and never a later one."""
_PRICE: Any = RunnerPrice.__table__  # type: ignore[attr-defined]


def has_prices(connection: Connection) -> bool:
    """Return whether any price before an off is stored."""
    return connection.scalar(select(_PRICE.c.dog_id).limit(1)) is not None


def prices_before_off(connection: Connection, races: ColumnElement[bool]) -> dict[int, float]:
    """Return each runner's price ten minutes before the off that was due, by run; runs without have no entry.

    It is the newest of minutes 15 to 10, the middle of back and lay or else the last that was matched. What
    came later, and what is no price of a card, does not count.

    Parameters
    ----------
    races
        A condition on :class:`~racing.database.tables.Race`.
    """
    is_early = _PRICE.c.minutes.between(MINUTES_BEFORE, LONGEST_BEFORE)
    query = priced_runners(races).add_columns(col(Run.id).label("run_id")).where(is_early)
    newest: dict[int, tuple[tuple[Any, ...], float]] = {}
    for row in connection.execute(query):
        price = middle_price(row.back, row.lay, row.last)
        if price is None or not PRICE[0] <= price <= PRICE[1]:
            continue
        order = quote_order(row._asdict())
        if row.run_id not in newest or newest[row.run_id][0] < order:
            newest[row.run_id] = order, price
    return {run_id: price for run_id, (_, price) in newest.items()}
