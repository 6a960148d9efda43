"""The same work on each of many months, here or on the workers of a Dask scheduler."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from training.engines.engine import Engine, run_side_by_side
from training.engines.work import Data

Value = TypeVar("Value")
Argument = TypeVar("Argument")
Result = TypeVar("Result")


def over_months(
    value: Value,
    scheduler: str | None,
    function: Callable[[Data[Value], Argument], Result],
    arguments: Mapping[str, Argument],
    report: Callable[[int, int], None],
) -> dict[str, Result]:
    """Return the function's result for each month, given the value and the month's argument."""
    done: list[str] = []

    def on_month(month: str) -> None:
        done.append(month)
        report(len(done), len(arguments))

    work = partial(_month, function, dict(arguments))
    engine = Engine(scheduler=scheduler, n_jobs=1)
    return run_side_by_side(list(arguments), work, value, engine, on_month)


def _month(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    month: str,
    data: Data[Any],
    on_month: Callable[[str], None],
) -> Any:
    (result,) = data.each(function, [arguments[month]])
    on_month(month)
    return result
