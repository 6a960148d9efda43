"""What a server to be compared with is: where it comes from, how it starts, how requests to it look."""

import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Rows = Sequence[Sequence[float | None]]
"""A row a runner, a column a feature; ``None`` is unknown."""

ENVIRONMENTS = Path("var/bench/peers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a server is started with."""

    port: int
    artifact: Path
    """The model's directory: ONNX graphs and JSON."""
    pyfunc: Path
    """The same as MLflow keeps it."""
    registry: str
    folder: Path
    """Of its own, to write to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One server."""

    name: str
    command: Callable[[Place], Sequence[str]]
    """What follows ``python``."""
    path: str
    body: Callable[[Sequence[str], Rows], Any]
    """A request, given the features' names and rows."""
    answer: Callable[[Any], Sequence[float]]
    """The win probabilities in what it answered."""
    requirements: tuple[str, ...] = ()
    """What pip installs; none means our own environment."""
    settings: Callable[[Place], Mapping[str, str]] = field(default=lambda place: {})
    takes_features: bool = True
    """It is given the features ready-made, else the card with the dogs' form."""

    def python(self) -> str:
        """Return the Python of its environment, made on demand."""
        if not self.requirements:
            return sys.executable
        folder = ENVIRONMENTS / self.requirements[0].partition("[")[0].partition("=")[0]
        python, installed = folder / "bin" / "python", folder / "installed.txt"
        wanted = "\n".join(self.requirements)
        if not installed.exists() or installed.read_text() != wanted:
            print(f"installing {', '.join(self.requirements)} in {folder}", file=sys.stderr)
            venv.create(folder, with_pip=True, clear=True)
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *self.requirements], check=True)
            installed.write_text(wanted)
        return str(python.absolute())
