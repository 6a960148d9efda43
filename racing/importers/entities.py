"""Dogs and tracks: each has a name in records and an id in the database."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select, update
from sqlmodel import SQLModel, col

from racing.database.bulk import insert_rows
from racing.database.change_log import RATINGS, note_changes
from racing.database.tables import Dog, Race, Run, SourceRow, Track, TrackAlias
from racing.domain.names import name_key
from racing.domain.outer_words import outer_words
from racing.domain.track_list.known_track import WHERE
from racing.domain.tracks import KNOWN_TRACKS, known_track
from racing.importers.ids import next_id
from racing.importers.records.source_record import SourceRecord

# SQLite takes 32,766 values in a statement, PostgreSQL 65,535.
CHUNK = 5_000
ORIGIN = ("sex", "sire", "dam", "born")
"""What is known of a dog beside its name."""


class EntityResolver:
    """The dogs and tracks of the database; those that records bring along are added."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._track_ids: dict[str, int] = dict(
            connection.execute(select(col(TrackAlias.alias), col(TrackAlias.track_id))).all()
        )
        self._former: dict[str, list[int]] = {}
        """Of our name for a track: rows that an older list stored under what is an alias of it today."""
        for number, name in connection.execute(
            select(col(Track.id), col(Track.name)).order_by(col(Track.id))
        ):
            ours = known_track(name)
            if ours not in (None, name):
                self._former.setdefault(str(ours), []).append(int(number or 0))
        dogs = select(col(Dog.key), col(Dog.id), col(Dog.name), *(col(getattr(Dog, name)) for name in ORIGIN))
        self._dogs = {key: (number, *facts) for key, number, *facts in connection.execute(dogs)}

    def give_ids(self, records: Iterable[SourceRecord]) -> None:
        """Set ``track_id`` and ``dog_id`` of every record."""
        records = list(records)
        self._add_tracks(sorted({record["track"] for record in records}))
        for record in records:
            record["track_id"] = self._track_ids[name_key(record["track"]) or record["track"]]
        self._add_dogs(records)

    def _add_tracks(self, names: list[str]) -> None:
        known = {track.name: track for track in KNOWN_TRACKS}
        number = next_id(self._connection, Track)
        for name in names:
            key = name_key(name) or name
            track = known.get(name)
            if former := self._former.pop(name, None):
                self._unite(name, key, former)
            if key in self._track_ids:
                continue
            row = {"id": number, "name": name, **(track.where if track else dict.fromkeys(WHERE))}
            self._connection.execute(insert(Track), [row])
            aliases = {key, *(name_key(alias) for alias in (track.aliases if track else ()))}
            rows = [{"alias": alias, "track_id": number} for alias in sorted(aliases - set(self._track_ids))]
            self._connection.execute(insert(TrackAlias), rows)
            self._track_ids |= {row["alias"]: row["track_id"] for row in rows}  # type: ignore[misc]
            number += 1

    def _unite(self, name: str, key: str, former: list[int]) -> None:
        """Let the rows that older lists stored under aliases of a track be one row, under our name for it."""
        track = next(track for track in KNOWN_TRACKS if track.name == name)
        of_name = select(col(Track.id)).where(col(Track.name) == name)
        stays = self._connection.scalar(of_name) or former[0]
        for number in former:
            if number == stays:
                continue
            for table in (Race, SourceRow, TrackAlias):
                column = col(table.track_id)
                self._connection.execute(update(table).where(column == number).values(track_id=stays))
            self._connection.execute(delete(Track).where(col(Track.id) == number))
        where = update(Track).where(col(Track.id) == stays)
        self._connection.execute(where.values(name=name, **track.where))
        for alias, number in self._track_ids.items():
            if number in former:
                self._track_ids[alias] = stays
        keys = {key, *(name_key(alias) for alias in track.aliases)}
        new = sorted(keys - set(self._track_ids))
        if new:
            rows = [{"alias": alias, "track_id": stays} for alias in new]
            self._connection.execute(insert(TrackAlias), rows)
        self._track_ids |= dict.fromkeys(new, stays)

    def _add_dogs(self, records: list[SourceRecord]) -> None:
        number = next_id(self._connection, Dog)
        new: set[str] = set()
        changed: dict[str, str] = {}
        """Of dogs of which more is known now: what they were called before."""
        for record in records:
            key = record["dog_key"]
            facts = (record["dog_name"], record["sex"], record["sire"], record["dam"], record["born"])
            dog = self._dogs.get(key)
            if dog is None:
                dog = self._dogs[key] = (number, *facts)
                new.add(key)
                number += 1
            elif facts != dog[1:]:
                better = (dog[0], *best_facts((facts, dog[1:])))
                if better != dog:
                    changed.setdefault(key, dog[1])
                    dog = self._dogs[key] = better
            record["dog_id"] = dog[0]
        rows = [self._dog_row(key) for key in sorted(new)]
        if rows:
            insert_rows(self._connection, Dog.__table__, rows)  # type: ignore[attr-defined]
        renamed: list[int] = []
        for key in sorted(changed.keys() - new):
            row = self._dog_row(key)
            self._connection.execute(update(Dog).where(col(Dog.id) == row["id"]).values(**row))
            if outer_words(row["name"]) != outer_words(changed[key]):
                renamed.append(row["id"])
        _note_renamed(self._connection, renamed)

    def _dog_row(self, key: str) -> dict[str, Any]:
        number, *facts = self._dogs[key]
        return {"id": number, "key": key, **dict(zip(("name", *ORIGIN), facts, strict=True))}


def best_facts(facts: Iterable[tuple[str | None, ...]]) -> tuple[str | None, ...]:
    """Return name, sex, sire, dam and birth of a dog, whichever source knows each."""
    name, sex, sire, dam, born = ([value for value in values if value] for values in zip(*facts, strict=True))
    return (
        best_name(name),
        max(sex, default=None),
        best_name(sire) if sire else None,
        best_name(dam) if dam else None,
        max(born, key=lambda date: (len(date), date), default=None),  # the day tells more than the month
    )


def best_name(names: Iterable[str]) -> str:
    """Return the spelling that tells most, whichever came first: not all capitals, with apostrophes."""
    return max(names, key=lambda name: (name != name.upper(), len(name), name))


def forget_unused(connection: Connection, dog_ids: Iterable[int], track_ids: Iterable[int]) -> None:
    """Delete the dogs and tracks that no row names any more; rename dogs as the other rows do."""
    dogs, tracks = sorted(set(dog_ids)), sorted(set(track_ids))
    for i in range(0, len(dogs), CHUNK):
        some = dogs[i : i + CHUNK]
        ridden = exists().where(col(Run.dog_id) == col(Dog.id))
        connection.execute(delete(Dog).where(col(Dog.id).in_(some), ~ridden))
        _rename(connection, some)
    unused = set(tracks) - set(connection.scalars(select(col(Race.track_id)).distinct()))
    unused -= set(
        connection.scalars(select(col(SourceRow.track_id)).where(col(SourceRow.track_id).in_(unused)))
    )
    for table, column in ((TrackAlias, TrackAlias.track_id), (Track, Track.id)):
        _delete_all(connection, table, column, unused)


def _rename(connection: Connection, dog_ids: list[int]) -> None:
    columns = [col(getattr(SourceRow, name)) for name in ("dog_id", "dog_name", *ORIGIN)]
    spellings: dict[int, set[tuple[str | None, ...]]] = {}
    called = select(col(Dog.id), col(Dog.name)).where(col(Dog.id).in_(dog_ids))
    before = dict(connection.execute(called).all())
    renamed: list[int] = []
    query = select(*columns).where(columns[0].in_(dog_ids)).distinct()
    for dog_id, name, *origin in connection.execute(query):
        if dog_id is not None and name is not None:
            spellings.setdefault(dog_id, set()).add((name, *origin))
    for dog_id, facts in spellings.items():
        values = dict(zip(("name", *ORIGIN), best_facts(facts), strict=True))
        connection.execute(update(Dog).where(col(Dog.id) == dog_id).values(**values))
        if outer_words(values["name"] or "") != outer_words(before.get(dog_id, "")):
            renamed.append(dog_id)
    _note_renamed(connection, renamed)


def _note_renamed(connection: Connection, dog_ids: list[int]) -> None:
    """Note that all runs of some dogs count for other words of names."""
    if dog_ids:
        first_days = select(func.min(col(Run.date))).where(col(Run.dog_id).in_(dog_ids))
        note_changes(connection, filter(None, connection.scalars(first_days)), readers=[RATINGS])


def _delete_all(connection: Connection, table: type[SQLModel], column: Any, values: Iterable[int]) -> None:
    for value in sorted(values):
        connection.execute(delete(table).where(column == value))
