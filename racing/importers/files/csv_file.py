"""Read a CSV file: its digest, its text in whichever encoding, its rows, each on one line."""

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from racing.domain.errors import FileRefused
from racing.importers.files.archives import Source, content_of, is_zip, sources_of
from racing.importers.files.contents import CHUNK_BYTES, MAX_BYTES, Content
from racing.importers.files.csv_line import (
    BrokenRow,
    fields_of,
    has_control_character,
    has_odd_characters,
    with_point,
)
from racing.importers.files.dates import DateOrder
from racing.importers.files.encodings import MAX_LINE_CHARS, Text, text_of
from racing.importers.files.file_types import what_it_is, what_text_is
from racing.importers.files.tars import is_tar

MAX_FIELD_CHARS = 200  # of a column that is read: its values are compared, and some remembered
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_READ_WITH_A_NOTE = (";", "\t")
_QUOTED = re.compile(r'"[^"]*"')
_BLANKS = re.compile(r"[\s_]+")
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)  # Excel's own hint, above the header
# Of one line. Blanks are spaces only: tabs begin a field too, and a line of them would take seconds.
_COMMA_FIELD = re.compile(r'(?:^|[;\t"]) *([$€]?-?\d+,\d+) *(?=[;\t"]|$)')
_POINT_FIELD = re.compile(r'(?:^|[;\t"]) *([$€]?-?\d{1,5}\.\d{1,4}) *(?=[;\t"]|$)')
# Columns that one kind of file alone has, and the command that imports it.
_COLUMNS_OF_COMMANDS = {
    ("Dog Name", "PLC", "DIST", "W/2G", "PIR"): "form-guides",
    ("MarketId", "SelectionId", "WIN_RESULT"): "betfair",
    ("WIN_MARKET_ID", "SELECTION_NAME", "WIN_RESULT"): "betfair",
    ("race_id", "runner", "distance_m"): "results",
}


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file's digest, header and rows; a row is its line number and its fields.

    ``notes`` say how it was read where that is not plain: its encoding, its delimiter.
    """

    name: str
    sha256: str
    header: tuple[str, ...]
    text: Text
    header_line: int = 1
    delimiter: str = ","
    has_decimal_commas: bool = False
    notes: tuple[str, ...] = ()
    date_order: DateOrder = DateOrder.DEFAULT
    has_odd: bool = True
    """Whether a row may hold characters that none should have."""
    columns_read: tuple[int, ...] = ()

    def rows(self, lines: Collection[int] | None = None) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows below the header that are not blank; unreadable ones as :class:`BrokenRow`.

        ``lines`` are the numbers of those that are wanted, by default all.
        In these files a field never spans lines, so a stray quote costs its own line only.
        """
        delimiter, has_odd = self.delimiter, self.has_odd
        for number, line, n_chars in self.text.lines():
            if number <= self.header_line or (lines is not None and number not in lines):
                continue
            if n_chars > MAX_LINE_CHARS:
                rule = f"a line has at most {MAX_LINE_CHARS} characters, got {n_chars}"
                fields: list[str] = BrokenRow(line.split(delimiter), rule)
            elif has_odd or '"' in line:
                fields = fields_of(line, delimiter, has_odd=has_odd)
            else:
                fields = line.split(delimiter)
            if not fields or not (fields[0] or any(map(str.strip, fields))):
                continue
            if n_chars > MAX_FIELD_CHARS and max(map(len, fields)) > MAX_FIELD_CHARS:
                fields = self._with_short_fields(fields)
            if self.has_decimal_commas and type(fields) is list:
                fields = [with_point(field) for field in fields]
            yield number, fields

    def _with_short_fields(self, fields: list[str]) -> list[str]:
        """Return the fields; of a row one of whose fields that are read is too long, why it is broken."""
        at = max((i for i in self.columns_read if i < len(fields)), key=lambda i: len(fields[i]), default=0)
        if type(fields) is list and (not self.columns_read or len(fields[at]) <= MAX_FIELD_CHARS):
            return fields
        reason = f"{self.header[at]} has at most {MAX_FIELD_CHARS} characters, got {len(fields[at])}"
        if isinstance(fields, BrokenRow):
            reason = fields.reason
        return BrokenRow([field[:MAX_FIELD_CHARS] for field in fields], reason)

    def has(self, columns: Iterable[str]) -> bool:
        """Return whether all of the columns are there, however their names are spelt."""
        return {column_key(name) for name in columns} <= set(map(column_key, self.header))

    def with_columns(self, needed: Iterable[str], what: str, optional: Iterable[str] = ()) -> "CsvFile":
        """Return the file with these columns under exactly these names: case and blanks do not matter.

        Raises
        ------
        FileRefused
            If one that is needed is missing, or one of them stands twice.
        """
        needed = tuple(needed)
        wanted = {column_key(name): name for name in (*needed, *optional)}
        header = tuple(wanted.get(column_key(name), name) for name in self.header)
        missing = [name for name in needed if name not in header]
        if missing:
            raise FileRefused(_missing_columns(self, what, needed, missing))
        twice = sorted({name for name in wanted.values() if header.count(name) > 1})
        if twice:
            raise FileRefused(f"a column may stand once, {', '.join(twice)} stands more often")
        read = tuple(i for i, name in enumerate(header) if name in wanted.values())
        return dataclasses.replace(self, header=header, columns_read=read)


def column_key(name: str) -> str:
    """Return the key under which spellings of a column's name meet: without case, blanks and underscores."""
    return _BLANKS.sub("", name).casefold()


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Raises
    ------
    FileRefused
        If it cannot be read or is too large.
    """
    return content_of(path).sha256


def read_csv(path: Path, dates: DateOrder = DateOrder.DEFAULT) -> CsvFile:
    """Return what a file holds, packed or not; a zip must hold one CSV file.

    Raises
    ------
    FileRefused
        If it cannot be read, is empty or no CSV file.
    """
    sources = sources_of(path)
    if len(sources) > 1:
        raise FileRefused(f"the zip holds {len(sources)} files; unpack the one that is meant")
    return read_source(sources[0], dates)


def read_source(source: Source, dates: DateOrder = DateOrder.DEFAULT) -> CsvFile:
    """Return what one file, or one member of a zip, holds; see :func:`read_csv`."""
    return csv_of_content(source.content(), source.name, dates)


def csv_of(
    raw: bytes, name: str, dates: DateOrder = DateOrder.DEFAULT, *, max_bytes: int = MAX_BYTES
) -> CsvFile:
    """Return what the bytes of a file hold; unpacked they are at most ``max_bytes``. See :func:`read_csv`."""
    return csv_of_content(Content.of(raw, max_bytes), name, dates)


def csv_of_content(content: Content, name: str, dates: DateOrder = DateOrder.DEFAULT) -> CsvFile:
    """Return the CSV file that some content is; see :func:`read_csv`."""
    if is_zip(content.head):
        raise FileRefused("the file is a zip archive, not CSV: unpack it first")
    if reason := what_it_is(content.head) or what_text_is(content.head.decode("utf-8-sig", "replace")):
        raise FileRefused(reason)  # before all of it is read
    if is_tar(content.head):
        raise FileRefused("the file is a packed tar, not CSV: name it .tar.gz or .tar.bz2, or unpack it")
    text = text_of(content)
    has_odd = _has_odd_rows(text)
    line, first, delimiter = _header_line_of(text)
    header = tuple(field.strip() for field in _header_fields(first, delimiter, line))
    notes = [text.note] if text.note else []
    has_decimal_commas = False
    if delimiter != ",":
        has_decimal_commas = _has_decimal_commas(text)
        decimal = ", decimals by a comma" if has_decimal_commas else ""
        notes.append(f"read with columns parted by {_DELIMITERS.get(delimiter, repr(delimiter))}{decimal}")
    return CsvFile(
        name=name,
        sha256=content.sha256,
        header=header,
        text=text,
        header_line=line,
        delimiter=delimiter,
        has_decimal_commas=has_decimal_commas,
        notes=tuple(notes),
        date_order=dates,
        has_odd=has_odd,
    )


def _has_odd_rows(text: Text) -> bool:
    """Return whether rows must be checked for odd characters.

    Raises
    ------
    FileRefused
        If it is empty, or no CSV by its beginning or a NUL.
    """
    is_empty, is_first, has_odd = True, True, False
    with text.open() as stream:
        while chunk := stream.read(CHUNK_BYTES):
            if "\0" in chunk:
                raise FileRefused(
                    "the file is not text: it holds NUL bytes (if it is UTF-16, save it as UTF-8)"
                )
            if is_first and (reason := what_text_is(chunk)):
                raise FileRefused(reason)
            is_first = False
            is_empty = is_empty and chunk.isspace()
            has_odd = has_odd or has_odd_characters(chunk)
    if is_empty:
        raise FileRefused("the file is empty")
    return has_odd


def _header_line_of(text: Text) -> tuple[int, str, str]:
    """Return the number of the header's line, the line, and what parts its columns."""
    hinted: str | None = None
    for number, line, n_chars in text.lines():
        if not line.strip() and n_chars <= MAX_LINE_CHARS:
            continue
        if hinted is None and (hint := _SEPARATOR_LINE.fullmatch(line)):
            hinted = hint[1]
            continue
        if n_chars > MAX_LINE_CHARS:
            raise FileRefused(f"a line has at most {MAX_LINE_CHARS} characters, line {number} has {n_chars}")
        return number, line, hinted or _delimiter_of(line)
    raise FileRefused("the file is empty")


def _delimiter_of(header: str) -> str:
    bare = _QUOTED.sub("", header)
    found = [delimiter for delimiter in _DELIMITERS if delimiter in bare]
    names = " and ".join(_DELIMITERS[delimiter] for delimiter in found)
    if len(found) > 1:
        raise FileRefused(
            f"columns are parted by one sign, the header has {names}: save it with commas alone"
        )
    if found and found[0] not in (",", *_READ_WITH_A_NOTE):
        raise FileRefused(f"columns are parted by commas, here by {names}")
    return found[0] if found else ","


def _header_fields(line: str, delimiter: str, number: int) -> list[str]:
    if has_control_character(line):
        raise FileRefused(f"the header (line {number}) is not text: it holds control characters")
    fields = fields_of(line, delimiter)
    if isinstance(fields, BrokenRow):
        raise FileRefused(f"the header (line {number}) is not CSV: {fields.reason}")
    return fields


def _has_decimal_commas(text: Text) -> bool:
    comma: tuple[str, int] | None = None
    point: tuple[str, int] | None = None
    for number, line, _ in text.lines():
        if comma is None and (found := _COMMA_FIELD.search(line)):
            comma = found[1], number
        if point is None and (found := _POINT_FIELD.search(line)):
            point = found[1], number
        if comma and point:
            rule = "decimals have a comma or a point in all of a file"
            reason = f"{rule}, got {comma[0]!r} on line {comma[1]} and {point[0]!r} on line {point[1]}"
            reason += ": save it with points alone"
            raise FileRefused(reason, ((point[1], reason),))
    return comma is not None


def _missing_columns(file: CsvFile, what: str, needed: tuple[str, ...], missing: list[str]) -> str:
    """Return what is missing; where that is most, what the file looks like instead."""
    if len(missing) <= len(needed) // 2:
        return f"{what} needs columns that are missing here: {', '.join(missing)}"
    other = next((command for columns, command in _COLUMNS_OF_COMMANDS.items() if file.has(columns)), None)
    if other:
        return f"it is not {what}: by its columns it is for `greyhound import {other}`"
    names, lacking = ", ".join(name for name in file.header if name)[:120], ", ".join(missing)
    return f"{what} needs columns that are missing here: {lacking}; it has {names or 'none'}"
