"""Images built from the Dockerfile, and commands run in them, by Docker or another builder.

``GREYHOUND_BUILD_IMAGE`` names a program in Docker's place, for machines without an engine::

    PROGRAM TAG --target STAGE FOLDER                  build an image
    PROGRAM --run TAG NAME=VALUE ... -- COMMAND ...    run a command in it, in the network of this machine
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

import pytest

from tests.compose.plan import ROOT

STAGES = ("service", "training", "frontend", "haproxy")


def builder() -> str:
    """Return the program in Docker's place, or "docker"; skip where neither can build."""
    program = os.environ.get("GREYHOUND_BUILD_IMAGE", "docker")
    if not shutil.which(program):
        pytest.skip(f"{program} is not there to build images")
    if program == "docker":
        engine = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
        if engine.returncode:
            pytest.skip(f"no Docker engine answers: {engine.stderr.strip()[-200:]}")
    return program


def build(program: str, stage: str) -> str:
    """Build a stage of the Dockerfile and return the image's name."""
    image = f"greyhound-{stage}"
    command = ["docker", "build", "--tag", image] if program == "docker" else [program, image]
    done = subprocess.run(
        [*command, "--target", stage, str(ROOT)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return image


def in_image(program: str, image: str, environment: Mapping[str, str], command: Sequence[str]) -> list[str]:
    """Return the command line that runs a command in an image, in the network of this machine."""
    settings = [f"{name}={value}" for name, value in environment.items()]
    if program != "docker":
        return [program, "--run", image, *settings, "--", *command]
    hardened = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "host"]
    given = [part for setting in settings for part in ("--env", setting)]
    return ["docker", "run", "--rm", *hardened, *given, "--entrypoint", command[0], image, *command[1:]]
