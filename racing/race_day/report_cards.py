"""What is reported over HTTP of races to come: whole cards, and single runners that are withdrawn.

Of each race the last report is stored as a file of its own, row by row: a feed that reports every minute
leaves no more rows than one that reports once. Scratchings stand in a second file of the race. All of a
report is stored in one transaction or nothing is.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update

from racing.database.change_log import lock_races
from racing.database.tables import Dog, Race, Run, SourceFile, SourceRow
from racing.domain.cards import Card, check_card
from racing.domain.errors import CardRefused, NoSuchRace, Violation
from racing.domain.names import name_key
from racing.domain.track_time import today_at
from racing.importers.entities import EntityResolver
from racing.importers.ids import next_id, release_ids
from racing.importers.rebuild import rebuild
from racing.importers.records.source_record import (
    FACTS,
    RowRefused,
    SourceRecord,
    date_distance_key,
    day_of_key,
)
from racing.race_day.card_records import KIND, card_records
from racing.race_day.cards_file import new_parsed
from racing.stored_race import StoredRace, races_in

_ROW, _FILE = SourceRow.__table__, SourceFile.__table__  # type: ignore[attr-defined]
_RACE, _RUN = Race.__table__, Run.__table__  # type: ignore[attr-defined]
_DOG = Dog.__table__  # type: ignore[attr-defined]
_STATED = (
    *FACTS, "race_key", "race_number", "grade", "off_at", "stated_at", "is_race_whole", "is_blank",
    "dog_name",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredCard:
    """What became of one card."""

    id: int
    date: dt.date
    track: str
    race_number: int | None
    is_new: bool
    """Whether the race was not stored before."""
    changes: tuple[str, ...]
    """A sentence a change."""


def report_cards(engine: Engine, cards: Sequence[Card], stated_at: dt.datetime) -> list[StoredCard]:
    """Store races to come as they are stated, all or none, and return what became of each.

    What is older than what is stored of a runner changes nothing; sent again, a report changes nothing.

    Parameters
    ----------
    stated_at
        When the source stated it, with its zone.

    Raises
    ------
    CardRefused
        If a card breaks a rule; nothing is stored then.
    """
    names = [_name(card) for card in cards]
    files: list[tuple[str, list[SourceRecord]]] = []
    for i, (name, card) in enumerate(zip(names, cards, strict=True)):
        _check(card, i)
        if names.index(name) < i:
            raise _refused(i, f"a race stands once in a report, got twice {name}")
        try:
            files.append((name, card_records(card, new_parsed(name, _digest(name)), 1, stated_at)))
        except RowRefused as error:
            raise _refused(i, str(error)) from None
    with engine.begin() as connection:
        lock_races(connection)
        rows = [row for _, records in files for row in records]
        EntityResolver(connection).give_ids(rows)
        before = _meetings(connection, rows)
        _state(connection, files)
        ids = _race_ids(connection, names)
        after = {race.id: race for race in races_in(connection, sorted(set(ids.values())))}
        return [_stored(after[ids[name]], before.get(ids[name])) for name in names]


def report_scratching(
    engine: Engine, race_id: int, name: str, stated_at: dt.datetime, *, is_scratched: bool = True
) -> StoredRace:
    """Store that a runner of a stored race is withdrawn, or is not after all, and return the race.

    Raises
    ------
    NoSuchRace
        If the database has no race of that number.
    CardRefused
        If the race has no such runner, or has been run.
    """
    with engine.begin() as connection:
        lock_races(connection)
        found = races_in(connection, [race_id])
        if not found:
            raise NoSuchRace(f"the database has no race {race_id}; GET /races/upcoming lists those to come")
        race = found[0]
        if race.is_outcome_known:
            raise _refused(0, f"a runner is scratched before the race, and race {race_id} has been run")
        row = _row_of_runner(connection, race, name)
        row |= {"is_scratched": is_scratched, "stated_at": _utc(stated_at)}
        _state(connection, [(f"scratchings: {_label(race)}", [row])])
        (after,) = races_in(connection, [race_id])
        return after


def _check(card: Card, i: int) -> None:
    try:
        check_card(card, today=today_at(card.track))
    except CardRefused as error:
        raise CardRefused(
            [Violation(("cards", i, *violation.path), violation.rule) for violation in error.violations]
        ) from None


def _refused(i: int, rule: str) -> CardRefused:
    return CardRefused([Violation(("cards", i), rule)])


def _name(card: Card) -> str:
    key = name_key(card.track) or card.track
    which = f"race {card.race_number}" if card.race_number else card.off_at or card.runners[0].name
    return f"card: {card.date} {key} {card.distance_m} m {which}"


def _label(race: StoredRace) -> str:
    return f"{race.date} {name_key(race.track) or race.track} race {race.race_number or race.id}"


def _digest(name: str) -> str:
    """Return the digest of a report's file: of its name, for its content changes."""
    return hashlib.sha256(f"report\0{name}".encode()).hexdigest()


def _utc(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(tzinfo=None)


def _state(connection: Connection, files: Iterable[tuple[str, list[SourceRecord]]]) -> None:
    """Write what is stated: rows of dogs that the file of the race has are changed, where they are older."""
    new: list[SourceRecord] = []
    changed: list[dict[str, Any]] = []
    keys: set[int] = set()
    next_file = next_id(connection, SourceFile)
    for name, records in files:
        file_id = connection.scalar(select(_FILE.c.id).where(_FILE.c.sha256 == _digest(name)))
        if file_id is None:
            file_id, next_file = next_file, next_file + 1
            connection.execute(insert(_FILE), [_file_row(file_id, name, len(records))])
        old = {row.dog_id: row for row in connection.execute(select(_ROW).where(_ROW.c.file_id == file_id))}
        for record in records:
            record["file_id"] = file_id
            keys.add(record["bucket"])
            stored = old.get(record["dog_id"])
            if stored is None:
                new.append(record)
            elif stored.stated_at is None or stored.stated_at <= record["stated_at"]:
                changed.append({"row": stored.id, **{f"_{name}": record[name] for name in _STATED}})
    if changed:
        values: dict[str, Any] = {name: bindparam(f"_{name}") for name in _STATED}
        connection.execute(update(_ROW).where(_ROW.c.id == bindparam("row")).values(values), changed)
    rebuild(connection, keys, new)
    release_ids(connection)


def _file_row(file_id: int, name: str, n_rows: int) -> dict[str, Any]:
    return {
        "id": file_id, "name": name, "kind": KIND, "sha256": _digest(name),
        "imported_at": dt.datetime.now(dt.UTC),
        "n_read": n_rows, "n_added": n_rows, "n_updated": 0, "n_refused": 0,
    }  # fmt: skip


def _row_of_runner(connection: Connection, race: StoredRace, name: str) -> SourceRecord:
    """Return a blank record of a runner of a race, under the race's own identity.

    Raises
    ------
    CardRefused
        If the race has none of that name.
    """
    entry = next((one for one in race.entries if name_key(one.name) == name_key(name)), None)
    if entry is None:
        those = ", ".join(one.name for one in race.entries)
        raise CardRefused([Violation(("name",), f"the race has no runner {name[:60]!r}; it has {those}")])
    stored = connection.execute(select(_RACE).where(_RACE.c.id == race.id)).one()
    dog = connection.execute(
        select(_DOG)
        .join(_RUN, _RUN.c.dog_id == _DOG.c.id)
        .where(_RUN.c.race_id == race.id, _DOG.c.name == entry.name)
    ).one()
    parsed = new_parsed("", "")
    record = parsed.record(
        1, dog=entry.name, track=race.track, date=race.date.isoformat(), distance=str(race.distance_m)
    )
    return record | {
        "race_key": stored.source_key or f"betfair:{stored.market_id}",
        "race_number": race.race_number,
        "bucket": date_distance_key(race.date, race.distance_m),
        "dog_id": dog.id,
        "track_id": stored.track_id,
        "is_blank": True,
        "is_race_whole": False,  # it says nothing of the other runners
    }


def _meetings(connection: Connection, rows: Sequence[SourceRecord]) -> dict[int, StoredRace]:
    """Return the stored races of the days and tracks that rows are of."""
    days = {day_of_key(row["bucket"]) for row in rows}
    tracks = {row["track_id"] for row in rows}
    query = select(_RACE.c.id).where(_RACE.c.date.in_(days), _RACE.c.track_id.in_(tracks))
    return {race.id: race for race in races_in(connection, list(connection.scalars(query)))}


def _race_ids(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """Return in which race the rows of each report are now: that of most of them."""
    query = (
        select(_FILE.c.name, _RUN.c.race_id, func.count())
        .join(_ROW, _ROW.c.file_id == _FILE.c.id)
        .join(_RUN, _RUN.c.id == _ROW.c.run_id)
        .where(_FILE.c.sha256.in_([_digest(name) for name in names]))
        .group_by(_FILE.c.name, _RUN.c.race_id)
        .order_by(func.count(), _RUN.c.race_id.desc())
    )
    return {name: race_id for name, race_id, _ in connection.execute(query)}


def _stored(race: StoredRace, before: StoredRace | None) -> StoredCard:
    changes = () if before is None else tuple(_changes(before, race))
    return StoredCard(race.id, race.date, race.track, race.race_number, before is None, changes)


def _changes(before: StoredRace, after: StoredRace) -> Iterator[str]:
    """Yield what is different now, a sentence each."""
    old = {entry.name: entry for entry in before.entries}
    for entry in after.entries:
        was = old.get(entry.name)
        if was is None:
            yield f"{entry.name} is entered" + (" and scratched" if entry.is_scratched else "")
            continue
        if entry.is_scratched != was.is_scratched:
            yield f"{entry.name} is scratched" if entry.is_scratched else f"{entry.name} runs after all"
        if entry.box != was.box:
            yield f"{entry.name} starts from box {entry.box}, not {was.box}"
        if entry.price != was.price and entry.price is not None:
            yield f"{entry.name} has the price {entry.price:g}"
    if after.off_at != before.off_at and after.off_at is not None:
        yield f"the race is due at {after.off_at:%Y-%m-%dT%H:%M:%SZ}"
    if after.grade != before.grade and after.grade:
        yield f"the grade is {after.grade}"
