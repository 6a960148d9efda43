"""What an import would make of a file, shown without a database: format, columns, first records, refusals."""

from dataclasses import dataclass, field
from typing import Any

from racing.domain.errors import FileRefused
from racing.importers.files.csv_file import CsvFile, column_key
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import FORMATS, format_of
from racing.importers.formats.format import Format
from racing.importers.records.source_record import SourceRecord, day_of_key, distance_of_key
from racing.importers.report import Problem, ProblemKind

N_RECORDS = 4
# What a record has for the importer alone.
_INTERNAL = (
    "line",
    "bucket",
    "dog_key",
    "dog_name",
    "track",
    "race_number",
    "race_key",
    "is_race_whole",
    "is_blank",
)


@dataclass(slots=True)
class ExplainedFile:
    """A file as an import would understand it; ``refusal`` says why it would take none of it."""

    file: str
    taken_as: str = ""
    """The title of the format; empty where none fits."""
    name: str = ""
    why: str = ""
    """By what it was recognised."""
    columns_read: list[str] = field(default_factory=list)
    columns_unknown: list[str] = field(default_factory=list)
    """Columns of the file that are not read; what they say is lost."""
    columns_absent: list[str] = field(default_factory=list)
    """Columns that the format could have beside, and this file has not."""
    n_read: int = 0
    n_records: int = 0
    n_refused: int = 0
    n_empty: int = 0
    n_races: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """What is no race of ours, by what it is: a recording's markets of other kinds."""
    records: list[dict[str, Any]] = field(default_factory=list)
    """The first records: what is known of each, by names that have their units."""
    problem_kinds: list[ProblemKind] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class _WatchedCsv(CsvFile):
    """A CSV file that remembers which columns were wanted."""

    wanted: list[str] = field(default_factory=list)

    def with_columns(self, needed: Any, what: str, optional: Any = ()) -> CsvFile:
        needed, optional = tuple(needed), tuple(optional)
        self.wanted.extend((*needed, *optional))
        return CsvFile.with_columns(self, needed, what, optional)


def explain(file: InputFile, taken_as: Format | None = None) -> ExplainedFile:
    """Return what an import would make of a file; nothing is stored."""
    explained = ExplainedFile(file.name)
    try:
        kind = taken_as or format_of(file)
        explained.taken_as, explained.name = kind.title, kind.name
        explained.why = "as requested" if taken_as else _why(file, kind)
        wanted = _watch(file)
        try:
            _read(file, kind, explained)
        finally:
            if wanted is not None:
                _note_columns(file.csv.header, wanted or list(kind.columns), explained)
    except FileRefused as error:
        explained.refusal = str(error)
    return explained


def _read(file: InputFile, kind: Format, explained: ExplainedFile) -> None:
    parsed = kind.read(file)
    explained.notes, explained.left_out = parsed.notes, parsed.left_out
    explained.n_read, explained.n_refused, explained.n_empty = parsed.n_read, parsed.n_refused, parsed.n_empty
    explained.n_records = len(parsed.records) + len(parsed.waiting)
    explained.n_races = len({record["race_key"] for record in parsed.records})
    explained.problem_kinds, explained.problems = parsed.problems.kinds, list(parsed.problems)
    explained.records = [_shown(record) for record in parsed.records[:N_RECORDS]]
    explained.records = explained.records or [_shown(row) for row in parsed.waiting[:N_RECORDS]]


def _why(file: InputFile, kind: Format) -> str:
    """Return by what a file was recognised, and what else might have claimed it."""
    others = [one.name for one in FORMATS if one is not kind and one.is_it(file)]
    also = f"; {', '.join(others)} might be meant too (--as)" if others else ""
    if file.is_csv and kind.columns:
        has = set(map(column_key, file.csv.header))
        found = [name for name in kind.columns if column_key(name) in has]
        if found:
            return f"by its columns {', '.join(found[:6])}{' ...' if len(found) > 6 else ''}{also}"
        return f"by its header{also}"
    return f"by its beginning{also}"


def _watch(file: InputFile) -> list[str] | None:
    """Let the file note which columns are wanted; ``None`` where it is no CSV."""
    if not file.is_csv:
        return None
    csv = file.csv
    watched = _WatchedCsv(**{name: getattr(csv, name) for name in CsvFile.__dataclass_fields__})
    file.__dict__["csv"] = watched
    return watched.wanted


def _note_columns(header: tuple[str, ...], wanted: list[str], explained: ExplainedFile) -> None:
    keys = {column_key(name) for name in wanted}
    named = [name for name in header if name]
    explained.columns_read = [name for name in named if column_key(name) in keys]
    explained.columns_unknown = [name for name in named if column_key(name) not in keys]
    has = set(map(column_key, named))
    explained.columns_absent = [name for name in dict.fromkeys(wanted) if column_key(name) not in has]


def _shown(record: SourceRecord) -> dict[str, Any]:
    key = record.get("bucket")  # a row that waits for its race has none
    facts = {
        "line": record["line"],
        "date": record["date"] if key is None else day_of_key(key),
        "track": record["track"],
        "race": record["race_number"],
        "distance_m": None if key is None else distance_of_key(key),
        "runner": record["dog_name"],
    }
    others = {name: value for name, value in record.items() if name not in _INTERNAL and value is not None}
    return facts | {name: value for name, value in others.items() if value is not False or name == "won"}
