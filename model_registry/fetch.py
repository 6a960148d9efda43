"""Bringing a version's artifact to this machine: whole and proved, or not at all."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from model_registry.artifact.digest import MAX_BYTES, SEAL, names_sealed, read_sealed
from model_registry.cleaning import clean_digest
from model_registry.errors import ArtifactBroken, ForeignModel, RegistryUnavailable
from model_registry.records import VersionRecord
from model_registry.sources import LOCAL, check_source
from model_registry.store import Store

#: Where the artifact lies within the pyfunc.
WITHIN = "artifacts/model"
FETCH_S = 300.0
"""Seconds for all files of an artifact together, from a server."""


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """Where a version's artifact is, and its digest, by the registry's record."""

    version: int
    source: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """An artifact on this machine, its files proved against the digest on record."""

    directory: Path
    files: dict[str, bytes]
    digest: str


def pointer_of(entry: VersionRecord) -> ArtifactRef:
    """Return where a version's record points to."""
    return ArtifactRef(entry.version, entry.source, clean_digest(entry.tags.get("digest")) or None)


def fetch_artifact(store: Store, model: str, pointer: ArtifactRef) -> Fetched:
    """Return a version's artifact: from the store itself if that is local, else from the cache."""
    digest, source = located(store, model, pointer)
    directory = local_directory(store, source)
    if directory is not None:
        directory = directory / WITHIN
        if not directory.exists():
            raise RegistryUnavailable(f"the artifacts of version {pointer.version} are not at {directory}")
        return Fetched(directory, *read_sealed(directory, digest=digest))
    return _cached(
        store, f"{source}/{WITHIN}", store.folder / "cache" / "models", f"{pointer.version}-{digest}"
    )


def fetch_of_run(store: Store, run_id: str, folder: str, *, version: int, digest: str) -> Fetched:
    """Return an artifact that a version's training left in a folder of its run, proved by its digest."""
    if not clean_digest(digest):
        raise ArtifactBroken(f"the {folder} model of version {version} has no digest on record")
    run = check_source(str(store.client.get_run(run_id).info.artifact_uri), store.uri, version=version)
    source = f"{run}/{folder}"
    directory = local_directory(store, source)
    if directory is None:
        return _cached(store, source, store.folder / "cache" / folder, f"{version}-{digest}")
    if not directory.exists():
        raise RegistryUnavailable(f"the {folder} model of version {version} is not at {directory}")
    return Fetched(directory, *read_sealed(directory, digest=digest))


def located(store: Store, model: str, pointer: ArtifactRef) -> tuple[str, str]:
    """Return the digest on record of a version, and where its pyfunc lies."""
    if not pointer.digest:
        raise ForeignModel(pointer.version)
    source = pointer.source
    if source.startswith("models:"):  # a copy of another version: MLflow knows where that lies
        source = str(store.client.get_model_version_download_uri(model, str(pointer.version)))
    return pointer.digest, check_source(source, store.uri, version=pointer.version)


def local_directory(store: Store, source: str) -> Path | None:
    """Return where an address of MLflow's is on this machine, or None if it is elsewhere."""
    address = urlsplit(source)
    if address.scheme not in LOCAL:
        return None
    path = Path(unquote(address.path if address.scheme else source))
    return _where_it_is_now(path, store.folder)


def download(store: Store, source: str, name: str, folder: Path) -> Path:
    """Bring one file below an address to a folder of this machine.

    Only that file is asked for: a listing may be endless, or name what nobody wants.
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    repository = get_artifact_repository(source, tracking_uri=store.uri, registry_uri=store.uri)
    repository._download_file(name, str(path))  # type: ignore[no-untyped-call]
    return path


def _where_it_is_now(path: Path, folder: Path) -> Path:
    """Return where a file lies whose store was moved as a whole, e.g. mounted elsewhere in a container."""
    if not path.exists():
        for i, part in enumerate(path.parts):
            moved = folder / Path(*path.parts[i:])
            if part == "artifacts" and moved.exists():
                return moved
    return path


def _cached(store: Store, source: str, cache: Path, name: str) -> Fetched:
    digest, directory = name.partition("-")[2], cache / name
    if directory.exists():
        try:
            return Fetched(directory, *read_sealed(directory, digest=digest))
        except ArtifactBroken:
            shutil.rmtree(directory, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    from model_registry.bounded_http import within  # only what asks a server waits for its import

    draft = Path(tempfile.mkdtemp(prefix=f".{name[:12]}-", dir=cache))
    try:
        got = draft / "model"
        with within(FETCH_S):
            seal, n_bytes = download(store, source, SEAL, got), 0
            for file in names_sealed(seal, digest=digest):
                n_bytes += download(store, source, file, got).stat().st_size
                if n_bytes > MAX_BYTES:
                    raise ArtifactBroken(f"an artifact has at most {MAX_BYTES} bytes, got {n_bytes}")
        files, _ = read_sealed(got, digest=digest)
        try:
            os.rename(got, directory)
        except OSError:  # another fetch was faster; what it brought counts if it is whole
            files, _ = read_sealed(directory, digest=digest)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Fetched(directory, files, digest)
