"""A wall clock that is off, for processes that are started with it; waiting takes as long as ever."""

import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("shifted.c")


def can_be_shifted() -> bool:
    """Return whether this machine can make such a clock."""
    return shutil.which("cc") is not None and sys.platform.startswith("linux")


def make_clock(folder: Path) -> dict[str, str]:
    """Compile the clock into a folder, and return the environment of processes that are to go by it.

    ``CLOCK_OFFSET_S`` in their environment is how many seconds it is off; what the file ``CLOCK_OFFSET_FILE``
    says at any moment is added.
    """
    library = folder / "clock.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}
