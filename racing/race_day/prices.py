"""The last known price of each runner before the off."""

from collections.abc import Sequence

from sqlalchemy import Connection

from racing.database.tables import Race, RunnerPrice

_RACE, _PRICE = Race.__table__, RunnerPrice.__table__  # type: ignore[attr-defined]


def last_prices(connection: Connection, race_ids: Sequence[int]) -> dict[int, dict[int, float]]:
    """Return the newest price of each runner that was priced before the off, by race and dog."""
    return {}
