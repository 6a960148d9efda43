"""The manifest of a backup: what it holds, what made it, and the digest of each file.

::

    DIR/manifest.json
        database/             the race database: one file of SQLite, or a file a table of PostgreSQL
        registry/             MLflow's database, likewise
        artifacts/            the files of versions and runs
        spool/                answers that waited on disk for the race database
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from greyhound.backup.errors import BackupBroken

MANIFEST = "manifest.json"
FORMAT = 1
_MAX_NAMED = 3
_BLOCK = 1 << 20


@dataclass(slots=True)
class CopiedTable:
    """A table as it was copied; columns are empty where the whole database is one file."""

    n_rows: int
    columns: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CopiedDatabase:
    """A database as it was copied."""

    kind: Literal["sqlite", "postgresql"]
    revision: str
    """The head of its migrations."""
    tables: dict[str, CopiedTable] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    """The next numbers of PostgreSQL's sequences."""
    partitions: dict[str, list[str]] = field(default_factory=dict)
    """Of each partition of PostgreSQL: the table that it is of, and its bounds."""


@dataclass(slots=True)
class ArtifactFolder:
    """Files that MLflow knows by one location, and their folder below ``artifacts`` in the backup."""

    location: str
    folder: str
    is_served: bool = False
    """MLflow's server hands them out: the location names no folder of a machine, and stays as it is."""


@dataclass(slots=True)
class Manifest:
    """What a backup holds."""

    made_at: str
    greyhound: str
    mlflow: str
    database: CopiedDatabase
    registry: CopiedDatabase
    artifacts: list[ArtifactFolder]
    versions: list[int]
    """The versions of the model, each with all of its files."""
    champion: int | None
    warnings: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """The sha256 of each file, by its path in the backup."""
    n_bytes: int = 0
    format: int = FORMAT

    def write(self, folder: Path) -> str:
        """Write it into a backup, and return its digest, which vouches for everything in it."""
        content = (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode()
        (folder / MANIFEST).write_bytes(content)
        return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup.

    Raises
    ------
    BackupBroken
        If there is none, or one of a format that this program does not know.
    """
    try:
        given: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise BackupBroken(f"{folder} is no backup: it has no {MANIFEST}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BackupBroken(f"{folder / MANIFEST} cannot be read: {error}") from error
    try:
        if given["format"] != FORMAT:
            rule = f"{folder} has format {given['format']!r}, this program reads {FORMAT}"
            raise BackupBroken(
                f"{rule}: restore it with the greyhound that made it, {given.get('greyhound')}"
            )
        for name in ("database", "registry"):
            tables = {key: CopiedTable(**value) for key, value in given[name]["tables"].items()}
            given[name] = CopiedDatabase(**given[name] | {"tables": tables})
        given["artifacts"] = [ArtifactFolder(**one) for one in given["artifacts"]]
        return Manifest(**given)
    except (LookupError, TypeError, AttributeError) as error:
        raise BackupBroken(f"{folder / MANIFEST} is no manifest of a backup: {error}") from error


def verify_files(
    folder: Path, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Manifest:
    """Compare every file of a backup with its digest, and return the manifest.

    Raises
    ------
    BackupBroken
        If a file is missing, differs, or is one too many.
    """
    manifest = read_manifest(folder)
    present = {path.relative_to(folder).as_posix() for path in files_below(folder)} - {MANIFEST}
    faults = [f"{name} is missing" for name in sorted(manifest.files.keys() - present)]
    faults += [f"{name} is not in the manifest" for name in sorted(present - manifest.files.keys())]
    n_bytes = 0
    for name in sorted(manifest.files.keys() & present):
        digest, size = digest_of_file(folder / name)
        if digest != manifest.files[name]:
            faults.append(f"{name} differs from its digest")
        n_bytes += size
        on_progress(n_bytes, max(n_bytes, manifest.n_bytes))
    if faults:
        more = f" (and {len(faults) - _MAX_NAMED} more)" if len(faults) > _MAX_NAMED else ""
        raise BackupBroken(f"{folder}: {'; '.join(faults[:_MAX_NAMED])}{more}")
    return manifest


def files_below(folder: Path) -> list[Path]:
    """Return all files below a folder, in order; links and the like are files that no manifest has."""
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def digest_of_file(path: Path) -> tuple[str, int]:
    """Return the sha256 of a file, and its bytes."""
    if path.is_symlink() or not path.is_file():
        raise BackupBroken(f"{path} is no plain file")
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size
