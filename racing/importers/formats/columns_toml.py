"""The TOML file behind ``greyhound import --columns``: read and checked, each fault with its line and key."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from racing.domain.errors import FileRefused
from racing.importers.files.dates import DateOrder
from racing.importers.formats.column_units import UNITS
from racing.importers.formats.results import NEEDED, OPTIONAL

TABLES = ("columns", "units", "codes", "constants", "dates")
COLUMNS = (*NEEDED, *OPTIONAL)
COUNTRIES = ("AU", "NZ", "GB", "IE")
_CONSTANTS = COLUMNS
_DATES = ("order", "format")
_ALSO = {
    "finish": "finish_position",
    "trap": "box",
    "dog": "runner",
    "name": "runner",
    "distance": "distance_m",
}
_TABLE = re.compile(r"^\s*\[\s*([^\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"' -]+?)\s*=")


@dataclass(frozen=True, slots=True)
class Columns:
    """What a file's columns mean.

    ``columns`` has, for ours, the file's own, several where they are one together; ``codes`` has for each of
    ours what a code of the file stands for.
    """

    name: str
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    date_order: DateOrder | None = None
    date_format: str | None = None
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    """The line of each key, by its path."""

    def refusal(self, path: tuple[str, ...], rule: str, got: str, known: Iterable[str]) -> str:
        """Return a message with line, key, what is known, and what was perhaps meant."""
        known = list(known)
        near = get_close_matches(got.lower(), [one.lower() for one in known], 1)
        meant = next((one for one in known if near and one.lower() == near[0]), None)
        hint = f"; did you mean {meant!r}?" if meant else ""
        line = next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), 0)
        where = f"{self.name}:{line}" if line else self.name
        return f"{where}: {'.'.join(path)}: {rule}; known are {', '.join(known)}{hint}"


def parse_columns(text: str, name: str) -> Columns:
    """Return what a TOML file says.

    Raises
    ------
    FileRefused
        If it is no TOML, or a key or value is none that is known.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileRefused(f"{name}: it is no TOML: {error}") from error
    return _Reader(name, _lines_of(text)).read(document)


class _Reader:
    def __init__(self, name: str, lines: dict[tuple[str, ...], int]) -> None:
        self._columns = Columns(name, lines=lines)

    def read(self, document: Mapping[str, Any]) -> Columns:
        columns = self._columns
        for table in document:
            if table not in TABLES:
                self._fail((table,), f"a table is one of {', '.join(TABLES)}, got {table!r}", table, TABLES)
        for key, value in self._table(document, "columns"):
            theirs = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
            if not theirs or not all(isinstance(one, str) and one.strip() for one in theirs):
                self._fail(
                    ("columns", key), f"it names a column or a list of them, got {value!r}", key, COLUMNS
                )
            columns.columns[self._column("columns", key, COLUMNS)] = theirs
        for key, value in self._table(document, "units"):
            name = self._column("units", key, UNITS)
            if value not in UNITS[name]:
                self._fail(
                    ("units", key), f"a unit is one that is known, got {value!r}", str(value), UNITS[name]
                )
            columns.units[name] = value
        for key, value in self._table(document, "codes"):
            self._codes(self._column("codes", key, COLUMNS), key, value)
        for key, value in self._table(document, "constants"):
            name = self._column("constants", key, _CONSTANTS)
            if name == "country" and value not in COUNTRIES:
                self._fail(
                    ("constants", key),
                    f"a country is one that is known, got {value!r}",
                    str(value),
                    COUNTRIES,
                )
            columns.constants[name] = str(value)
        return self._with_dates(document)

    def _codes(self, name: str, key: str, value: Any) -> None:
        if not isinstance(value, dict):
            self._fail(("codes", key), "it is written codes.COLUMN.OURS = [THEIRS, ...]", key, COLUMNS)
        codes = self._columns.codes.setdefault(name, {})
        for ours, theirs in value.items():
            for code in theirs if isinstance(theirs, list) else [theirs]:
                codes[str(code)] = ours

    def _with_dates(self, document: Mapping[str, Any]) -> Columns:
        order: DateOrder | None = None
        date_format: str | None = None
        orders = [one.value for one in DateOrder if one != DateOrder.DEFAULT]
        for key, value in self._table(document, "dates"):
            if key == "order" and value in orders:
                order = DateOrder(value)
            elif key == "format" and isinstance(value, str) and "%" in value:
                date_format = value
            elif key in _DATES:
                known = orders if key == "order" else ["%d.%m.%Y", "%Y%m%d", "%d %b %y"]
                self._fail(("dates", key), f"it is one that is known, got {value!r}", str(value), known)
            else:
                self._fail(("dates", key), f"a key is one that is known, got {key!r}", key, _DATES)
        columns = self._columns
        return Columns(
            columns.name, columns.columns, columns.units, columns.codes, columns.constants, order,
            date_format, columns.lines,
        )  # fmt: skip

    def _table(self, document: Mapping[str, Any], table: str) -> Iterable[tuple[str, Any]]:
        found = document.get(table, {})
        if not isinstance(found, dict):
            self._fail((table,), f"it is a table, [{table}], got {found!r}", table, TABLES)
        return found.items()

    def _column(self, table: str, key: str, known: Iterable[str]) -> str:
        name = _ALSO.get(key, key)
        if name not in known:
            self._fail((table, key), f"a key is one of our columns, got {key!r}", key, known)
        return name

    def _fail(self, path: tuple[str, ...], rule: str, got: str, known: Iterable[str]) -> None:
        raise FileRefused(self._columns.refusal(path, rule, got, known))


def _lines_of(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of each key by its path; what spans lines is found where it begins."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if found := _TABLE.match(line):
            table = _path_of(found[1])
            lines.setdefault(table, number)
        elif found := _KEY.match(line):
            path = (*table, *_path_of(found[1]))
            for n in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:n], number)
    return lines


def _path_of(text: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in text.split("."))
