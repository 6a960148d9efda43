"""Which race each waiting row joins, and the source rows that are made from it; a function of rows alone."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from racing.database.tables import SourceRow
from racing.domain.cards import SPEED_M_S
from racing.domain.names import name_key
from racing.importers.records.source_record import FACTS, SourceRecord, distance_of_key
from racing.importers.resolve import BOX_ORDER, strength_of
from racing.importers.waiting.box_order import facts_in_box_order
from racing.importers.waiting.known_race import (
    Contradiction,
    KnownRace,
    WaitingRecord,
    another_winner,
    race_named,
)

COLUMNS = tuple(name for name in SourceRow.model_fields if name not in ("id", "run_id"))
# Named without their distance, these may mean the straight track beside them.
STRAIGHT_OF = {"Richmond": "Richmond Straight", "Murray Bridge": "Murray Bridge Straight"}


class Joining:
    """The waiting rows of some days, on their way into the races of the other sources."""

    def __init__(
        self,
        waiting: Iterable[WaitingRecord],
        races: Iterable[KnownRace],
        track_ids: Mapping[str, int],
        dog_ids: Mapping[str, int],
    ) -> None:
        """``track_ids`` and ``dog_ids`` are by key; what is not among them is not known."""
        self._waiting = waiting
        self._track_ids, self._dog_ids = track_ids, dog_ids
        self._races: dict[tuple[dt.date, int], list[KnownRace]] = defaultdict(list)
        for known in races:
            self._races[known.day, known.race.track_id].append(known)
        self._joined: list[SourceRecord] = []
        self._reasons: dict[tuple[int, int], str] = {}

    def run(self) -> tuple[list[SourceRecord], dict[tuple[int, int], str]]:
        """Return the source rows that are made, and why lines do not join, by file and line."""
        groups: dict[tuple[Any, ...], list[WaitingRecord]] = defaultdict(list)
        for row in self._waiting:
            number = row["race_number"], row["market_id"]
            groups[row["kind"], row["date"], row["track"], number, row["file_id"]].append(row)
        # By content, never by when they came: of two that contradict each other the first joins.
        for group in sorted(groups.values(), key=self._order):
            try:
                known = self._race_of(group)
                if known is not None:
                    known.joined_by.add((group[0]["kind"], group[0]["file_id"]))
                    self._join(group, known)
            except Contradiction as contradiction:
                for row in group:
                    self._reasons[row["file_id"], row["line"]] = str(contradiction)
        return self._joined, self._reasons

    def _order(self, group: list[WaitingRecord]) -> tuple[Any, ...]:
        first = group[0]
        day, track = first["date"], first["track"]
        names = ("rug", "box", "dog_key", *FACTS)
        content = sorted(tuple(str(row[name]) for name in names) for row in group)
        return (
            strength_of(first["kind"]),
            not self._at(day, track),
            day,
            track,
            first["race_number"] or 0,
            content,
        )

    def _race_of(self, group: list[WaitingRecord]) -> KnownRace | None:
        """Return the race that rows name, ``None`` if none is known yet."""
        first = group[0]
        name, number = first["track"], first["race_number"]
        at_track = self._at(first["date"], name) or self._at(first["date"], STRAIGHT_OF.get(name, ""))
        by = first["kind"], first["file_id"]
        free = [known for known in at_track if by not in known.joined_by]
        numbered = [known for known in free if known.race.number == number]
        if first["kind"] == BOX_ORDER:
            if len(numbered) > 1:
                raise Contradiction(f"{len(numbered)} races {number} at {name} are known that day")
            return numbered[0] if numbered else None
        # A dog that no source knows yet counts as one all the same: what is known elsewhere does not matter.
        names = {row["dog_key"] for row in group if not row["is_scratched"]}
        dogs: set[int | str] = {self._dog_ids.get(name, name) for name in names}
        if number is None:
            return _of_same_dogs(dogs, free)
        if not numbered:
            sharing = [known for known in free if known.race.number is None and dogs & known.starters()]
            alone = len(sharing) == 1 and sharing[0].starters() <= dogs
            return sharing[0] if alone else None
        best = max(numbered, key=lambda known: (len(dogs & known.starters()), known.race.key))
        n_shared = len(dogs & best.starters())
        if 2 * n_shared <= min(len(dogs), len(best.starters())):
            raise Contradiction(f"race {number} at {name} is known with other dogs")
        return best

    def _at(self, day: dt.date, track: str) -> list[KnownRace]:
        return self._races.get((day, self._track_ids.get(name_key(track), -1)), [])

    def _join(self, group: list[WaitingRecord], known: KnownRace) -> None:
        if group[0]["kind"] == BOX_ORDER:
            facts_of = facts_in_box_order(group, known)
            made = [self._row(group[0], known, dog_id, facts) for dog_id, facts in facts_of.items()]
        else:
            made = self._by_dog(group, known)
        for row in made:
            known.note(row)
        self._joined += made

    def _by_dog(self, group: list[WaitingRecord], known: KnownRace) -> list[SourceRecord]:
        of_dogs = [(row, self._dog_ids.get(row["dog_key"], 0)) for row in group]
        winners = {dog_id for row, dog_id in of_dogs if row["won"]}
        if known.winners and winners and winners != known.winners:
            raise Contradiction(another_winner(group[0]))
        for row, dog_id in of_dogs:
            place = known.runs.get(dog_id, {}).get("finish_position")
            if None not in (place, row["finish_position"]) and place != row["finish_position"]:
                raise Contradiction(f"{race_named(row)} is known with other places")
        made: list[SourceRecord] = []
        for row, dog_id in of_dogs:
            try:
                _check_dog(row, known.runs.get(dog_id), known)
            except Contradiction as contradiction:
                self._reasons[row["file_id"], row["line"]] = str(contradiction)
                continue
            facts = {name: row[name] for name in FACTS}
            if not _is_possible(facts["time_s"], known.bucket):
                facts["time_s"] = facts["winner_time_s"] = None
            made.append(self._row(row, known, dog_id or None, facts))
        return made

    def _row(
        self, row: WaitingRecord, known: KnownRace, dog_id: int | None, facts: dict[str, Any]
    ) -> SourceRecord:
        of_row = {name: row[name] for name in ("file_id", "line", "dog_name", "sex", "sire", "dam")}
        record = dict.fromkeys(COLUMNS) | of_row | facts
        track, track_id = row["track"], known.race.track_id
        return record | {
            "bucket": known.bucket,
            "race_key": f"{row['kind']}:{known.race.key}",
            "dog_id": dog_id,
            "dog_key": row["dog_key"],
            "track": track if self._track_ids.get(name_key(track)) == track_id else STRAIGHT_OF[track],
            "track_id": track_id,
            "race_number": row["race_number"],
            "is_race_whole": row["is_race_whole"],
            "is_blank": False,
        }


def _of_same_dogs(dogs: set[int | str], races: Iterable[KnownRace]) -> KnownRace | None:
    """Return the race that has most of the dogs, and more than half of the smaller field; else ``None``."""
    shared = [(len(dogs & known.starters()), known) for known in races]
    enough = [
        (n_shared, known.race.key, known)
        for n_shared, known in shared
        if 2 * n_shared > min(len(dogs), len(known.starters()))
    ]
    return max(enough, key=lambda one: one[:2])[2] if enough else None


def _check_dog(row: WaitingRecord, run: dict[str, Any] | None, known: KnownRace) -> None:
    """Raise :class:`Contradiction` if a row says of a dog what the other sources exclude."""
    where = race_named(row)
    if run is None:
        if known.lists_every_starter and not row["is_scratched"]:
            raise Contradiction(f"{where} is known without this dog (got {row['dog_name']!r})")
    elif run["is_scratched"] and not row["is_scratched"]:
        raise Contradiction(f"{where} is known with this dog scratched (got {row['dog_name']!r})")
    elif row["is_scratched"] and run["won"] is not None:
        raise Contradiction(f"{where} is known with this dog as a starter (got {row['dog_name']!r})")


def _is_possible(time_s: float | None, bucket: int) -> bool:
    slow, fast = SPEED_M_S
    return time_s is None or slow <= distance_of_key(bucket) / time_s <= fast
