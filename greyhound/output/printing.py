r"""The one way to print: nothing that a command prints steers the terminal it is printed on.

Names come from strangers' files, cards and registries. A control character in one is printed as an escape
such as ``\x1b`` (:func:`racing.domain.plain_text.visible`), in JSON as ``\u001b``; tables and colours are
those of :mod:`greyhound.output.console`. Ruff refuses any other way to print.
"""

import datetime as dt
import json
import math
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from io import TextIOBase
from types import TracebackType
from typing import Any, TextIO


class CleanStream(TextIOBase):
    """A text stream that writes to another what :func:`~racing.domain.plain_text.visible` makes of each text.

    It has no ``buffer``, by which click would write past it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        # Where rich's own consoles write: they clean what they show, and colours must get through.
        self.rich_proxied_file = getattr(stream, "rich_proxied_file", stream)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Return the encoding of the stream below."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """Return how the stream below treats what its encoding lacks."""
        return self._stream.errors

    def write(self, text: str) -> int:
        """Write a text, and return its length as it was given."""
        self._stream.write(clean(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream below."""
        self._stream.flush()

    def fileno(self) -> int:
        """Return the file descriptor of the stream below."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Return whether a terminal shows it."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def close(self) -> None:
        """Leave the stream below open: it belongs to others."""


def say(text: str, *, err: bool = False) -> None:
    """Print a line on standard output, or on standard error."""
    print(clean(text), file=sys.stderr if err else sys.stdout, flush=True)


def shown(name: str) -> str:
    """Return a name as one line shows it, whatever it holds."""
    from racing.domain.plain_text import visible

    return visible(name, is_one_line=True)


def print_json(value: Any) -> None:
    """Print a value as one JSON object; dates in ISO form, unknown numbers (NaN) as null."""
    from racing.domain.plain_text import json_escaped

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


@contextmanager
def clean_output() -> Iterator[None]:
    """Let standard output and error be clean until the block ends, for libraries and warnings too."""
    before = sys.stdout, sys.stderr
    for stream in before:
        with suppress(AttributeError, ValueError):  # a terminal's encoding may lack a letter of a name
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stdout, sys.stderr = CleanStream(before[0]), CleanStream(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def print_trace(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a trace as the interpreter does at its end, but clean; it can stand for ``sys.excepthook``."""
    with clean_output():
        traceback.print_exception(kind, error, trace)


def leave_broken_pipe() -> None:
    """Let what is still to be printed go nowhere, as the reader has left, so that no trace follows."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def clean(text: str) -> str:
    """Return a text with an escape for each control character but line feeds and tabs."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    from racing.domain.plain_text import visible  # `greyhound --help` imports no package of ours

    return visible(text)
