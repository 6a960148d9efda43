"""Long work of automation in a process of its own, so that no answer waits for the interpreter."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

MAX_S = 3 * 3600.0  # the first time it does all that was never done

_BEGIN = """
import json, os, sys
os.nice(10)
from racing.database.engine import open_database
given = json.loads(sys.stdin.readline())
engine = open_database(given["database"])
"""


def run_in_own_process(program: str, engine: Engine, given: Mapping[str, Any]) -> list[str]:
    """Run a program that finds ``engine`` and ``given``, and return the lines that it prints.

    Raises
    ------
    RuntimeError
        If it fails; with the end of what it complained of.
    subprocess.TimeoutExpired
        If it takes longer than three hours.
    """
    # Not in its arguments, which every user of the machine may read: the address may hold a password.
    address = engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + program],
        input=json.dumps({"database": address, **given}) + "\n",
        capture_output=True,
        text=True,
        timeout=MAX_S,
        process_group=0,  # Ctrl-C is for the service; work that is under way ends by itself
    )
    if done.returncode:
        raise RuntimeError(f"it failed in a process of its own: {done.stderr.strip()[-300:]}")
    return done.stdout.splitlines()
