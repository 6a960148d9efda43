"""Which races of a file are whole: each of their rows was understood, and their runs can be one race's."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

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
        wanted = {*self._refused, *(record["line"] for record in records)}
        fields = {line: self._fields_of(row) for line, row in self._file.rows() if line in wanted}
        taken = [(record["line"], fields[record["line"]], race_of(record)) for record in records]
        taken.sort(key=lambda one: one[0])
        lines = [line for line, *_ in taken]
        by_fields = {of_race: race for _, of_race, race in taken}
        by_identity: dict[str, set[RaceOfFile]] = defaultdict(set)
        for _, of_race, race in taken:
            by_identity[of_race[0]].add(race)
        found: set[RaceOfFile] = set()
        for line in self._refused:
            own, i = fields[line], bisect(lines, line)
            near = [(_n_same(own, other), race) for _, other, race in taken[max(i - 1, 0) : i + 1]]
            most = max((n_same for n_same, _ in near), default=0)
            if most:
                found |= {race for n_same, race in near if n_same == most}
            elif own in by_fields:
                found.add(by_fields[own])
            elif own and len(by_identity[own[0]]) == 1:
                found |= by_identity[own[0]]
        return found

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
