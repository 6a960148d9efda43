"""An empty MLflow registry: its migrations take seconds, so one process runs them for all of a test run."""

import atexit
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from model_registry import get_model_registry
from model_registry.registry import ModelRegistry

_FOLDER, _OWNER = "FOLDER_OF_ALL_TEST_PROCESSES", "OWNER_OF_THE_FOLDER"


def share_a_folder() -> Path:
    """Return a folder that this process shares with those that it starts, gone when it ends."""
    if _FOLDER not in os.environ:
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="tests-")
        os.environ[_OWNER] = str(os.getpid())
        atexit.register(shutil.rmtree, os.environ[_FOLDER], ignore_errors=True)
    return Path(os.environ[_FOLDER])


def owner_of_the_folder() -> int:
    """Return the process that made the shared folder, and with whose end it goes."""
    return int(os.environ[_OWNER])


def empty_registry_in(folder: Path) -> ModelRegistry:
    """Return a registry without versions, ``mlflow.db`` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(empty_registry_file(), folder / "mlflow.db")
    return get_model_registry(f"sqlite:///{folder / 'mlflow.db'}")


def empty_registry_file() -> Path:
    """Return the file that is copied."""
    shared = share_a_folder()
    file, draft = shared / "mlflow.db", shared / "draft.db"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            assert get_model_registry(f"sqlite:///{draft}", create=True).versions() == []
            draft.rename(file)
    return file
