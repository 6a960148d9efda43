"""The coming days of a simulated season: their cards are known, their results come when a day has passed."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, Table, delete, insert, select

from racing.database.change_log import lock_races, note_changes
from racing.database.tables import Race, Run, SourceRow
from racing.domain.cards import Card
from racing.ratings import update_ratings
from racing.stored_race import stored_race

_RACE: Table = Race.__table__  # type: ignore[attr-defined]
_RUN: Table = Run.__table__  # type: ignore[attr-defined]
_ROW: Table = SourceRow.__table__  # type: ignore[attr-defined]


class ComingDays:
    """Takes the races from a day on out of a database, and puts each day's back when it has passed."""

    def __init__(self, engine: Engine, first_day: dt.date) -> None:
        self._engine = engine
        self._cards: dict[dt.date, list[Card]] = {}
        self._rows: dict[dt.date, list[tuple[Table, list[dict[str, Any]]]]] = {}
        with engine.connect() as connection:
            query = select(_RACE.c.id, _RACE.c.date).where(_RACE.c.date >= first_day)
            races = connection.execute(query.order_by(_RACE.c.date, _RACE.c.track_id, _RACE.c.number)).all()
        for race in races:
            card = stored_race(engine, race.id).card
            if card is not None:
                self._cards.setdefault(race.date, []).append(card)
        self._take_out(races)

    @property
    def days(self) -> list[dt.date]:
        """The days that have not passed yet, in order."""
        return sorted(self._rows)

    def cards(self, day: dt.date) -> list[Card]:
        """Return the cards of a day as they are known before it: names, boxes, weights, rated prices."""
        return self._cards[day]

    def pass_day(self, day: dt.date) -> int:
        """Bring the results of a day, with the ratings that follow from them; return how many races."""
        rows = self._rows.pop(day)
        with self._engine.begin() as connection:
            lock_races(connection)
            for table, some in rows:
                connection.execute(insert(table), some)
            note_changes(connection, [day])
        update_ratings(self._engine)
        return len(rows[0][1])

    def _take_out(self, races: Sequence[Any]) -> None:
        with self._engine.begin() as connection:
            lock_races(connection)
            for day in sorted({race.date for race in races}):
                of_day = select(_RACE.c.id).where(_RACE.c.date == day)
                runs = select(_RUN.c.id).where(_RUN.c.race_id.in_(of_day))
                wanted = (
                    (_RACE, _RACE.c.date == day),
                    (_RUN, _RUN.c.race_id.in_(of_day)),
                    (_ROW, _ROW.c.run_id.in_(runs)),
                )
                self._rows[day] = [
                    (table, [dict(row._mapping) for row in connection.execute(select(table).where(which))])
                    for table, which in wanted
                ]
                for table, which in reversed(wanted):
                    connection.execute(delete(table).where(which))
