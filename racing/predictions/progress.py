"""How far the log was read, so that a search for unread cards passes over what was read long ago.

A card's number is given when its writing begins, so that of two cards the higher may be there first. A
number counts as passed once a later search has found everything up to it read.
"""

import datetime as dt

from sqlalchemy import Connection, delete, select, update

from racing.database.upsert import insert_missing
from racing.predictions.tables import PROGRESS

SETTLED = dt.timedelta(minutes=10)
"""No writing of a card takes longer."""
_LOG = "log"


def read_to(connection: Connection) -> int:
    """Return a number up to which no card is unread."""
    return connection.scalar(select(PROGRESS.c.read_to).where(PROGRESS.c.name == _LOG)) or 0


def note_read(connection: Connection, newest: int, *, now: dt.datetime | None = None) -> None:
    """Note that a search found all cards read up to ``newest``, the highest number when it began."""
    now = (now or dt.datetime.now(dt.UTC)).replace(tzinfo=None)
    of_log = PROGRESS.c.name == _LOG
    row = connection.execute(select(PROGRESS).where(of_log)).first()
    if row is None:
        first = {"name": _LOG, "read_to": 0, "newest": newest, "noted_at": now}
        insert_missing(connection, PROGRESS, [first])
    elif now - row.noted_at >= SETTLED:
        unchanged = PROGRESS.c.noted_at == row.noted_at  # else another process was faster
        change = {"read_to": row.newest, "newest": newest, "noted_at": now}
        connection.execute(update(PROGRESS).where(of_log, unchanged).values(**change))


def forget_progress(connection: Connection) -> None:
    """Let the next search begin with the first card."""
    connection.execute(delete(PROGRESS).where(PROGRESS.c.name == _LOG))
