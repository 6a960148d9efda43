"""Cards of a day to come, and what the database says of them."""

import datetime as dt
from typing import Any

from sqlalchemy import Engine, text

from racing.domain.cards import Card, Runner

DAY = dt.date(2026, 3, 31)
NINE = dt.datetime(2026, 3, 30, 22, 0, tzinfo=dt.UTC)
OFF_AT = "2026-03-31T19:30:00+11:00"


def make_card(
    *names: str,
    scratched: tuple[str, ...] = (),
    number: int | None = 4,
    off_at: str | None = OFF_AT,
    **other: Any,
) -> Card:
    """Return a card at Ballarat; the runners stand in the boxes 1, 2, 3 ... in order."""
    runners = tuple(
        Runner(name=name, box=box, is_scratched=name in scratched) for box, name in enumerate(names, 1)
    )
    about = {"date": DAY, "track": "Ballarat", "distance_m": 450} | other
    return Card(**{"runners": runners} | about, race_number=number, off_at=off_at)


def field_of(engine: Engine, date: dt.date = DAY) -> dict[str, Any]:
    """Return each runner's box, number and whether it is scratched, by its name."""
    query = (
        "SELECT d.name, r.box, r.rug, r.is_scratched FROM run r JOIN dog d ON d.id = r.dog_id "
        "WHERE date = :date"
    )
    with engine.connect() as connection:
        rows = connection.execute(text(query), {"date": date.isoformat()}).all()
    return {name: (box, rug, bool(is_scratched)) for name, box, rug, is_scratched in rows}
