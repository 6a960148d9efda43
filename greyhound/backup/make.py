"""Making a backup while everything goes on.

The order makes it consistent. What is spooled comes before the database that it moves to: an answer is in
one of them, or in both. The race database is held before the registry, so that every version that it speaks
of is there. The registry comes before the files, which are uploaded before their version's record is
written.
"""

import datetime as dt
import importlib.metadata
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from greyhound.backup.addresses import race_database, registry_database, snapshot
from greyhound.backup.artifacts import KnownFiles, broken_versions, copy_artifacts, known_files
from greyhound.backup.manifest import Manifest, digest_of_file, files_below
from greyhound.backup.spooled import copy_spool
from greyhound.backup.unfinished import finished_or_gone, refuse_existing
from model_registry.mlflow_store.store import MlflowStore

Stage = Callable[[str], AbstractContextManager[Callable[..., None]]]
"""Begins a stage of the work by its description, and gives what reports how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where an installation has its parts."""

    database: str
    registry: str
    artifacts: Path | None = None
    """Where MLflow's server has its files, or where they are restored to."""
    spool: Path


def make_backup(folder: Path, addresses: Addresses, stage: Stage) -> tuple[Manifest, str]:
    """Make a backup in a new folder, and return its manifest and the manifest's digest.

    Raises
    ------
    greyhound.backup.errors.BackupRefused
        If the folder is there already, or something cannot be copied; nothing of it stays.
    """
    refuse_existing(folder.absolute())
    store = MlflowStore(addresses.registry)
    databases = race_database(addresses.database), registry_database(store)
    made_at = dt.datetime.now(dt.UTC)
    with finished_or_gone(folder) as draft:
        copy_spool(addresses.database, addresses.spool, draft / "spool")
        with snapshot(databases[0]) as races:
            with snapshot(databases[1]) as registry, stage("copying the registry") as report:
                copied_registry = registry.copy_to(draft / "registry", report)
                with registry.reading() as connection:
                    known = known_files(connection, store, addresses.artifacts)
            with stage("copying the race database") as report:
                copied_races = races.copy_to(draft / "database", report)
        with stage("copying the files of versions and runs") as report:
            copy_artifacts(known, draft / "artifacts", report)
        manifest = Manifest(
            made_at=made_at.isoformat(timespec="seconds"),
            greyhound=importlib.metadata.version("greyhound"),
            mlflow=_mlflow_version(),
            database=copied_races,
            registry=copied_registry,
            artifacts=[one for one, _ in known.folders],
            versions=sorted(known.versions),
            champion=known.champion,
            warnings=_warnings(known, draft / "artifacts"),
        )
        with stage("computing digests") as report:
            _add_digests(manifest, draft, report)
        return manifest, manifest.write(draft)


def _warnings(known: KnownFiles, artifacts: Path) -> list[str]:
    warnings = [
        f"version {version} was not whole: {why}" for version, why in broken_versions(known, artifacts)
    ]
    if known.elsewhere:
        more = f" and {len(known.elsewhere) - 1} more" if len(known.elsewhere) > 1 else ""
        warnings.append(f"files at {known.elsewhere[0]}{more} lie on no disk here, and are not in the backup")
    return warnings


def _add_digests(manifest: Manifest, draft: Path, report: Callable[..., None]) -> None:
    files = files_below(draft)
    for n_done, path in enumerate(files):
        report(n_done, len(files))
        digest, size = digest_of_file(path)
        manifest.files[path.relative_to(draft).as_posix()] = digest
        manifest.n_bytes += size
    report(len(files), len(files))


def _mlflow_version() -> str:
    for name in ("mlflow", "mlflow-skinny"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""
