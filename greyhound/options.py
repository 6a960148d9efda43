"""Options that several commands share; this imports of our packages greyhound alone (front end's image)."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from greyhound.output.progress import DRAW_BAR

DEFAULT_DATABASE = "sqlite:///var/greyhound.db"
DEFAULT_REGISTRY = "sqlite:///var/mlflow.db"

Command = TypeVar("Command", bound=Callable[..., Any])


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


class Names(click.ParamType[tuple[str, ...]]):
    """Some of a set of names, separated by commas; ``all`` is every one where it is allowed."""

    ALL = "all"

    def __init__(self, what: str, choices: Iterable[str], *, has_all: bool = False) -> None:
        self.name = what
        self._choices = tuple(choices)
        self._has_all = has_all

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names, or fail with those there are."""
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        allowed = (*self._choices, *([self.ALL] if self._has_all else ()))
        if not names or not set(names) <= set(allowed):
            one = f"{self.ALL} or one of" if self._has_all else "one of"
            self.fail(f"a {self.name} is {one} {', '.join(self._choices)}, got {value!r}", param, ctx)
        return self._choices if self.ALL in names else names


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


def scheduler_option(*, required: bool = False) -> Callable[[Command], Command]:
    """Return the option of which Dask scheduler to work with."""
    return click.option(
        "--scheduler",
        metavar="URL",
        envvar="GREYHOUND_SCHEDULER",
        required=required,
        show_envvar=True,
        help="The Dask scheduler, tcp://host:8786.",
    )


def engine_options(command: Command) -> Command:
    """Add the options of where parallel work is done."""
    engine = click.option(
        "--engine",
        "engine_name",
        type=click.Choice(["local", "dask"]),
        default="local",
        envvar="GREYHOUND_ENGINE",
        show_default=True,
        show_envvar=True,
        help="Where the work is done: processes here, or the workers of a Dask scheduler.",
    )
    return engine(scheduler_option()(command))


def engine_scheduler(engine: str, scheduler: str | None) -> str | None:
    """Return the scheduler that an engine's options mean, ``None`` for processes here."""
    if engine == "local":
        return None
    if not scheduler:
        raise click.UsageError("--engine dask needs --scheduler URL (or GREYHOUND_SCHEDULER)")
    return scheduler


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
    callback=lambda ctx, _, value: ctx.meta.__setitem__(DRAW_BAR, value),
    help="Draw the bar even where standard error is no terminal. Else it gets lines of each stage: when "
    "it begins and ends, and how far it is, at most every 30 s (GREYHOUND_PROGRESS_INTERVAL_S).",
)


def search_options(command: Command) -> Command:
    """Add what a search chooses, and where and how many at a time its trials are made and stored."""
    best = click.option(
        "--best",
        is_flag=True,
        help="Choose the candidate of the smallest loss, whatever it costs to score, with three nets of the "
        "family field_net instead of one; by default the cheapest within a standard error of the smallest.",
    )
    storage = click.option(
        "--storage",
        metavar="URL",
        envvar="GREYHOUND_SEARCH_STORAGE",
        show_envvar=True,
        help="Database of the search's trials (Optuna), so that it can be resumed on another machine; by "
        "default a file beside the registry.",
    )
    at_once = click.option(
        "--trials-at-once",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        help="Trials of a family begun together: work for more workers, each a little less well chosen. "
        "Another number finds another model.",
    )
    return best(storage(at_once(engine_options(command))))
