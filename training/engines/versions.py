"""The version of a process's code and libraries, by which a worker finds what the training would find."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

_OURS = ("racing", "model_registry", "training", "greyhound")
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost-cpu", "catboost", "imbalanced-learn", "onnxruntime")
"""From another version of which another model may come."""


@cache
def versions() -> dict[str, str]:
    """Return the version of our code, with a digest of its files, and of the libraries that decide."""
    return {
        "greyhound": f"{_version('greyhound')} {_code()}",
        **{name: _version(name) for name in _LIBRARIES},
    }


def difference(theirs: dict[str, str], ours: dict[str, str]) -> str:
    """Return what another process has otherwise, in one line; blank if nothing."""
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return ", ".join(
        f"{name} {theirs.get(name, 'none')} instead of {ours.get(name, 'none')}" for name in names
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _code() -> str:
    digest = hashlib.sha256()
    for package in _OURS:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(folder).rglob("*.py")):
                digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
