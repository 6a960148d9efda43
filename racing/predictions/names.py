"""What the tracks of logged predictions are called: a log knows them by their keys."""

from sqlalchemy import Engine, select

from racing.database.tables import Track, TrackAlias
from racing.domain.tracks import TRACK_OF_ALIAS

_TRACK, _ALIAS = Track.__table__, TrackAlias.__table__  # type: ignore[attr-defined]


def track_names(engine: Engine) -> dict[str, str]:
    """Return the name of every known or stored track, by its key."""
    query = select(_ALIAS.c.alias, _TRACK.c.name).join(_TRACK, _TRACK.c.id == _ALIAS.c.track_id)
    with engine.connect() as connection:
        return TRACK_OF_ALIAS | {row.alias: row.name for row in connection.execute(query)}
