"""What an import says of itself: every file, every refusal with its line and reason."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum


class FileStatus(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    ALREADY_IMPORTED = "already imported"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a file says and that was not believed; ``line`` 0 is the file as a whole.

    ``what`` tells how much was lost: the ``file``, a ``row``, one ``fact`` of a row that was kept, or that
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
class FileReport:
    """One file's rows: read, added (runs new to us), updated (runs with new facts), known, refused."""

    file: str
    status: FileStatus
    n_read: int = 0
    n_added: int = 0
    n_updated: int = 0
    n_known: int = 0
    n_refused: int = 0
    n_empty: int = 0
    """Rows of empty boxes, such as ``VACANT``."""


@dataclass(slots=True)
class ImportReport:
    """All files of one import, in order."""

    files: list[FileReport] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    first_day: dt.date | None = None
    """The earliest day on which any race or run changed; ``None`` if none did."""

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
        """Return the runs that were known and of which a file told more."""
        return sum(file.n_updated for file in self.files)

    @property
    def n_known(self) -> int:
        """Return the rows that said nothing new."""
        return sum(file.n_known for file in self.files)

    @property
    def n_refused(self) -> int:
        """Return the rows that were not taken."""
        return sum(file.n_refused for file in self.files)

    @property
    def n_empty(self) -> int:
        """Return the rows of empty boxes."""
        return sum(file.n_empty for file in self.files)

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
