"""Options that several commands share, and how all of them talk: progress, JSON, tables."""

import datetime as dt
import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import Any, TypeVar

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from greyhound.console import CleanConsole
from greyhound.printing import clean_output, say
from greyhound.progress_lines import ProgressLines, interval_s
from racing.domain.plain_text import json_escaped
from racing.importers.files.dates import DateOrder

DEFAULT_DATABASE = "sqlite:///var/greyhound.db"
DEFAULT_REGISTRY = "sqlite:///var/mlflow.db"

Command = TypeVar("Command", bound=Callable[..., Any])
Report = Callable[..., None]
"""``report(n_done, n_total=None)``: how far the work is, in all, not since the last call."""


class Day(click.ParamType[dt.date]):
    """A day, written ``2026-01-31``."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """Return the day, or fail with the rule and the value."""
        if isinstance(value, dt.date):
            return value
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d").date()  # no weeks, no 20260131
        except ValueError:
            self.fail(f"a date is written YYYY-MM-DD, got {value!r}", param, ctx)


database_option = click.option(
    "--database",
    metavar="URL",
    envvar="GREYHOUND_DATABASE",
    default=DEFAULT_DATABASE,
    show_default=True,
    show_envvar=True,
    help="The race database.",
)
registry_option = click.option(
    "--registry",
    metavar="URL",
    envvar="GREYHOUND_REGISTRY",
    default=DEFAULT_REGISTRY,
    show_default=True,
    show_envvar=True,
    help="The MLflow registry: a database or a tracking server.",
)


def host_option(variable: str) -> Callable[[Command], Command]:
    """Return the option of where to listen, which a variable of the environment sets too."""
    return click.option(
        "--host",
        default="127.0.0.1",
        envvar=variable,
        show_default=True,
        show_envvar=True,
        help="Address to listen on; 0.0.0.0 for all.",
    )


def port_option(
    variable: str, default: int, *, name: str = "--port", what: str = "Port"
) -> Callable[[Command], Command]:
    """Return the option of a port to listen on, which a variable of the environment sets too."""
    return click.option(
        name,
        type=click.IntRange(0, 65_535),
        default=default,
        envvar=variable,
        show_default=True,
        show_envvar=True,
        help=f"{what}; 0 takes a free one.",
    )


def address_of(host: str, port: int) -> str:
    """Return where a browser of this machine finds what listens there."""
    if host in ("127.0.0.1", "0.0.0.0", "::", "::1"):
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object on standard output, and nothing else there.",
)
progress_option = click.option(
    "--progress",
    is_flag=True,
    expose_value=False,
    callback=lambda ctx, _, value: ctx.meta.__setitem__(__name__, value),
    help="Draw the bar even where standard error is no terminal. Else lines tell there of each stage: when "
    "it begins and ends, and how far it is, at most every 30 s (GREYHOUND_PROGRESS_INTERVAL_S).",
)


@contextmanager
def progress(description: str, total: float | None = None) -> Iterator[Report]:
    """Show on standard error how far a stage is, and give the function that says so.

    A bar on a terminal or under ``--progress`` (:data:`progress_option`), which leaves no trace when done;
    elsewhere :class:`~greyhound.progress_lines.ProgressLines`.
    """
    context = click.get_current_context(silent=True)
    is_drawn = context is not None and bool(context.meta.get(__name__))
    if not (is_drawn or sys.stderr.isatty()):
        lines = ProgressLines(description, total, interval_s=interval_s())
        is_done = False
        try:
            yield lines.report
            is_done = True
        finally:
            lines.end(is_done=is_done)
        return
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        # Asked for, it is drawn into a log too.
        console=CleanConsole(stderr=True, force_terminal=is_drawn or None),
        transient=True,
    )
    with bar, clean_output():  # rich puts streams of its own before ours while it draws
        task = bar.add_task(description, total=total)

        def report(n_done: float, n_total: float | None = None) -> None:
            bar.update(task, completed=n_done, total=total if n_total is None else n_total)

        yield report


def print_json(value: Any) -> None:
    """Print a value as one JSON object; dates in ISO form, unknown numbers (NaN) as null."""
    say(json_escaped(json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False)))


def _plain(value: Any) -> Any:
    """Return a value of JSON's own types; numpy scalars and arrays know ``tolist``."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else str(value)


dates_option = click.option(
    "--dates",
    type=click.Choice([order.value for order in DateOrder if order != DateOrder.DEFAULT]),
    callback=lambda _ctx, _param, value: DateOrder(value or DateOrder.DEFAULT),
    help="How dates such as 03/04/2026 are written; auto: as other dates of the same file tell. Without it "
    "they are day-first, and a file with one that cannot be that is refused.",
)
