"""The last known price of each runner before the off."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, select

from racing.database.tables import Race, Run, RunnerPrice
from racing.domain.cards import PRICE

_RACE, _RUN = Race.__table__, Run.__table__  # type: ignore[attr-defined]
_PRICE = RunnerPrice.__table__  # type: ignore[attr-defined]


def last_prices(connection: Connection, race_ids: Sequence[int]) -> dict[int, dict[int, float]]:
    """Return the newest price of each runner that was priced before the off, by race and dog.

    It is the middle of back and lay where both are known, else the last that was matched, else what there is.
    """
    query = (
        select(_RACE.c.id, _PRICE.c.dog_id, _PRICE.c.back, _PRICE.c.lay, _PRICE.c.last)
        .join(_RUN, _RUN.c.race_id == _RACE.c.id)
        .join(_PRICE, (_PRICE.c.date == _RACE.c.date) & (_PRICE.c.dog_id == _RUN.c.dog_id))
        .where(_RACE.c.id.in_(race_ids), _PRICE.c.minutes >= 0)
        .order_by(_PRICE.c.at, _PRICE.c.minutes.desc(), _PRICE.c.file_id)
    )
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for race_id, dog_id, back, lay, last in connection.execute(query):
        price = (back + lay) / 2 if back and lay else last or back or lay
        if price is not None and PRICE[0] <= price <= PRICE[1]:
            found[race_id][dog_id] = price
    return found
