"""One line of a CSV file as its fields, or why it is no row."""

import csv
import re

# Control characters, and what stands where a letter was lost; line ends and tabs are none.
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
_ASCII = bytes(sorted({*range(0x20, 0x7F), 9, 10, 13}))
_MAYBE_UTF8_AS_CP1252 = re.compile("[\xc2\xc3\xe2]")
_COMMA_NUMBER = re.compile(r"([$€£]?\s*-?\d+),(\d+\s*[A-Za-z]{0,2})")


class BrokenRow(list[str]):
    """A line that is no row: ``reason`` says why; its fields are what lies between the delimiters."""

    __slots__ = ("reason",)

    def __init__(self, fields: list[str], reason: str) -> None:
        super().__init__(fields)
        self.reason = reason


def fields_of(line: str, delimiter: str, *, has_odd: bool = True) -> list[str]:
    """Return the fields of a line that must be looked at closely: by its quotes or characters."""
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


def has_control_character(line: str) -> bool:
    """Return whether a line holds a control character or a lost letter."""
    return _ODD.search(line) is not None


def _around(line: str, where: int) -> str:
    return repr(line[max(0, where - 20) : where + 20])


def has_odd_characters(text: str) -> bool:
    """Return whether rows must be looked at for characters that no row has."""
    if text.isascii():
        return bool(text.encode().translate(None, _ASCII))
    return bool(_ODD.search(text) or _MAYBE_UTF8_AS_CP1252.search(text))


def _is_utf8_as_cp1252(line: str) -> bool:
    try:
        return line.encode("cp1252").decode("utf-8") != line
    except UnicodeError:
        return False


def with_point(field: str) -> str:
    """Return a field with a decimal point, where it is a number with a decimal comma."""
    number = _COMMA_NUMBER.fullmatch(field.strip())
    return f"{number[1]}.{number[2]}" if number else field
