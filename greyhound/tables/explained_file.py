"""What an import would make of a file, as lines and a table."""

import datetime as dt
from typing import Any

from rich.table import Table

from greyhound.output.console import console
from greyhound.output.printing import say, shown
from greyhound.tables.import_report import N_KINDS_SHOWN, problem_kind
from racing.importers.explain import ExplainedFile

_UNITS = {"s": "s", "m": "m", "kg": "kg"}


def explained_json(explained: ExplainedFile) -> dict[str, Any]:
    """Return it as ``--json`` prints it."""
    return {
        name: getattr(explained, name)
        for name in ExplainedFile.__dataclass_fields__
        if name not in ("problem_kinds",)
    } | {"problem_kinds": [problem_kind(kind) for kind in explained.problem_kinds]}


def print_explained(explained: ExplainedFile) -> None:
    """Print what the file is, its columns, its first records, and what would be refused."""
    say(shown(explained.file))
    if explained.taken_as:
        say(f"  taken for {explained.taken_as} (--as {explained.name}), {explained.why}")
    if explained.columns_read:
        say(f"  columns read: {shown(', '.join(explained.columns_read))}")
    if explained.columns_unknown:
        say(f"  columns not read: {shown(', '.join(explained.columns_unknown))}")
    if explained.columns_absent:
        say(f"  columns it could have: {', '.join(explained.columns_absent)}")
    if explained.left_out:
        say(f"  left out: {', '.join(f'{n} {shown(what)}' for what, n in explained.left_out.items())}")
    for note in explained.notes:
        say(f"  {note}")
    if explained.refusal:
        say(f"  refused: {shown(explained.refusal)}")
        return
    empty = f", {explained.n_empty} of empty boxes" if explained.n_empty else ""
    say(
        f"  {explained.n_read} rows: {explained.n_records} runs in {explained.n_races} races, "
        f"{explained.n_refused} refused{empty}"
    )
    if explained.records:
        console.print(_table(explained.records))
    for kind in explained.problem_kinds[:N_KINDS_SHOWN]:
        say(f"  {shown(str(kind))}")


def _table(records: list[dict[str, Any]]) -> Table:
    """Return the records as columns, a fact a row: they have more facts than a terminal has columns."""
    names = list(dict.fromkeys(name for record in records for name in record))
    table = Table("", *(f"line {record['line']}" for record in records), box=None, padding=(0, 1, 0, 0))
    for name in names:
        if name != "line":
            table.add_row(_heading(name), *(_written(record.get(name)) for record in records))
    return table


def _heading(name: str) -> str:
    """Return a fact's name with its unit: ``time_s`` is ``time (s)``."""
    what, _, unit = name.rpartition("_")
    return f"{what.replace('_', ' ')} ({_UNITS[unit]})" if what and unit in _UNITS else name.replace("_", " ")


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return shown(f"{value:g}" if isinstance(value, float) else str(value))
