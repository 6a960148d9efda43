"""Each example against a real service: what it prints, and what it says where the service says no."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.builders import RunningService, make_registry, open_registry, running_service

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "predict.sh": ["sh", "examples/predict.sh"],
    "predict.py": [sys.executable, "examples/predict.py"],
    "predict.mjs": ["node", "examples/predict.mjs"],
}
WATCH = [sys.executable, "examples/watch_champion.py"]


def environment(url: str) -> dict[str, str]:
    return os.environ | {"GREYHOUND_URL": url, "PYTHONPATH": str(ROOT), "EVERY_S": "0.05"}


def run(example: str, url: str) -> subprocess.CompletedProcess[str]:
    command = COMMANDS[example]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed, so examples/{example} is not run")
    return subprocess.run(
        command, cwd=ROOT, env=environment(url), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(make_registry(tmp_path_factory.mktemp("registry"))) as running:
        yield running


@pytest.fixture(scope="module")
def without_champion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(make_registry(tmp_path_factory.mktemp("registry"), promote=None)) as running:
        yield running


def test_every_example_is_run() -> None:
    files = {file.name for file in (ROOT / "examples").iterdir() if file.is_file()}
    assert files == {*COMMANDS, "watch_champion.py"}


@pytest.mark.parametrize("example", COMMANDS)
def test_an_example_prints_the_probabilities_of_its_card(service: RunningService, example: str) -> None:
    done = run(example, service.url)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    if example == "predict.sh":
        runners = json.loads(done.stdout)["runners"]
        assert [runner["name"] for runner in runners] == ["Sir Tick", "Nala's Ghost", "Quiet Harbour"]
    else:
        assert done.stdout.startswith("model version 1")
        assert "Quiet Harbour" in done.stdout
        percents = [float(line.split("%")[0].split()[-1]) for line in done.stdout.splitlines()[1:4]]
        assert percents == sorted(percents, reverse=True)
        assert sum(percents) == pytest.approx(100, abs=0.2)


@pytest.mark.parametrize("example", COMMANDS)
def test_an_example_says_why_the_service_says_no(without_champion: RunningService, example: str) -> None:
    done = run(example, without_champion.url)
    assert done.returncode != 0
    assert "No model is loaded" in done.stdout + done.stderr


@pytest.mark.parametrize("example", COMMANDS)
def test_an_example_says_that_nobody_is_there(example: str) -> None:
    done = run(example, "http://127.0.0.1:9")
    assert done.returncode != 0
    assert "127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_new_champion_is_seen_while_one_watches(tmp_path: Path) -> None:
    registry = make_registry(tmp_path, exponents=(1.0, 2.0))
    with running_service(registry) as service:
        watching = subprocess.Popen(
            WATCH,
            cwd=ROOT,
            env=environment(service.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert watching.stdout is not None
            assert watching.stdout.readline() == "version 1 serves (Handmade, 3 features)\n"
            open_registry(registry).promote(2, reason="a test wants it", by="test")
            assert watching.stdout.readline() == "version 2 serves (Handmade, 3 features)\n"
            watching.send_signal(signal.SIGINT)
            _, errors = watching.communicate(timeout=60)
            assert (watching.returncode, errors) == (0, "")
        finally:
            watching.kill()
            watching.communicate()
