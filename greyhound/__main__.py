"""``python -m greyhound``: the command, where it is not on the path."""

import atexit
import os
import sys

from greyhound.cli import INTERRUPTED, main


@atexit.register  # what is registered first runs last
def _leave_as_interrupted() -> None:
    """End with the exit code of an interrupt, where CPython would end by the signal itself.

    A module that ``-m`` runs is ended so, whatever code it exits with, once a Ctrl-C went through the
    ``exec`` of a text: a dataclass or a named tuple that was being made.
    """
    if _exit_code == INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:  # nobody reads it any more
                continue
        os._exit(INTERRUPTED)


_exit_code: object = None
try:
    main()
except SystemExit as ended:
    _exit_code = ended.code
    raise
