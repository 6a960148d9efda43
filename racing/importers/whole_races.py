"""Which races of a file are whole: every row of theirs was understood, and their runs can be those of one race."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from racing.importers.claims import Claim, ParsedFile
from racing.importers.possible import why_impossible
from racing.importers.report import Problem

Fields = Sequence[str]
"""What a row holds where it tells its race, the race's own identity first; empty if that could not be read."""

RaceOfFile = tuple[str, int | None]


def race_of(claim: Claim) -> RaceOfFile:
    """Return the identity of a claim's race within its file: one race_id over three numbers is three races."""
    return claim["race_key"], claim["race_number"]


class FileRaces:
    """The rows of a file in their order, taken or refused."""

    def __init__(self) -> None:
        self._taken: list[tuple[int, Fields, Claim]] = []
        self._refused: list[tuple[int, Fields]] = []
        self._doubts: list[tuple[Claim, str]] = []

    def take(self, line: int, fields: Fields, claim: Claim) -> None:
        """Note a row that was taken."""
        self._taken.append((line, fields, claim))

    def refuse(self, line: int, fields: Fields = ()) -> None:
        """Note a row that was refused; its race is not whole."""
        self._refused.append((line, fields))

    def doubt(self, claim: Claim, reason: str) -> None:
        """Note why the race of a row that was taken is not whole."""
        self._doubts.append((claim, reason))

    def settle(
        self,
        parsed: ParsedFile,
        *,
        has_places: bool,
        dead_heats: Mapping[RaceOfFile, Collection[int]] | None = None,
    ) -> None:
        """Set ``is_race_whole`` of every claim of the file, and report each race that cannot be one."""
        races: dict[RaceOfFile, list[Claim]] = defaultdict(list)
        for claim in parsed.claims:
            races[race_of(claim)].append(claim)
        incomplete = self._races_of_refused()
        not_whole = {race_of(claim): reason for claim, reason in reversed(self._doubts)}
        for race, claims in races.items():
            marked = (dead_heats or {}).get(race, ())
            reason = not_whole.get(race) or (
                "" if race in incomplete else why_impossible(claims, has_places=has_places, dead_heats=marked)
            )
            for claim in claims:
                claim["is_race_whole"] = reason is None
            if reason:  # of a refused row the reason is reported where the row is
                parsed.problems.append(Problem(parsed.name, claims[0]["line"], "race", reason))

    def _races_of_refused(self) -> set[RaceOfFile]:
        """Return the races that lack a row.

        A refused row belongs to the race above or below it that shares its identity (to both, if its fields cannot be
        told apart); else to that of the same fields, or the only one of its identity.
        """
        if not self._refused:
            return set()
        lines = [line for line, *_ in self._taken]
        by_fields: dict[tuple[str, ...], RaceOfFile] = {}
        by_identity: dict[str, set[RaceOfFile]] = defaultdict(set)
        for _, fields, claim in self._taken:
            by_fields[tuple(fields)] = race_of(claim)
            by_identity[fields[0]].add(race_of(claim))
        found: set[RaceOfFile] = set()
        for line, fields in self._refused:
            i = bisect(lines, line)
            near = self._taken[max(i - 1, 0) : i + 1]
            own = [(n_same, claim) for _, other, claim in near if (n_same := _n_same(fields, other))]
            if own:
                most = max(n_same for n_same, _ in own)
                found |= {race_of(claim) for n_same, claim in own if n_same == most}
            elif tuple(fields) in by_fields:
                found.add(by_fields[tuple(fields)])
            elif len(by_identity[fields[0]]) == 1:
                found |= by_identity[fields[0]]
        return found


def _n_same(fields: Fields, other: Fields) -> int:
    """Return how many fields agree, 0 if not even the race's own identity does; all may where none is known."""
    if not fields:
        return 1
    return sum(a == b for a, b in zip(fields, other, strict=True)) if fields[0] == other[0] else 0
