"""The same from images that are built here: minutes, so only `make check-images` asks for it."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from greyhound.errors import GATES_NOT_PASSED
from tests.compose.images import STAGES, build, builder, in_image
from tests.compose.plan import Part
from tests.compose.story import everything, tell

pytestmark = [
    pytest.mark.skipif("GREYHOUND_CHECK_IMAGES" not in os.environ, reason="make check-images builds images"),
    pytest.mark.timeout(3600),
]

#: Prints what the user may write to, besides what is there to be written to, and what installs or compiles.
LOOK = """
import os, shutil
MEANT = {"/proc", "/sys", "/dev", "/run", "/data", "/tmp", "/var/tmp"}
found = []
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in MEANT]
    paths = [os.path.join(folder, name) for name in (*folders, *files)]
    found += [path for path in paths if os.access(path, os.W_OK) and not os.path.islink(path)]
print("uid", os.getuid())
print("writable", found)
print("programs", [name for name in ("pip", "pip3", "gcc", "cc", "make") if shutil.which(name)])
"""


@pytest.fixture(scope="module")
def program() -> str:
    """Return what runs images, all of them built: now, or before (``GREYHOUND_CHECK_IMAGES=built``)."""
    found = builder()
    if os.environ["GREYHOUND_CHECK_IMAGES"] != "built":
        for stage in STAGES:
            build(found, stage)
    return found


def run(program: str, stage: str, *command: str, **environment: str) -> str:
    line = in_image(program, f"greyhound-{stage}", environment, command)
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("stage", STAGES)
def test_an_image_has_a_user_without_rights_and_nothing_that_installs_or_compiles(
    program: str, stage: str
) -> None:
    output = run(program, stage, "python", "-c", LOOK).splitlines()
    assert output == ["uid 10001", "writable []", "programs []"]


def test_images_that_read_models_have_compiled_kernels(program: str) -> None:
    for stage in ("service", "training"):
        output = run(program, stage, "python", "-c", "import racing.ops as k; print(k.IS_COMPILED)")
        assert output.strip() == "True"


def test_the_training_image_simulates_and_trains_every_family(program: str) -> None:
    output = run(program, "training", "greyhound", "prepare", "--races", "300", "--trials", "1")
    assert "SIMULATED: 300 races" in output
    assert "Champion: version 1" in output


def test_one_command_fills_trains_serves_shows_and_follows_a_promotion(program: str, tmp_path: Path) -> None:
    def launch(part: Part, command: Sequence[str]) -> tuple[list[str], dict[str, str], Path]:
        line = [part.command[0], *(command or part.command[1:])]
        return in_image(program, part.image, part.environment, line), dict(os.environ), tmp_path

    small = {"GREYHOUND_FIRST_RACES": "300", "GREYHOUND_FIRST_TRIALS": "1"}
    small |= {"GREYHOUND_FIRST_FAMILIES": "logistic_regression"}
    with everything(tmp_path, launch, seconds=600, **small) as parts:

        def register_another() -> None:
            one = ("--families", "logistic_regression", "--trials", "2", "--no-promote")
            parts.run("training", "train", *one, codes=(0, GATES_NOT_PASSED))

        tell(parts, register_another)
