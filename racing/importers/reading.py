"""Read a CSV file: its digest, its text in whichever encoding, its rows, each on one line."""

import csv
import dataclasses
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from racing.errors import FileRefused
from racing.importers.archives import MAX_BYTES, Source, bytes_of, is_zip, sources_of, unpacked
from racing.importers.dates import DateOrder
from racing.importers.encodings import decode
from racing.importers.formats import what_it_is, what_text_is

MAX_LINE_CHARS = 20_000  # a row of Topaz's 63 columns has 700
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_READ_WITH_A_NOTE = (";", "\t")
_QUOTED = re.compile(r'"[^"]*"')
_BLANKS = re.compile(r"[\s_]+")
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)  # Excel's own hint, above the header
# Control characters, and what stands where a letter was lost; line ends and tabs are none.
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
_ASCII = bytes(sorted({*range(0x20, 0x7F), 9, 10, 13}))
_MAYBE_UTF8_AS_CP1252 = re.compile("[\xc2\xc3\xe2]")
_COMMA_NUMBER = re.compile(r"([$€£]?\s*-?\d+),(\d+\s*[A-Za-z]{0,2})")
_COMMA_FIELD = re.compile(r'(?:^|[;\t"])\s*([$€]?-?\d+,\d+)\s*(?=[;\t"]|$)', re.MULTILINE)
_POINT_FIELD = re.compile(r'(?:^|[;\t"])\s*([$€]?-?\d{1,5}\.\d{1,4})\s*(?=[;\t"]|$)', re.MULTILINE)
# Columns that one kind of file alone has, and the command that imports it.
_TELLING_COLUMNS = {
    ("Dog Name", "PLC", "DIST", "W/2G", "PIR"): "form-guides",
    ("MarketId", "SelectionId", "WIN_RESULT"): "betfair",
    ("WIN_MARKET_ID", "SELECTION_NAME", "WIN_RESULT"): "betfair",
    ("race_id", "runner", "distance_m"): "results",
}


class BrokenRow(list[str]):
    """A line that is no row: ``reason`` says why; its fields are what lies between the delimiters."""

    __slots__ = ("reason",)

    def __init__(self, fields: list[str], reason: str) -> None:
        super().__init__(fields)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file's digest, header and rows; a row is its line number and its fields.

    ``notes`` say how it was read where that is not plain: its encoding, its delimiter.
    """

    name: str
    sha256: str
    header: tuple[str, ...]
    text: str
    header_line: int = 1
    delimiter: str = ","
    has_decimal_commas: bool = False
    notes: tuple[str, ...] = ()
    date_order: DateOrder = DateOrder.DEFAULT

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows below the header that are not blank; unreadable ones as :class:`BrokenRow`.

        In these files a field never spans lines, so a stray quote costs its own line only.
        """
        delimiter, has_odd = self.delimiter, _has_odd_characters(self.text)
        for number, line in enumerate(io.StringIO(self.text, newline=None), 1):
            if number <= self.header_line:
                continue
            line = line.rstrip("\n")
            if has_odd or '"' in line or len(line) > MAX_LINE_CHARS:
                fields = _fields_of(line, delimiter, has_odd=has_odd)
            else:
                fields = line.split(delimiter)
            if not fields or not (fields[0] or any(map(str.strip, fields))):
                continue
            if self.has_decimal_commas and type(fields) is list:
                fields = [_with_point(field) for field in fields]
            yield number, fields

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
        return dataclasses.replace(self, header=header)


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
    return hashlib.sha256(bytes_of(path)).hexdigest()


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
    return csv_of(source.read(), source.name, dates)


def csv_of(
    raw: bytes, name: str, dates: DateOrder = DateOrder.DEFAULT, *, max_bytes: int = MAX_BYTES
) -> CsvFile:
    """Return what the bytes of a file hold; unpacked they are at most ``max_bytes``. See :func:`read_csv`."""
    plain = unpacked(raw, max_bytes)
    if is_zip(plain):
        raise FileRefused("the file is a zip archive, not CSV: unpack it first")
    if reason := what_it_is(plain):
        raise FileRefused(reason)
    text, encoding = decode(plain)
    if not text.strip():
        raise FileRefused("the file is empty")
    if "\0" in text:
        raise FileRefused("the file is not text: it holds NUL bytes (if it is UTF-16, save it as UTF-8)")
    if reason := what_text_is(text):
        raise FileRefused(reason)
    line, first, delimiter = _header_line_of(text)
    header = tuple(field.strip() for field in _header_fields(first, delimiter, line))
    notes = [encoding] if encoding else []
    has_decimal_commas = False
    if delimiter != ",":
        has_decimal_commas = _has_decimal_commas(text)
        decimal = ", decimals by a comma" if has_decimal_commas else ""
        notes.append(f"read with columns parted by {_DELIMITERS.get(delimiter, repr(delimiter))}{decimal}")
    return CsvFile(
        name=name,
        sha256=hashlib.sha256(raw).hexdigest(),
        header=header,
        text=text,
        header_line=line,
        delimiter=delimiter,
        has_decimal_commas=has_decimal_commas,
        notes=tuple(notes),
        date_order=dates,
    )


def _header_line_of(text: str) -> tuple[int, str, str]:
    """Return the number of the header's line, the line, and what parts its columns."""
    told: str | None = None
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if not line.strip():
            continue
        if told is None and (hint := _SEPARATOR_LINE.fullmatch(line.rstrip("\n"))):
            told = hint[1]
            continue
        if len(line) > MAX_LINE_CHARS:
            raise FileRefused(
                f"a line has at most {MAX_LINE_CHARS} characters, line {number} has {len(line)}"
            )
        return number, line.rstrip("\n"), told or _delimiter_of(line)
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
    if _ODD.search(line):
        raise FileRefused(f"the header (line {number}) is not text: it holds control characters")
    fields = _fields_of(line, delimiter)
    if isinstance(fields, BrokenRow):
        raise FileRefused(f"the header (line {number}) is not CSV: {fields.reason}")
    return fields


def _fields_of(line: str, delimiter: str, *, has_odd: bool = True) -> list[str]:
    """Return the fields of a line that must be looked at closely: by its quotes, characters or length."""
    if len(line) > MAX_LINE_CHARS:
        reason = f"a line has at most {MAX_LINE_CHARS} characters, got {len(line)}"
        return BrokenRow(line[:MAX_LINE_CHARS].split(delimiter), reason)
    if has_odd and (odd := _ODD.search(line)):
        what = "a letter was lost" if odd[0] == "\ufffd" else "a control character"
        reason = f"a row is plain text, got U+{ord(odd[0]):04X} ({what}) in {_around(line, odd.start())}"
        return BrokenRow(line.split(delimiter), reason)
    if has_odd and _MAYBE_UTF8_AS_CP1252.search(line) and _is_utf8_as_cp1252(line):
        reason = f"UTF-8 was once read as cp1252 here, its letters are garbled, got {line[:60]!r}"
        return BrokenRow(line.split(delimiter), reason)
    if '"' not in line:
        return line.split(delimiter)
    if line.count('"') % 2:
        where = line.rindex('"')
        reason = f"a quote is closed on the line where it opens, got {_around(line, where)}"
        return BrokenRow(line.split(delimiter), reason)
    if line.startswith(f'""{delimiter}') and line.count('"') == 2:  # most rows of form guides
        return ["", *line[3:].split(delimiter)]
    try:
        reader = csv.reader((line,), delimiter=delimiter, strict=True, skipinitialspace=True)
        return next(reader)
    except csv.Error:
        reason = f"a field's closing quote is its last character, got {line[:60]!r}"
        return BrokenRow(line.split(delimiter), reason)


def _around(line: str, where: int) -> str:
    return repr(line[max(0, where - 20) : where + 20])


def _has_odd_characters(text: str) -> bool:
    """Return whether rows must be looked at for characters that no row has."""
    if text.isascii():
        return bool(text.encode().translate(None, _ASCII))
    return bool(_ODD.search(text) or _MAYBE_UTF8_AS_CP1252.search(text))


def _is_utf8_as_cp1252(line: str) -> bool:
    try:
        return line.encode("cp1252").decode("utf-8") != line
    except UnicodeError:
        return False


def _has_decimal_commas(text: str) -> bool:
    comma = _COMMA_FIELD.search(text)
    point = _POINT_FIELD.search(text) if comma else None
    if comma and point:
        (a, b) = ((found[1], text.count("\n", 0, found.start(1)) + 1) for found in (comma, point))
        rule = "decimals have a comma or a point in all of a file"
        reason = f"{rule}, got {a[0]!r} on line {a[1]} and {b[0]!r} on line {b[1]}: save it with points alone"
        raise FileRefused(reason, ((b[1], reason),))
    return comma is not None


def _with_point(field: str) -> str:
    number = _COMMA_NUMBER.fullmatch(field.strip())
    return f"{number[1]}.{number[2]}" if number else field


def _missing_columns(file: CsvFile, what: str, needed: tuple[str, ...], missing: list[str]) -> str:
    """Return what is missing; where that is most, what the file looks like instead."""
    if len(missing) <= len(needed) // 2:
        return f"{what} needs columns that are missing here: {', '.join(missing)}"
    other = next((command for columns, command in _TELLING_COLUMNS.items() if file.has(columns)), None)
    if other:
        return f"it is not {what}: by its columns it is for `greyhound import {other}`"
    names, lacking = ", ".join(name for name in file.header if name)[:120], ", ".join(missing)
    return f"{what} needs columns that are missing here: {lacking}; it has {names or 'none'}"
