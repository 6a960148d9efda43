"""Write constraints/nets.txt: what a net is fitted with, beside the packages that a training has anyway.

    python deploy/lock_nets.py pylock.toml constraints/training.txt constraints/nets.txt

The first is uv's lock of torch. Only CPU builds are pinned, a fifth of the gigabytes of one for graphics
cards. On Linux they have a version of their own, 2.13.0+cpu, which the package index does not have: pip then
finds no such version, and ends before it downloads anything. Hashes of the file before stay where the version
does, for no index has the builds of every machine.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

_LEFT_OUT = ("cuda", "nvidia", "triton", "setuptools")  # of graphics cards; what compiles extensions
_MAX_CPU_BYTES = 250_000_000  # CPU builds have 110 to 190 million, the others 420 and more
_ALWAYS = re.compile(r"python_full_version >= '3\.11'( and )?")

Pins = dict[str, set[str]]
"""Hashes by ``name==version ; marker``."""


def locked(packages: list[dict[str, Any]], of_training: Pins, before: Pins) -> Pins:
    """Return the pins of a lock's packages, less those of a training."""
    known = {pin.partition("==")[0] for pin in of_training}
    found: Pins = {}
    for package in packages:
        name, version = package["name"], package["version"]
        if name == "torch":
            pin, hashes = _torch(version, package["wheels"])
        elif name in known or name.startswith(_LEFT_OUT):
            continue
        else:
            pin = f"{name}=={version} ; {_ALWAYS.sub('', package.get('marker', ''))}".removesuffix(" ; ")
            hashes = {file["hashes"]["sha256"] for file in [*package["wheels"], package["sdist"]]}
        found[pin] = hashes | before.get(pin, set())
    return found


def _torch(version: str, wheels: list[dict[str, Any]]) -> tuple[str, set[str]]:
    if version.endswith("+cpu"):
        return f"torch=={version} ; sys_platform == 'linux'", {w["hashes"]["sha256"] for w in wheels}
    small = [wheel for wheel in wheels if wheel.get("size", 0) <= _MAX_CPU_BYTES]
    return f"torch=={version} ; sys_platform != 'linux'", {w["hashes"]["sha256"] for w in small}


def read(text: str) -> Pins:
    """Return the pins of a file."""
    lines = [line.split("--hash=sha256:") for line in text.replace("\\\n", " ").splitlines()]
    return {pin.strip(): {one.strip() for one in hashes} for pin, *hashes in lines}


def written(pins: Pins) -> str:
    """Return the text of a file of pins."""
    lines = (
        [pin, *(f"    --hash=sha256:{one}" for one in sorted(hashes))] for pin, hashes in sorted(pins.items())
    )
    return "".join(" \\\n".join(line) + "\n" for line in lines)


def main(lock: Path, training: Path, nets: Path) -> None:
    """Write the file of pins, or say what is missing and leave it as it was."""
    before = read(nets.read_text()) if nets.exists() else {}
    pins = locked(tomllib.loads(lock.read_text())["packages"], read(training.read_text()), before)
    if not any("+cpu" in pin for pin in pins):
        raise SystemExit(
            "no CPU build of torch for Linux: uv needs an index or folder of them (UV_FIND_LINKS)"
        )
    nets.write_text(written(pins))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
