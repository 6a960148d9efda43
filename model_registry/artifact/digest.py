"""The seal of an artifact: sha256 of every file, and one digest over them all."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from model_registry.artifact.plain_files import NotPlain, read_plain
from model_registry.errors import ArtifactBroken, Fault

SEAL = "DIGEST.json"
# A predecessor's artifact was 89 MB and was thought huge; ours aim at 10.
MAX_BYTES = 64 * 2**20
MAX_FILES = 64

_EXPECTED = re.compile(r"[a-z][a-z0-9_]*\.json|members/[A-Za-z0-9][A-Za-z0-9_.-]*\.onnx")


def seal(files: Mapping[str, bytes]) -> bytes:
    """Return ``DIGEST.json`` for the files of an artifact, by their paths relative to it."""
    _check_names_and_size({name: len(content) for name, content in files.items()})
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    return (json.dumps({"algorithm": "sha256", "files": digests}, indent=1) + "\n").encode()


def digest_of(seal_content: bytes) -> str:
    """Return the digest of a whole artifact: sha256 over its seal."""
    return hashlib.sha256(seal_content).hexdigest()


def read_sealed(directory: Path, *, digest: str | None = None) -> tuple[dict[str, bytes], str]:
    """Read an artifact's files, each proved against the seal, and the artifact's digest.

    What is checked is what is returned: nobody needs to open a file a second time.
    """
    if not directory.is_dir():
        raise ArtifactBroken(f"{directory} is not a directory")
    present = _files_below(directory)
    if SEAL not in present:
        raise ArtifactBroken(f"{directory}: {SEAL} is missing", fault="incomplete")
    seal_content = _read(directory, SEAL)
    found = digest_of(seal_content)
    if digest is not None and found != digest:
        raise ArtifactBroken(f"{directory}: the digest must be {digest}, got {found}", fault="digest")
    expected = _digests(directory, seal_content)
    names = set(present) - {SEAL}
    missing = sorted(expected.keys() - names)
    faults = [f"{name} is missing" for name in missing]
    faults += [f"{name} is not in {SEAL}" for name in sorted(names - expected.keys())]
    _raise_if_any(directory, faults, "incomplete" if missing else "digest")
    files = {name: _read(directory, name) for name in sorted(names)}
    for name, content in files.items():
        got = hashlib.sha256(content).hexdigest()
        if got != expected[name]:
            faults.append(f"{name} differs from its digest: expected {expected[name]}, got {got}")
    _raise_if_any(directory, faults, "digest")
    return files, found


def read_some(directory: Path, names: Iterable[str], *, digest: str) -> dict[str, bytes]:
    """Read only these of an artifact's files, each proved; the others need not be there.

    A name that the artifact does not have is left out.
    """
    seal_content = _read(directory, SEAL)
    found = digest_of(seal_content)
    if found != digest:
        raise ArtifactBroken(f"{directory}: the digest must be {digest}, got {found}", fault="digest")
    expected = _digests(directory, seal_content)
    files = {name: _read(directory, name) for name in names if name in expected}
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != expected[name]:
            raise ArtifactBroken(f"{directory}: {name} differs from its digest", fault="digest")
    return files


def names_sealed(path: Path, *, digest: str) -> list[str]:
    """Return the names of the files that a seal vouches for, given its path and the artifact's digest."""
    seal_content = _read(path.parent, path.name)
    if (found := digest_of(seal_content)) != digest:
        raise ArtifactBroken(f"{path.name}: the digest must be {digest}, got {found}", fault="digest")
    names = sorted(_digests(path.parent, seal_content))
    _check_names_and_size(dict.fromkeys(names, 0))
    return names


def _files_below(directory: Path) -> dict[str, int]:
    sizes = {}
    for name, entry in islice(_entries(directory), 2 * MAX_FILES):  # there may be a million
        if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
            raise ArtifactBroken(f"{directory}: {name} must be a plain file")
        if entry.is_file():
            sizes[name] = entry.stat().st_size
    try:
        _check_names_and_size({name: size for name, size in sizes.items() if name != SEAL})
    except ArtifactBroken as error:
        raise ArtifactBroken(f"{directory}: {error}", fault=error.fault) from error
    return sizes


def _entries(directory: Path, below: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(directory / below) as entries:
        for entry in entries:
            yield below + entry.name, entry
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(directory, f"{below}{entry.name}/")


def _check_names_and_size(sizes: Mapping[str, int]) -> None:
    if len(sizes) > MAX_FILES:
        raise ArtifactBroken(f"an artifact has at most {MAX_FILES} files, got more")
    for name in sizes:
        if not _EXPECTED.fullmatch(name):
            raise ArtifactBroken(f"an artifact holds NAME.json and members/NAME.onnx only, got {name!r}")
    if sum(sizes.values()) > MAX_BYTES:
        raise ArtifactBroken(f"an artifact has at most {MAX_BYTES} bytes, got {sum(sizes.values())}")


def _digests(directory: Path, seal_content: bytes) -> dict[str, str]:
    try:
        document = json.loads(seal_content)
        if document["algorithm"] == "sha256":
            return {str(name): str(digest) for name, digest in document["files"].items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactBroken(f"{directory}: {SEAL} cannot be read: {error}") from error
    raise ArtifactBroken(f"{directory}: {SEAL} must use sha256, got {document['algorithm']!r}")


def _read(directory: Path, name: str) -> bytes:
    try:
        return read_plain(directory / name, MAX_BYTES)
    except NotPlain as error:
        raise ArtifactBroken(f"{directory}: {error}") from error
    except OSError as error:
        raise ArtifactBroken(f"{directory}: {name} cannot be read: {error.strerror}") from error


def _raise_if_any(directory: Path, faults: list[str], fault: Fault) -> None:
    if faults:
        raise ArtifactBroken(f"{directory}: " + "; ".join(faults), fault=fault)
