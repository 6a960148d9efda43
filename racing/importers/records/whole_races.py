"""Which races of a file are whole: each of their rows was understood, and their runs can be one race's."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain

from racing.importers.files.csv_file import CsvFile
from racing.importers.records.race_rules import why_impossible
from racing.importers.records.source_record import ParsedFile, SourceRecord
from racing.importers.report import Problem

Fields = tuple[str, ...]
"""The fields of a row that tell its race, the race's own identity first; empty if not readable."""

RaceOfFile = tuple[str, int | None]


def race_of(record: SourceRecord) -> RaceOfFile:
    """Return the identity of a record's race in its file: one race_id over three numbers is three."""
    return record["race_key"], record["race_number"]


class FileRaces:
    """The races of a file while it is read.

    Parameters
    ----------
    columns
        Those that tell a row's race, the race's own identity first; absent ones do not matter.
    identity_of
        Brings the race's own identity into one spelling.
    """

    def __init__(
        self, file: CsvFile, columns: Iterable[str], identity_of: Callable[[str], str] = str.strip
    ) -> None:
        self._file = file
        self._columns = [file.header.index(name) for name in columns if name in file.header]
        self._identity_of = identity_of
        self._refused: list[int] = []
        self._doubts: list[tuple[SourceRecord, str]] = []

    def refuse(self, line: int) -> None:
        """Note a row that was refused; its race is not whole."""
        self._refused.append(line)

    def doubt(self, record: SourceRecord, reason: str) -> None:
        """Note why the race of a row that was taken is not whole."""
        self._doubts.append((record, reason))

    def mark_whole(
        self,
        parsed: ParsedFile,
        *,
        has_places: bool,
        dead_heats: Mapping[RaceOfFile, Collection[int]] | None = None,
    ) -> None:
        """Set ``is_race_whole`` of every record of the file, and report each race that cannot be one."""
        races: dict[RaceOfFile, list[SourceRecord]] = defaultdict(list)
        for record in parsed.records:
            races[race_of(record)].append(record)
        incomplete = self.races_of_refused(parsed.records)
        not_whole = {race_of(record): reason for record, reason in reversed(self._doubts)}
        for race, records in races.items():
            marked = (dead_heats or {}).get(race, ())
            reason = not_whole.get(race) or (
                ""
                if race in incomplete
                else why_impossible(records, has_places=has_places, dead_heats=marked)
            )
            for record in records:
                record["is_race_whole"] = reason is None
            if reason:  # of a refused row the reason is reported where the row is
                parsed.problems.add(Problem(parsed.name, records[0]["line"], "race", reason))

    def races_of_refused(self, records: list[SourceRecord]) -> set[RaceOfFile]:
        """Return the races that lack a row.

        A refused row belongs to the race above or below it that shares its identity (to both, if its fields
        are unreadable); else to that of the same fields, or the only one of its identity.
        """
        if not self._refused:
            return set()
        races = {record["line"]: race_of(record) for record in records}
        lines = sorted(races)
        places = {line: bisect(lines, line) for line in self._refused}
        near = {line: lines[max(i - 1, 0) : i + 1] for line, i in places.items()}
        fields = self._fields_at({*near, *chain.from_iterable(near.values())})
        found: set[RaceOfFile] = set()
        apart: list[Fields] = []
        for line, others in near.items():
            n_same = {other: _n_same(fields[line], fields[other]) for other in others}
            most = max(n_same.values(), default=0)
            if most:
                found |= {races[other] for other in others if n_same[other] == most}
            elif fields[line]:
                apart.append(fields[line])
        return found | self._races_elsewhere(apart, races)

    def _races_elsewhere(self, refused: list[Fields], races: dict[int, RaceOfFile]) -> set[RaceOfFile]:
        """Return the races of refused rows that stand apart from them."""
        if not refused:
            return set()
        by_fields: dict[Fields, RaceOfFile] = {}
        by_identity: dict[str, set[RaceOfFile]] = defaultdict(set)
        for line, fields in sorted(self._fields_at(races).items()):
            by_fields[fields] = races[line]
            by_identity[fields[0]].add(races[line])
        found: set[RaceOfFile] = set()
        for fields in refused:
            if fields in by_fields:
                found.add(by_fields[fields])
            elif len(by_identity[fields[0]]) == 1:
                found |= by_identity[fields[0]]
        return found

    def _fields_at(self, lines: Collection[int]) -> dict[int, Fields]:
        """Return the fields of some lines, which are read again: few files have refused rows."""
        return {line: self._fields_of(row) for line, row in self._file.rows(lines)}

    def _fields_of(self, row: list[str]) -> Fields:
        if len(row) != len(self._file.header):
            return ()
        identity, *others = (row[i].strip() for i in self._columns)
        return self._identity_of(identity), *others


def _n_same(fields: Fields, other: Fields) -> int:
    """Return how many fields agree: 0 without the race's own identity, 1 where no field is known."""
    if not fields:
        return 1
    return sum(a == b for a, b in zip(fields, other, strict=True)) if fields[0] == other[0] else 0
