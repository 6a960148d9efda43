"""Bringing a version's artifact to this machine: whole and proved, or not at all."""

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import mlflow.artifacts
from mlflow.entities.model_registry import ModelVersion as MlflowVersion
from mlflow.utils.file_utils import local_file_uri_to_path

from model_registry.artifact.digest import read_sealed
from model_registry.errors import ArtifactBroken, RegistryUnavailable
from model_registry.store import Store

#: Where the artifact lies within the pyfunc.
WITHIN = "artifacts/model"


def fetch_artifact(store: Store, model: str, entry: MlflowVersion) -> Path:
    """Return the directory of a version's artifact: in the store itself if it is local, else in the cache."""
    digest = entry.tags.get("digest")
    if not digest:
        raise ArtifactBroken(f"version {entry.version} has no digest on record: it was not registered by us")
    source = str(store.client.get_model_version_download_uri(model, entry.version))
    if urlsplit(source).scheme in ("", "file"):
        path = Path(local_file_uri_to_path(source))  # type: ignore[no-untyped-call]
        directory = _where_it_is_now(path, store.folder) / WITHIN
        if not directory.exists():
            raise RegistryUnavailable(f"the artifacts of version {entry.version} are not at {directory}")
        read_sealed(directory, digest=digest)
        return directory
    return _cached(
        store, f"{source}/{WITHIN}", store.folder / "cache" / "models", f"{entry.version}-{digest}"
    )


def _where_it_is_now(path: Path, folder: Path) -> Path:
    """Return where a file lies whose store was moved as a whole, e.g. mounted elsewhere in a container."""
    if not path.exists():
        for i, part in enumerate(path.parts):
            moved = folder / Path(*path.parts[i:])
            if part == "artifacts" and moved.exists():
                return moved
    return path


def _cached(store: Store, source: str, cache: Path, name: str) -> Path:
    digest, directory = name.partition("-")[2], cache / name
    if directory.exists():
        try:
            read_sealed(directory, digest=digest)
            return directory
        except ArtifactBroken:
            shutil.rmtree(directory, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{name[:12]}-", dir=cache))
    try:
        got = mlflow.artifacts.download_artifacts(
            artifact_uri=source, dst_path=str(draft), tracking_uri=store.uri
        )
        read_sealed(Path(got), digest=digest)
        try:
            os.rename(got, directory)
        except OSError:  # another fetch was faster; what it brought counts if it is whole
            read_sealed(directory, digest=digest)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return directory
