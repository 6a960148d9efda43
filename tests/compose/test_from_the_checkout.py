"""`docker compose up` without an engine: the same commands and settings, run from this environment."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from model_registry import get_model_registry
from tests.compose.plan import ROOT, Part
from tests.compose.story import everything, tell

PROGRAMS = {
    "greyhound": [sys.executable, "-c", "from greyhound.cli import main; main()"],
    "mlflow": [sys.executable, "-m", "mlflow"],
}
#: Where the images have their files.
PLACES = {"/etc/haproxy/haproxy.cfg": str(ROOT / "deploy/haproxy/haproxy.cfg")}


def test_one_command_fills_trains_serves_shows_and_follows_a_promotion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    haproxy = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if not haproxy:
        pytest.skip("haproxy is not installed (Debian: apt install haproxy)")

    def launch(part: Part, command: Sequence[str]) -> tuple[list[str], dict[str, str], Path]:
        folder = tmp_path / (part.volume or part.name)
        folder.mkdir(exist_ok=True)
        program, *arguments = part.command
        line = [*PROGRAMS.get(program, [haproxy]), *(command or arguments)]
        settings = {name: value.replace("/data", str(folder)) for name, value in part.environment.items()}
        base = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
        base |= {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        return [PLACES.get(part, part) for part in line], base | settings, folder

    small = {"GREYHOUND_FIRST_RACES": "250", "GREYHOUND_FIRST_TRIALS": "1"}
    small |= {"GREYHOUND_FIRST_FAMILIES": "logistic_regression"}
    with everything(tmp_path, launch, seconds=400, **small) as parts:

        def register_another() -> None:
            monkeypatch.chdir(tmp_path)  # artifacts that a server sends are cached below
            registry = get_model_registry(parts.plan.url("mlflow"))
            registry.register(registry.fetch(1))

        tell(parts, register_another)
