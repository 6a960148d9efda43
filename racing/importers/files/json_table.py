"""JSON of rows as the CSV file that it would be: one column a key, rows in their order.

A list of objects is a row each; objects that hold lists of objects (a meeting its races, a race its traps)
hand their own values down to each of them. A list of objects with one key each, as Topaz documents its bulk
runs, is a row until a key comes again.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content
from racing.importers.files.csv_file import CsvFile, csv_of_content
from racing.importers.files.input_file import InputFile

MAX_OBJECT_CHARS = 4 * 1024 * 1024  # of an object, or of a whole file that is one; a meeting has 100 thousand
MAX_TABLE_CHARS = 64 * 1024 * 1024  # of all values as text; a month of Topaz's has 20 million
MAX_COLUMNS = 300
MAX_DEPTH = 6
_BETWEEN = re.compile(r"[\s,]*")

Row = dict[str, str]


def is_json(file: InputFile) -> bool:
    """Return whether a file begins as JSON does."""
    return file.head.lstrip().startswith(("[", "{"))


def has_json_keys(file: InputFile, keys: tuple[str, ...]) -> bool:
    """Return whether a file is JSON whose beginning names all of these keys."""
    head = file.head.casefold()
    return is_json(file) and all(f'"{key.casefold()}"' in head for key in keys)


def table_of(file: InputFile) -> CsvFile:
    """Return a file's rows, whether it is CSV or JSON; of JSON the line numbers count rows, the first is 2.

    Raises
    ------
    FileRefused
        If it is neither, JSON without rows, or larger than is read.
    """
    if not is_json(file):
        return file.csv
    columns: dict[str, None] = {}
    n_chars = 0
    for row in _rows(_objects(file.content)):
        columns.update(dict.fromkeys(row))
        n_chars += sum(map(len, row.values())) + len(columns)
        if len(columns) > MAX_COLUMNS or n_chars > MAX_TABLE_CHARS:
            rule = f"JSON of rows has at most {MAX_COLUMNS} keys and {MAX_TABLE_CHARS} characters"
            raise FileRefused(f"{rule}, this has more: split it")
    if not columns:
        raise FileRefused("it is JSON without rows: a list of objects, or objects that hold such lists")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in _rows(_objects(file.content)):
        writer.writerow([row.get(name, "") for name in columns])
    table = csv_of_content(Content.of(text.getvalue().encode()), file.name, file.dates)
    return replace(table, sha256=file.sha256, notes=("read as JSON",))


def _objects(content: Content) -> Iterator[Any]:
    """Yield the elements of a list one by one, or the one object that a file is.

    Raises
    ------
    FileRefused
        If it is no JSON, or an element is too large.
    """
    with content.text("utf-8-sig", "replace") as stream:
        text = stream.read(MAX_OBJECT_CHARS).lstrip()
        try:
            if text.startswith("{"):
                if stream.read(1):
                    raise FileRefused(f"an object has at most {MAX_OBJECT_CHARS} characters, this has more")
                yield json.loads(text)
            else:
                yield from _elements(text, stream)
        except (ValueError, RecursionError) as error:
            raise FileRefused(f"it begins as JSON and is none: {str(error)[:80]}") from None


def _elements(text: str, stream: io.TextIOWrapper) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    at = 1
    while True:
        found = _BETWEEN.match(text, at)
        at = found.end() if found else at
        if at < len(text) and text[at] == "]":
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            more = stream.read(MAX_OBJECT_CHARS)
            if not more or len(text) - at > MAX_OBJECT_CHARS:
                raise
            text, at = text[at:] + more, 0
            continue
        yield value


def _rows(elements: Iterable[Any]) -> Iterator[Row]:
    """Yield the rows; objects of one key each are a row until a key comes again."""
    row: Row = {}
    for element in elements:
        if _has_one_value(element):
            name, value = next(iter(element.items()))
            if name in row:
                yield row
                row = {}
            row[name] = _text(value)
            if len(row) > MAX_COLUMNS:
                break
        else:
            yield from _flat(element, {}, 0)
    if row:
        yield row


def _has_one_value(one: Any) -> bool:
    return isinstance(one, dict) and len(one) == 1 and not isinstance(next(iter(one.values())), dict | list)


def _flat(value: Any, above: Row, depth: int) -> Iterator[Row]:
    """Yield the rows of a value: objects that hold no others, with what the objects above them say."""
    if depth > MAX_DEPTH:
        raise FileRefused(f"JSON of rows is at most {MAX_DEPTH} deep")
    if isinstance(value, list):
        for one in value:
            yield from _flat(one, above, depth + 1)
    elif isinstance(value, dict):
        own = {name: _text(one) for name, one in value.items() if not isinstance(one, dict | list)}
        within = [one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], dict)]
        if within:
            for one in within:
                yield from _flat(one, above | own, depth + 1)
        elif above or own:
            yield above | own


def _text(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())
