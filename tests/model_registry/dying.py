"""A promoter that is killed when it has written its record, before or after it moves the alias."""

import signal
from pathlib import Path

from tests.forkserver import ROOT, run_python

CODE = """
import os, signal, sys
from model_registry import get_model_registry
from model_registry.mlflow_store.writers import ClientWriter, DatabaseWriter

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[3] == "before":
    ClientWriter.set_alias = DatabaseWriter.set_alias = die
else:
    ClientWriter.delete_alias = DatabaseWriter.delete_alias = die
get_model_registry(sys.argv[1]).promote(int(sys.argv[2]), reason="a promoter that dies", by="the dead")
"""


def die_promoting(uri: str, version: int, *, cwd: Path, when: str = "before") -> None:
    """Promote a version, and be killed ``"before"`` the alias moves or ``"after"`` it."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    done = run_python(CODE, [uri, str(version), when], imported="service", cwd=cwd, env=environment)
    assert done.returncode == -signal.SIGKILL, done.stderr
