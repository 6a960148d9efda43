"""The files of versions and runs: which belong to a registry's records, copied, and found again elsewhere.

A version's files are uploaded before its record is written. So of a registry that is copied first, each
version has all of its files, and a version that is registered meanwhile has no record: its files are left
out.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa

from greyhound.backup.manifest import ArtifactFolder
from model_registry.artifact.digest import read_sealed
from model_registry.errors import ArtifactBroken
from model_registry.fetch import WITHIN, local_directory
from model_registry.mlflow_store.store import MlflowStore
from model_registry.registry import MODEL
from racing.redaction import shown

_SERVED = "mlflow-artifacts"
_OF_A_VERSION = re.compile(r"model-[0-9a-f]{12}")
# What MLflow's records know by where it lies: table, key, column.
LOCATIONS = (
    ("experiments", "experiment_id", "artifact_location"),
    ("runs", "run_uuid", "artifact_uri"),
    ("logged_models", "model_id", "artifact_location"),
    ("model_versions", "name || ' ' || version", "source"),
    ("model_versions", "name || ' ' || version", "storage_location"),
)


@dataclass(slots=True)
class KnownFiles:
    """What a registry's records say of files."""

    folders: list[tuple[ArtifactFolder, Path]] = field(default_factory=list)
    """With where each lies now."""
    elsewhere: list[str] = field(default_factory=list)
    """Locations that lie on no disk here, as buckets do."""
    run_ids: set[str] = field(default_factory=set)
    """Of runs and logged models."""
    version_folders: set[str] = field(default_factory=set)
    versions: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Of each version where its files lie, and their digest on record."""
    champion: int | None = None


def known_files(connection: sa.Connection, store: MlflowStore, served: Path | None) -> KnownFiles:
    """Read what a registry's records say of files.

    Parameters
    ----------
    served : Path, optional
        Where MLflow's server has what its records call ``mlflow-artifacts:``.
    """
    known = KnownFiles()
    for table, key in (("runs", "run_uuid"), ("logged_models", "model_id")):
        if sa.inspect(connection).has_table(table):
            known.run_ids |= set(connection.scalars(sa.text(f"SELECT {key} FROM {table}")))
    of_model = {"name": MODEL}
    digests = sa.text("SELECT version, value FROM model_version_tags WHERE name = :name AND key = 'digest'")
    digest_of = {int(row.version): str(row.value) for row in connection.execute(digests, of_model)}
    sources = sa.text(
        "SELECT version, coalesce(storage_location, source) AS source FROM model_versions "
        "WHERE name = :name AND coalesce(current_stage, '') <> 'Deleted_Internal'"
    )
    for row in connection.execute(sources, of_model):
        known.versions[int(row.version)] = (str(row.source), digest_of.get(int(row.version), ""))
    every = connection.scalars(sa.text("SELECT source FROM model_versions WHERE source IS NOT NULL"))
    known.version_folders = {PurePosixPath(urlsplit(str(source)).path).name for source in every}
    champion = sa.text(
        "SELECT version FROM registered_model_aliases WHERE name = :name AND alias = 'champion'"
    )
    found = connection.scalar(champion, of_model)
    known.champion = None if found is None else int(found)
    locations = {text for *_, text in _locations(connection)}
    for location in sorted(locations, key=lambda text: (len(text), text)):
        if any(_below(location, folder.location) is not None for folder, _ in known.folders):
            continue
        folder = _folder(location, store, served)
        if folder is not None:
            name = _new_name(folder[1], location, {one.folder for one, _ in known.folders})
            known.folders.append((ArtifactFolder(location, name, folder[2]), folder[0]))
        elif urlsplit(location).scheme not in ("models", "runs", ""):
            known.elsewhere.append(shown(location))
    return known


def copy_artifacts(known: KnownFiles, target: Path, on_progress: Callable[[int, int], None]) -> None:
    """Copy the files that belong to records into a new folder."""
    target.mkdir()
    files = [
        (file, target / folder.folder / below)
        for folder, at in known.folders
        for file, below in _files(at, known)
    ]
    for n_done, (file, copy) in enumerate(files):
        on_progress(n_done, len(files))
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            copy.write_bytes(file.read_bytes())
        except FileNotFoundError:  # deleted meanwhile: if a version needed it, that is found below
            copy.unlink(missing_ok=True)
    on_progress(len(files), len(files))


def broken_versions(known: KnownFiles, target: Path) -> Iterator[tuple[int, str]]:
    """Yield the versions whose files in the copy are not whole, and why."""
    for version, (source, digest) in sorted(known.versions.items()):
        at = next(
            (
                target / folder.folder / below
                for folder, _ in known.folders
                if (below := _below(source, folder.location)) is not None
            ),
            None,
        )
        if at is None or not digest:  # in a bucket, or of another program
            continue
        try:
            read_sealed(at / WITHIN, digest=digest)
        except (ArtifactBroken, OSError) as error:
            yield version, str(error)


def rewrite_locations(connection: sa.Connection, folders: list[ArtifactFolder], root: Path) -> int:
    """Let records of a restored registry lead to where their files lie now; return how many changed."""
    n_changed = 0
    moved = sorted(folders, key=lambda one: -len(one.location))
    for table, key, column, identity, location in list(_located(connection)):
        for folder in moved:
            below = _below(location, folder.location)
            if below is None or folder.is_served:
                continue
            base = (root / folder.folder).absolute()
            new = base.as_uri() if urlsplit(folder.location).scheme else str(base)
            rest = location[len(folder.location.rstrip("/")) :]
            if new + rest != location:
                change = sa.text(f"UPDATE {table} SET {column} = :new WHERE {key} = :identity")
                n_changed += connection.execute(change, {"new": new + rest, "identity": identity}).rowcount
            break
    return n_changed


def _locations(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    for table, _, _, _, location in _located(connection):
        yield table, location


def _located(connection: sa.Connection) -> Iterator[tuple[str, str, str, str | int, str]]:
    """Yield table, key, column, the row's value of the key, and the location."""
    inspector = sa.inspect(connection)
    for table, key, column in LOCATIONS:
        if not inspector.has_table(table) or column not in {
            one["name"] for one in inspector.get_columns(table)
        }:
            continue  # of an MLflow that has not got it
        rows = connection.execute(
            sa.text(f"SELECT {key} AS identity, {column} AS location FROM {table}")
        ).all()
        for row in rows:
            if row.location:
                yield table, key, column, row.identity, str(row.location)


def _folder(location: str, store: MlflowStore, served: Path | None) -> tuple[Path, str, bool] | None:
    """Return where a location is on this machine, a name for it, and whether a server hands it out."""
    address = urlsplit(location)
    if address.scheme == _SERVED:
        if served is None:
            return None
        below = unquote(address.path).strip("/")
        return served / below, below, True
    if address.scheme not in ("", "file") or not unquote(address.path).startswith("/"):
        return None
    path = local_directory(store, location)
    return None if path is None else (path, path.name, False)


def _new_name(name: str, location: str, taken: set[str]) -> str:
    """Return a name that is not taken: two locations may end alike."""
    new, n = name, 1
    while new in taken:
        n += 1
        new = f"{name}-{n}"
    return new


def _below(location: str, root: str) -> str | None:
    """Return the path of a location below another, None if it is not there."""
    root = root.rstrip("/")
    if location.rstrip("/") == root:
        return ""
    if not location.startswith(f"{root}/"):
        return None
    below = unquote(location[len(root) + 1 :])
    return None if ".." in below.split("/") else below


def _files(at: Path, known: KnownFiles) -> Iterator[tuple[Path, Path]]:
    """Yield the files of records below a location, and where each lies below it."""
    if not at.is_dir():
        return
    for path in sorted(at.rglob("*")):
        below = path.relative_to(at)
        if path.is_symlink() or not path.is_file():
            continue
        parts = below.parts
        owner = parts[1] if parts[0] == "models" and len(parts) > 1 else parts[0]
        is_of_run = owner in known.run_ids or at.parent.name in known.run_ids
        is_unborn = any(
            _OF_A_VERSION.fullmatch(part) and part not in known.version_folders for part in parts[:-1]
        )
        if is_of_run and not is_unborn:
            yield path, below
