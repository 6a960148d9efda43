"""Commands that answer at once import nothing that takes seconds; imports are compared, not times."""

import json
import os
import subprocess
import sys

import pytest

from tests.service.builders import make_card, make_registry

SLOW = (
    "catboost",
    "fastapi",
    "imblearn",
    "matplotlib",
    "mlflow",
    "optuna",
    "pandas",
    "scipy",
    "sklearn",
    "xgboost",
)
RUN = """
import sys
from greyhound.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print(end.code, sorted(set(sys.modules) & set({slow})), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("stores")
    (folder / "card.json").write_text(json.dumps(make_card()))
    stores = {
        "GREYHOUND_DATABASE": f"sqlite:///{folder}/races.db",
        "GREYHOUND_REGISTRY": make_registry(folder),
    }
    season = ["simulate", "--races", "40", "--from", "2026-01-01", "--until", "2026-01-10"]
    command = [sys.executable, "-m", "greyhound", *season]
    subprocess.run(command, env=os.environ | stores, check=True, capture_output=True)
    return stores | {"CARD": f"{folder}/card.json"}


@pytest.mark.parametrize(
    "command",
    [
        "--version",
        "models list",
        "models list --json",
        "models show champion",
        "predict CARD",
        "predict CARD --json",
        "import list",
        "keys list",
        "predictions list",
        "up --help",
        "serve --help",
        "frontend --help",
        "models --help",
        "predict --help",
        "predictions --help",
    ],
)
def test_a_quick_command_imports_nothing_slow(stores: dict[str, str], command: str) -> None:
    arguments = [part if part != "CARD" else stores["CARD"] for part in command.split()]
    code = RUN.format(slow=SLOW)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=os.environ | stores, capture_output=True, text=True
    )
    assert done.stderr.splitlines()[-1] == "0 []", done.stderr
