"""What parallel work is: pieces by name, each over the same data, which may hand out parts of its own."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

T = TypeVar("T")
Result = TypeVar("Result")
Argument = TypeVar("Argument")


class Data(Generic[T]):
    """The value that work is on (the races, say), the same in every process."""

    def __init__(self, value: T) -> None:
        self.value = value
        self.made: dict[Any, Any] = {}
        """What this process has made of the value, for the parts to come; it stays in the process."""
        self.on_step: Callable[[], None] = lambda: None
        """Called by a long function after each of its steps; in other processes it reports nothing."""

    def each(
        self, function: Callable[["Data[T]", Argument], Result], arguments: Sequence[Argument]
    ) -> list[Result]:
        """Return the function of the data and each argument; side by side where the engine can.

        The function may run in another process, twice if a worker ends in the middle: its result hangs on
        the value and the argument alone.
        """
        return [function(self, argument) for argument in arguments]

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (self.value,)

    def __sizeof__(self) -> int:
        """Return the bytes of the arrays, by which Dask decides what to keep in memory."""
        return 64 + sum(_n_bytes(part) for part in _parts(self.value))


Work = Callable[[str, Data[Any], Callable[[Any], None]], Any]
"""One piece, given its name, the data, and the callback for each step done."""

Run = Callable[[Sequence[str], Work, Callable[[Any], None]], dict[str, Any]]
"""Returns the result of the work on each name, begun in their order; steps are reported as they end."""


def _received(value: T) -> Data[T]:
    """Return data that came from elsewhere; its arrays can be written to, as some libraries want."""
    if is_dataclass(value) and not isinstance(value, type):
        arrays = {field.name: getattr(value, field.name) for field in fields(value)}
        locked = {
            name: array.copy()
            for name, array in arrays.items()
            if isinstance(array, np.ndarray) and not array.flags.writeable
        }
        value = replace(value, **locked)
    return Data(value)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    if is_dataclass(value):
        return (getattr(value, field.name) for field in fields(value))
    return (value,)


def _n_bytes(part: Any) -> int:
    with contextlib.suppress(AttributeError):
        return int(part.nbytes)
    return len(part) if isinstance(part, bytes) else 64
