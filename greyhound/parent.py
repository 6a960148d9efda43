"""The end of a process with the one that started it, however that ended."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import click

until_stdin_closes_option: Callable[..., Any] = click.option(
    "--until-stdin-closes",
    "has_parent",
    is_flag=True,
    hidden=True,
    help="End with the process that started this one and holds the other end of standard input.",
)


def end_with_parent() -> None:
    """Stop this process as SIGTERM does once standard input closes; returns at once."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    # Not by sys.stdin: its lock, held by a thread that waits, is a fatal error when the interpreter ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
