"""Tracks by any of their names and codes, and what the database holds of each."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from racing.database.one_state import reading_one_state
from racing.database.tables import Race, Track, TrackAlias
from racing.dogs.search import MAX_QUERY, MAX_SUGGESTIONS
from racing.dogs.spelling import nearest
from racing.domain.names import name_key
from racing.domain.track_list.known_track import WHERE, KnownTrack
from racing.domain.tracks import KNOWN_TRACKS, TRACK_OF_ALIAS, known_track

_TRACK, _ALIAS = Track.__table__, TrackAlias.__table__  # type: ignore[attr-defined]
_RACE = Race.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTrack:
    """A track; ``None`` is unknown."""

    id: int | None
    """``None`` of a track that is known to the program and has no stored race."""
    name: str
    country: str | None
    state: str | None
    zone: str | None
    aliases: tuple[str, ...]
    """Other names and codes under which sources know it."""
    n_races: int
    first_day: dt.date | None
    last_day: dt.date | None
    distances_m: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FoundTracks:
    """The tracks that a query matches, by name."""

    tracks: tuple[FoundTrack, ...]
    did_you_mean: tuple[str, ...]
    """Names that are spelt nearly so; empty where a track is found."""


def find_tracks(engine: Engine, query: str | None = None) -> FoundTracks:
    """Return all tracks, or those of which a name or code holds a query; if none does, names near it.

    One or two letters must be a whole code or begin a name.
    """
    with reading_one_state(engine) as connection:
        tracks = _all_tracks(connection)
        if query is not None:
            key = name_key(query[:MAX_QUERY])
            meant = known_track(query[:MAX_QUERY])
            tracks = [one for one in tracks if key and (one.name == meant or _matches(one, key))]
            if not tracks:
                return FoundTracks((), did_you_mean=near_tracks(query))
        counts = _counts(connection, [one.id for one in tracks if one.id is not None])
    return FoundTracks(tuple(_counted(one, counts.get(one.id or 0, [])) for one in tracks), did_you_mean=())


def near_tracks(name: str) -> tuple[str, ...]:
    """Return names of known tracks that are spelt nearly like a name, the nearest first."""
    near = nearest(name_key(name[:MAX_QUERY]), list(TRACK_OF_ALIAS))
    return tuple(dict.fromkeys(TRACK_OF_ALIAS[key] for key in near))[:MAX_SUGGESTIONS]


def _matches(track: FoundTrack, key: str) -> bool:
    names = [name_key(name) for name in (track.name, *track.aliases)]
    if len(key) < 3:  # "AL" is within half of all names
        return key in names or any(name.startswith(key) for name in names)
    return any(key in name for name in names)


def _all_tracks(connection: Connection) -> list[FoundTrack]:
    """Return the tracks that are stored or known to the program, by name, without counts."""
    stored = {row.name: row for row in connection.execute(select(_TRACK))}
    aliases: dict[int, list[str]] = {}
    for alias, track_id in connection.execute(select(_ALIAS.c.alias, _ALIAS.c.track_id)):
        aliases.setdefault(track_id, []).append(alias)
    known = {track.name: track for track in KNOWN_TRACKS}
    return [
        _track(name, stored.get(name), known.get(name), aliases)
        for name in sorted(stored.keys() | known.keys())
    ]


def _track(name: str, stored: Any, known: KnownTrack | None, aliases: dict[int, list[str]]) -> FoundTrack:
    number = stored.id if stored else None
    written = known.aliases if known else ()  # as people write them, else as keys
    keys = {name_key(alias) for alias in (name, *written)}
    names = {*written, *(alias for alias in aliases.get(number or 0, ()) if alias not in keys)}
    where = {place: getattr(stored, place, None) or getattr(known, place, None) for place in WHERE}
    return FoundTrack(
        id=number,
        name=name,
        **where,
        aliases=tuple(sorted(names)),
        n_races=0,
        first_day=None,
        last_day=None,
        distances_m=(),
    )


def _counts(connection: Connection, track_ids: list[int]) -> dict[int, list[Any]]:
    """Return of each track how many races it has over each distance, from when until when."""
    query = (
        select(
            _RACE.c.track_id,
            _RACE.c.distance_m,
            func.count().label("n"),
            func.min(_RACE.c.date).label("first"),
            func.max(_RACE.c.date).label("last"),
        )
        .where(_RACE.c.track_id.in_(track_ids))
        .group_by(_RACE.c.track_id, _RACE.c.distance_m)
        .order_by(_RACE.c.distance_m)
    )
    counts: dict[int, list[Any]] = {}
    for row in connection.execute(query) if track_ids else ():
        counts.setdefault(row.track_id, []).append(row)
    return counts


def _counted(track: FoundTrack, rows: list[Any]) -> FoundTrack:
    return replace(
        track,
        n_races=sum(row.n for row in rows),
        first_day=min((row.first for row in rows), default=None),
        last_day=max((row.last for row in rows), default=None),
        distances_m=tuple(row.distance_m for row in rows),
    )
