"""Cards follow their race's distance, so that a race which sources know at two distances is one.

Sources meet under a key of day and distance. A form guide's distance is a guess, and a card may say 515 m
where the market says 520. So the rows of a card lie under the key of the strongest source's race of its day,
track and number that has most of its dogs; where only cards know the race, of the newest card that states
its distance rather than guess it. The card's own distance stands in its race key, so all of this is found
anew from the rows alone: the order of imports does not matter, and a file taken out leaves no trace.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlmodel import col

from racing.database.tables import SourceRow
from racing.importers.records.source_record import SourceRecord, date_distance_key, day_of_key
from racing.importers.resolve import CARD, FORM, GUESSED, is_distance_guessed, joins, strength_of

_ROW = SourceRow.__table__  # type: ignore[attr-defined]
_COLUMNS = ("id", "file_id", "bucket", "race_key", "race_number", "dog_id", "track_id",
            "is_race_whole", "stated_at")  # fmt: skip
_LONGEST_M = 1499
# Single runs of form guides name no race: so many dogs that are on the card must have run in theirs.
_MIN_SHARED = {FORM: 3}


@dataclass(slots=True)
class _Group:
    """The rows of a source's race."""

    key: str
    number: int | None
    strength: int
    rows: list[SourceRecord] = field(default_factory=list)

    @property
    def is_card(self) -> bool:
        return _kind(self.key) == CARD

    @property
    def own_bucket(self) -> int:
        """Return the key of day and distance that the source itself states."""
        bucket: int = self.rows[0]["bucket"]
        if not self.is_card:
            return bucket
        return date_distance_key(day_of_key(bucket), int(_distance_of(self.key).removeprefix(GUESSED)))

    @property
    def dogs(self) -> set[int]:
        """Return those that it lists, the scratched too: they belong to the race."""
        return {row["dog_id"] for row in self.rows}

    def rank(self) -> tuple[Any, ...]:
        """Return how much a card's distance counts among cards: the greatest wins.

        A scratching, which is not of a whole card, states no distance.
        """
        whole = (row for row in self.rows if row.get("is_race_whole", True))
        at = max((row["stated_at"] or dt.datetime.min for row in whole), default=dt.datetime.min)
        return (not is_distance_guessed(self.key), at, self.key)


def follow_distances(
    connection: Connection, keys: Iterable[int], new_rows: Sequence[SourceRecord]
) -> set[int]:
    """Move the rows of cards of the keys' days to their races' distances, and return the keys concerned.

    Stored rows are changed, and new ones, which the caller stores. Nothing is done where no card is.
    """
    days = {day_of_key(key) for key in keys}
    days &= _days_of_cards(connection, days) | {
        day_of_key(row["bucket"]) for row in new_rows if _is_card(row)
    }
    moved: list[dict[str, int]] = []
    concerned: set[int] = set()
    for day in sorted(days):
        rows = list(_stored(connection, day))
        rows += [row for row in new_rows if day_of_key(row["bucket"]) == day]
        taken = {(row["file_id"], row["dog_id"], row["bucket"]) for row in rows}
        for row, bucket in _targets(rows):
            # A run has one row a file.
            if bucket == row["bucket"] or (row["file_id"], row["dog_id"], bucket) in taken:
                continue
            concerned |= {row["bucket"], bucket}
            row["bucket"] = bucket
            if row.get("id") is not None:
                moved.append({"row": row["id"], "to": bucket})
    if moved:
        statement = update(_ROW).where(_ROW.c.id == bindparam("row")).values(bucket=bindparam("to"))
        connection.execute(statement, moved)
    return concerned


def _targets(rows: list[SourceRecord]) -> Iterator[tuple[SourceRecord, int]]:
    """Yield each row of a card with the key under which its race is."""
    at_track: dict[int, dict[tuple[str, int | None], _Group]] = defaultdict(dict)
    for row in rows:
        key, number = row["race_key"], row["race_number"]
        if key is None or joins(key):
            continue
        groups = at_track[row["track_id"]]
        name = (key, None if _kind(key) == CARD else number)
        group = groups.setdefault(name, _Group(key, number, strength_of(_kind(key))))
        group.number = number if group.number is None else group.number
        group.rows.append(row)
    for groups in at_track.values():
        others = [group for group in groups.values() if not group.is_card]
        for cards in _of_one_race([group for group in groups.values() if group.is_card]):
            bucket = _bucket_of(cards, others)
            yield from ((row, bucket) for card in cards for row in card.rows)


def _of_one_race(cards: list[_Group]) -> list[list[_Group]]:
    """Return the cards by race: those of one number with most of their dogs."""
    races: list[list[_Group]] = []
    for card in sorted(cards, key=lambda card: card.key):
        mine = [race for race in races if any(_are_one(card, other) for other in race)]
        races = [race for race in races if race not in mine]
        races.append([card, *(one for race in mine for one in race)])
    return races


def _bucket_of(cards: list[_Group], others: list[_Group]) -> int:
    found = []
    for other in others:
        n_shared = max((len(card.dogs & other.dogs) for card in cards if _are_one(card, other)), default=0)
        if n_shared:
            found.append((other.strength, -n_shared, other.key, other.own_bucket))
    return min(found)[-1] if found else max(cards, key=_Group.rank).own_bucket


def _are_one(card: _Group, other: _Group) -> bool:
    if None not in (card.number, other.number):
        if card.number != other.number:
            return False
        if other.is_card and card.own_bucket == other.own_bucket and _is_guess(card, other):
            return True
    n_shared = len(card.dogs & other.dogs)
    smaller = min(len(card.dogs), len(other.dogs))
    return n_shared >= _MIN_SHARED.get(_kind(other.key), 1) and 2 * n_shared > smaller


def _is_guess(*cards: _Group) -> bool:
    return any(is_distance_guessed(card.key) for card in cards)


def _days_of_cards(connection: Connection, days: set[dt.date]) -> set[dt.date]:
    if not days:
        return set()
    first, last = date_distance_key(min(days), 0), date_distance_key(max(days), _LONGEST_M)
    query = select(_ROW.c.bucket).where(
        col(SourceRow.is_blank), _ROW.c.bucket.between(first, last), _ROW.c.race_key.startswith(f"{CARD}:")
    )
    return {day_of_key(key) for key in connection.scalars(query.distinct())}


def _stored(connection: Connection, day: dt.date) -> Iterator[SourceRecord]:
    first, last = date_distance_key(day, 0), date_distance_key(day, _LONGEST_M)
    query = select(*(_ROW.c[name] for name in _COLUMNS)).where(_ROW.c.bucket.between(first, last))
    for row in connection.execute(query):
        yield dict(zip(_COLUMNS, row, strict=True))


def _is_card(row: SourceRecord) -> bool:
    return _kind(row["race_key"]) == CARD


def _kind(race_key: str) -> str:
    return race_key.partition(":")[0]


def _distance_of(race_key: str) -> str:
    return race_key.split("|")[2]
