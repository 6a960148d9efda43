"""What an import reports: each file's counts, and what was refused, grouped by the rule that it broke."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

MAX_LINES_A_FILE = 200
MAX_LINES = 10_000
MAX_KINDS = 200
_NO_DIGITS = str.maketrans("", "", "0123456789")


class FileStatus(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    ALREADY_IMPORTED = "already imported"
    REFUSED = "refused"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a file that was refused; ``line`` 0 is the file as a whole.

    ``what`` tells how much was lost: the ``file``, a ``row``, one ``fact`` of an imported row, or that
    a ``race`` is known in part only.
    """

    file: str
    line: int
    what: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return (
            f"{where}: {'race not whole' if self.what == 'race' else f'{self.what} refused'}: {self.reason}"
        )


@dataclass(slots=True)
class ProblemKind:
    """All problems of one rule: how many, in how many files, and the first of them as an example."""

    first: Problem
    n: int = 0
    n_files: int = 0

    @property
    def what(self) -> str:
        """Return what was refused: ``row``, ``fact``, or that a ``race`` is not whole."""
        return self.first.what

    def __str__(self) -> str:
        if self.n == 1:
            return str(self.first)
        files = f" in {self.n_files:,} files" if self.n_files > 1 else ""
        where = f"{self.first.file}:{self.first.line}"
        lost = "races not whole" if self.what == "race" else f"{self.what}s refused"
        return f"{self.n:,} {lost}{files}, the first at {where}: {self.first.reason}"


class Problems:
    """The problems of one file or of an import: all counted by their rule, the first of them listed.

    What it holds is bounded, however many there are: refused files are all listed, for each is one file.
    """

    def __init__(self, max_lines: int = MAX_LINES) -> None:
        self._max_lines = max_lines
        self._lines: list[Problem] = []
        self._n_files = 0
        self._kinds: dict[tuple[str, str], ProblemKind] = {}

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: int) -> Problem:
        return self._lines[index]

    @property
    def kinds(self) -> list[ProblemKind]:
        """Return the rules that were broken: by rows, then by races, then by facts; the frequent first."""
        costs = ("row", "race", "fact")
        return sorted(self._kinds.values(), key=lambda kind: (costs.index(kind.what), -kind.n))

    @property
    def n(self) -> int:
        """Return how many problems there are, listed or not."""
        return self._n_files + sum(kind.n for kind in self._kinds.values())

    def add(self, problem: Problem) -> None:
        """Add a problem."""
        if problem.what == "file":
            self._n_files += 1
            self._lines.append(problem)
            return
        if len(self._lines) - self._n_files < self._max_lines:
            self._lines.append(problem)
        self._kind_of(problem).n += 1

    def add_all(self, others: "Problems") -> None:
        """Add those of one file."""
        for problem in others:
            if problem.what == "file":
                self._n_files += 1
                self._lines.append(problem)
            elif len(self._lines) - self._n_files < self._max_lines:
                self._lines.append(problem)
        for kind in others._kinds.values():
            mine = self._kind_of(kind.first)
            mine.n += kind.n
            mine.n_files += kind.n_files if mine.first is not kind.first else 0

    def _kind_of(self, problem: Problem) -> ProblemKind:
        # "box must be 1..10, got '12' ('Sir Tick')" is "box must be ..".
        rule = problem.reason.partition(", got ")[0].partition(" (")[0].translate(_NO_DIGITS)
        kind = self._kinds.get((problem.what, rule))
        if kind is None:
            if len(self._kinds) >= MAX_KINDS:
                rule = "other rules"
            kind = self._kinds.setdefault((problem.what, rule), ProblemKind(problem, n_files=1))
        return kind


@dataclass(slots=True)
class FileReport:
    """One file's rows: read, added (runs new to us), updated (runs with new facts), known, refused.

    ``notes`` say how it was read where that is not plain, e.g. in which encoding.
    """

    file: str
    status: FileStatus
    taken_as: str = ""
    """What it was taken for; the title of its format."""
    left_out: dict[str, int] = field(default_factory=dict)
    """What in it is no race, by what it is: markets of other kinds. A file of nothing else is left out."""
    n_read: int = 0
    n_added: int = 0
    n_updated: int = 0
    n_known: int = 0
    n_refused: int = 0
    n_empty: int = 0
    """Rows of empty boxes, such as ``VACANT``."""
    n_waiting: int = 0
    """Rows that name no distance or no dog, and whose race no other source knows yet; or knows otherwise."""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    """Reading it, and its share of writing the files that were written together."""


@dataclass(slots=True)
class FormatTotals:
    """What an import made of all files of one format."""

    title: str
    n_files: int = 0
    n_files_refused: int = 0
    n_read: int = 0
    n_added: int = 0
    n_updated: int = 0
    n_known: int = 0
    n_races: int = 0
    """Races that their rows name, each counted once."""
    n_refused: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class ImportReport:
    """All files of one import, in order."""

    files: list[FileReport] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    first_day: dt.date | None = None
    """The earliest day on which any race or run changed; ``None`` if none did."""
    _races: dict[str, set[int]] = field(default_factory=dict)

    def note_races(self, title: str, race_keys: Iterable[str]) -> None:
        """Note the races that a file of a format names."""
        self._races.setdefault(title, set()).update(map(hash, race_keys))

    def by_format(self) -> list[FormatTotals]:
        """Return the sums of the files of each format, in the order in which the formats were met."""
        totals: dict[str, FormatTotals] = {}
        for file in self.files:
            if file.status == FileStatus.ALREADY_IMPORTED:
                title = file.taken_as or "imported before"
            else:
                title = file.taken_as or "of no known format"
            total = totals.setdefault(title, FormatTotals(title))
            total.n_files += 1
            total.n_files_refused += file.status == FileStatus.REFUSED
            for name in ("n_read", "n_added", "n_updated", "n_known", "n_refused", "seconds"):
                setattr(total, name, getattr(total, name) + getattr(file, name))
        for title, races in self._races.items():
            if title in totals:
                totals[title].n_races = len(races)
        return list(totals.values())

    @property
    def n_read(self) -> int:
        """Return the rows of all files."""
        return sum(file.n_read for file in self.files)

    @property
    def n_added(self) -> int:
        """Return the runs that were new."""
        return sum(file.n_added for file in self.files)

    @property
    def n_updated(self) -> int:
        """Return the runs that were known and got new facts."""
        return sum(file.n_updated for file in self.files)

    @property
    def n_known(self) -> int:
        """Return the rows that added nothing new."""
        return sum(file.n_known for file in self.files)

    @property
    def n_refused(self) -> int:
        """Return the rows that were not taken."""
        return sum(file.n_refused for file in self.files)

    @property
    def n_empty(self) -> int:
        """Return the rows of empty boxes."""
        return sum(file.n_empty for file in self.files)

    def left_out(self) -> dict[str, int]:
        """Return how much of what kind was left out, by its name."""
        return dict(sorted(sum((Counter(file.left_out) for file in self.files), Counter[str]()).items()))

    @property
    def n_waiting(self) -> int:
        """Return the rows that wait for their races."""
        return sum(file.n_waiting for file in self.files)

    def n_files(self, status: FileStatus) -> int:
        """Return how many files ended so."""
        return sum(file.status == status for file in self.files)


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What taking a file back out removed; runs that other files know too stay, with their facts."""

    file: str
    n_rows: int
    n_runs_removed: int
    n_runs_changed: int
    first_day: dt.date | None
