"""A race that other sources than waiting rows make, and what is known of each of its runners so far."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from racing.importers.records.source_record import FACTS, SourceRecord, day_of_key
from racing.importers.resolve import FORM, ResolvedRace, resolve, strength_of

WaitingRecord = dict[str, Any]
"""The columns of :class:`~racing.database.tables.WaitingRow`."""


class Contradiction(Exception):
    """A row, or all rows of a race, say what the other sources exclude; the message says what."""


@dataclass(slots=True)
class KnownRace:
    """A race of the other sources, and what is known of each of its runners so far."""

    race: ResolvedRace
    bucket: int
    runs: dict[int, dict[str, Any]]
    joined_by: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def of(cls, race: ResolvedRace, bucket: int) -> "KnownRace":
        """Return a resolved race of a key of day and distance."""
        return cls(race, bucket, race.runs())

    @property
    def day(self) -> dt.date:
        """Return its day."""
        return day_of_key(self.bucket)

    def note(self, row: SourceRecord) -> None:
        """Note what a row that joined says; what was known before stays."""
        run = self.runs.setdefault(row["dog_id"] or -row["line"], dict.fromkeys(FACTS))
        for name in FACTS:
            if run[name] is None:
                run[name] = row[name]
        run["is_scratched"] = bool(run["is_scratched"] or (row["is_scratched"] and run["won"] is None))

    @property
    def lists_every_starter(self) -> bool:
        """Return whether a dog that is not in it did not start."""
        return self.race.strength < strength_of(FORM)

    @property
    def winners(self) -> set[int]:
        """Return the dogs that are known to have won."""
        return {dog_id for dog_id, run in self.runs.items() if run["won"]}

    def starters(self) -> set[int]:
        """Return the dogs that are not known to be scratched."""
        return {dog_id for dog_id, run in self.runs.items() if not run["is_scratched"]}

    def dog_of_number(self, number: int) -> int | None:
        """Return the runner that bore a number, or started from the box where no rug is known."""
        found = [dog_id for dog_id, run in self.runs.items() if number_of(run) == number]
        starting = [dog_id for dog_id in found if not self.runs[dog_id]["is_scratched"]]
        return starting[0] if len(starting) == 1 else None


def races_of(base: list[SourceRecord]) -> Iterator[KnownRace]:
    """Yield the races that rows make by themselves."""
    by_key: dict[int, list[SourceRecord]] = defaultdict(list)
    ran: dict[tuple[dt.date, int], set[int]] = defaultdict(set)
    for row in base:
        by_key[row["bucket"]].append(row)
        if not (row["is_scratched"] or row.get("is_blank")):
            ran[day_of_key(row["bucket"]), row["dog_id"]].add(row["bucket"])
    for key, rows in sorted(by_key.items()):
        dogs = {row["dog_id"] for row in rows if row.get("is_blank")}
        elsewhere = {dog_id for dog_id in dogs if ran[day_of_key(key), dog_id] - {key}}
        for race in resolve(rows, elsewhere):
            yield KnownRace.of(race, key)


def number_of(run: dict[str, Any]) -> int | None:
    """Return the number that a runner bore: its rug's, else its box's."""
    number: int | None = run["rug"] if run["rug"] is not None else run["box"]
    return number


def another_winner(row: WaitingRecord) -> str:
    """Return why rows do not join a race that another dog won."""
    return f"{race_named(row)} is known with another winner"


def race_named(row: WaitingRecord) -> str:
    """Return how a row names its race, for people."""
    if row["race_number"] is None:
        return f"the race of place market {row['market_id']} at {row['track']}"
    return f"race {row['race_number']} at {row['track']}"
