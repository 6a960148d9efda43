"""JSON of rows as the CSV file that it would be: one column a key, rows in their order.

A list of objects is a row each; objects that hold lists of objects (a meeting its races, a race its traps)
hand their own values down to each of them. A list of objects with one key each, as Topaz documents its bulk
runs, is a row until a key comes again.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content
from racing.importers.files.csv_file import CsvFile, csv_of_content
from racing.importers.files.input_file import InputFile

MAX_BYTES = 48 * 1024 * 1024  # parsed it takes ten times as much; a month of Topaz's has 30
MAX_COLUMNS = 300
MAX_DEPTH = 6

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
        If it is neither, or JSON without rows.
    """
    if not is_json(file):
        return file.csv
    raw = b"".join(_bounded(file.content))
    try:
        rows = list(_rows(json.loads(raw.decode("utf-8-sig"))))
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"it begins as JSON and is none: {str(error)[:80]}") from None
    if not rows:
        raise FileRefused("it is JSON without rows: a list of objects, or objects that hold such lists")
    header = list(dict.fromkeys(name for row in rows for name in row))
    if len(header) > MAX_COLUMNS:
        raise FileRefused(f"a row has at most {MAX_COLUMNS} keys, got {len(header)}")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([row.get(name, "") for name in header] for row in rows)
    content = Content.of(text.getvalue().encode())
    table = csv_of_content(content, file.name, file.dates)
    return replace(table, sha256=file.sha256, delimiter=",", notes=("read as JSON",))


def _bounded(content: Content) -> Iterator[bytes]:
    n_bytes = 0
    for chunk in content.chunks():
        n_bytes += len(chunk)
        if n_bytes > MAX_BYTES:
            rule = f"JSON has at most {MAX_BYTES // 1024 // 1024} MiB, this has more"
            raise FileRefused(f"{rule}; split it, or export it as CSV")
        yield chunk


def _rows(value: Any) -> Iterator[Row]:
    if isinstance(value, list) and len(value) > 1 and all(_has_one_value(one) for one in value):
        yield from _from_single_keys(value)
    else:
        yield from _flat(value, {}, 0)


def _has_one_value(one: Any) -> bool:
    return isinstance(one, dict) and len(one) == 1 and not isinstance(next(iter(one.values())), dict | list)


def _from_single_keys(objects: list[dict[str, Any]]) -> Iterator[Row]:
    row: Row = {}
    for one in objects:
        name, value = next(iter(one.items()))
        if name in row:
            yield row
            row = {}
        row[name] = _text(value)
    yield row


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
        else:
            yield above | own


def _text(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())
