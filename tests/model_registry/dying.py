"""A promoter that is killed when it has written its record, before it moves the alias."""

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
import os, signal, sys
from model_registry import get_model_registry
from model_registry.registry import ModelRegistry

ModelRegistry._set_alias = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
get_model_registry(sys.argv[1]).promote(int(sys.argv[2]), reason="a promoter that dies", by="the dead")
"""


def die_promoting(uri: str, version: int, *, cwd: Path) -> None:
    """Promote a version, and be killed between the record and the alias."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    done = subprocess.run(
        [sys.executable, "-c", CODE, uri, str(version)], cwd=cwd, env=environment, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
