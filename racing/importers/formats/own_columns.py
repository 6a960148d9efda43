"""A CSV file of anybody's own, read as a results file by a TOML file that says what its columns mean.

The TOML file names, for columns of :mod:`racing.importers.formats.results`, the file's own columns, their
units, what its codes stand for, and what is the same for all rows. What it says is turned into our columns;
all rules are those of results.
"""

import dataclasses
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from racing.domain.errors import FileRefused
from racing.importers.files.csv_file import CsvFile, column_key
from racing.importers.files.csv_line import BrokenRow
from racing.importers.files.dates import DateOrder
from racing.importers.files.input_file import InputFile
from racing.importers.formats.column_units import Convert, converter
from racing.importers.formats.columns_toml import Columns, parse_columns
from racing.importers.formats.format import Format
from racing.importers.formats.results import NEEDED, parse_results
from racing.importers.records.source_record import ParsedFile

KIND = "csv"
MAX_TOML_BYTES = 256 * 1024
EXAMPLE = """\
# What the columns of a CSV file of your own mean: greyhound import --columns mine.toml FILE...
# greyhound import --explain --columns mine.toml FILE shows what comes of it, and stores nothing.

[columns]                              # our column = the file's own; case and blanks do not matter
race_id = ["Meeting", "Race"]          # what is the same for all runners of a race, and for no other that day
date = "Race Date"
runner = "Greyhound"
box = "Trap"
race_number = "Race"
distance_m = "Distance"
grade = "Grade"
finish_position = "Fin"
time_s = "Time"
margin_lengths = "Beaten By"
weight_kg = "Weight"
starting_price = "SP"
trainer = "Trainer"

[units]                                # where they are not ours
distance_m = "yards"                   # metres, yards
time_s = "mm:ss.cc"                    # seconds, mm:ss.cc
margin_lengths = "seconds"             # lengths, seconds
weight_kg = "lb"                       # kg, lb
starting_price = "fraction"            # decimal, fraction, american, percent

[codes]                                # our value = those of the file
finish_position.DNF = ["FELL", "BD", "CRASHED"]
finish_position.SCR = ["N/R", "LATE"]

[constants]                            # what is the same for all rows
track = "Shelbourne Park"
country = "IE"                         # AU, NZ, GB, IE: how long a length is; the clock of unknown tracks

[dates]
format = "%d.%m.%Y"                    # as Python's strptime; or order = "day-first" or "month-first"
"""


def read_columns(path: Path) -> Format:
    """Return the format that a TOML file describes.

    Raises
    ------
    FileRefused
        If it breaks a rule; the message names its line and key.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_TOML_BYTES + 1)
    except OSError as error:
        raise FileRefused(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_TOML_BYTES:
        raise FileRefused(f"{path}: it has at most {MAX_TOML_BYTES} bytes, this has more")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(f"{path}: it is UTF-8, byte {error.start} is not") from error
    return format_of_columns(text, path.name)


def format_of_columns(text: str, name: str) -> Format:
    """Return the format that the text of a TOML file describes; ``name`` is the file's own in messages."""
    columns = parse_columns(text, name)
    return Format(
        name="own-columns",
        title=f"columns as {name} has them",
        is_it=lambda file: file.is_csv,
        read=lambda file: _read(file, columns),
    )


def _read(file: InputFile, columns: Columns) -> ParsedFile:
    return parse_results(_mapped(file.csv, columns), kind=KIND)


@dataclass(frozen=True, slots=True)
class _MappedCsv(CsvFile):
    """A CSV file whose rows are another's, brought into our columns."""

    inner: CsvFile | None = None
    fields: tuple["_Field", ...] = ()

    def rows(self, lines: Collection[int] | None = None) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows in our columns; a row that cannot be read stays one."""
        assert self.inner is not None
        n_columns = len(self.inner.header)
        for line, row in self.inner.rows(lines):
            if isinstance(row, BrokenRow):
                yield line, BrokenRow([], row.reason)
            elif len(row) != n_columns:
                yield line, BrokenRow([], f"a row has {n_columns} fields, got {len(row)}")
            else:
                yield line, [one.text_of(row) for one in self.fields]


@dataclass(frozen=True, slots=True)
class _Field:
    """One of our columns: from which fields of a row it comes, or what it always is."""

    at: tuple[int, ...]
    constant: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    convert: Convert | None = None

    def text_of(self, row: list[str]) -> str:
        text = " ".join(row[at].strip() for at in self.at) if len(self.at) != 1 else row[self.at[0]].strip()
        if not self.at:
            text = self.constant
        if self.codes:
            text = self.codes.get(_code_key(text), text)
        return self.convert(text) if self.convert and text else text


def _mapped(file: CsvFile, columns: Columns) -> CsvFile:
    """Return the file with our columns.

    Raises
    ------
    FileRefused
        If it lacks a column that is named, or has it twice.
    """
    wanted = dict(columns.columns)
    if "race_id" not in wanted and "race_number" in wanted:
        wanted["race_id"] = wanted["race_number"]  # of a day, track and distance the number is an identity
    missing = [name for name in NEEDED if name not in wanted and name not in columns.constants]
    if missing:
        raise FileRefused(
            f"{columns.name}: [columns] or [constants] must say {', '.join(missing)}; "
            f"a file needs {', '.join(NEEDED)}"
        )
    fields: dict[str, _Field] = {}
    read: set[int] = set()
    for name, theirs in wanted.items():
        at = tuple(_position(file, columns, name, column) for column in theirs)
        read.update(at)
        fields[name] = _Field(
            at,
            codes={_code_key(code): value for code, value in columns.codes.get(name, {}).items()},
            convert=converter(
                name, columns.units.get(name), columns.constants.get("country"), columns.date_format
            ),
        )
    for name, constant in columns.constants.items():
        fields.setdefault(name, _Field((), constant))
    own_order = columns.date_order
    order = own_order if own_order and file.date_order == DateOrder.DEFAULT else file.date_order
    return _MappedCsv(
        name=file.name,
        sha256=file.sha256,
        header=tuple(fields),
        text=file.text,
        notes=file.notes,
        date_order=order,
        inner=dataclasses.replace(file, columns_read=tuple(sorted(read))),
        fields=tuple(fields.values()),
    )


def _position(file: CsvFile, columns: Columns, name: str, column: str) -> int:
    """Return where a column of the file stands."""
    found = [at for at, own in enumerate(file.header) if column_key(own) == column_key(column)]
    if len(found) == 1:
        return found[0]
    if found:
        raise FileRefused(f"a column may stand once, {column!r} stands {len(found)} times")
    own = [own for own in file.header if own]
    raise FileRefused(columns.refusal(("columns", name), f"the file has no column {column!r}", column, own))


def _code_key(text: str) -> str:
    return re.sub(r"\s+", " ", text.strip()).casefold()
