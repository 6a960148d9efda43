"""Fetching a version's artifact to this machine: whole and verified, or not at all."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from model_registry.artifact.digest import MAX_BYTES, SEAL, names_sealed, read_sealed
from model_registry.cache import ArtifactCache, VerifiedArtifact
from model_registry.errors import ArtifactBroken, ForeignModel, RegistryUnavailable
from model_registry.mlflow_store.records import VersionRecord, clean_digest
from model_registry.mlflow_store.sources import LOCAL, check_source
from model_registry.mlflow_store.store import MlflowStore

#: Where the artifact lies within the pyfunc.
WITHIN = "artifacts/model"
FETCH_S = 300.0
"""Seconds for all files of an artifact together, from a server."""
MAX_CACHED = 8
"""Fetched versions that stay on this machine, some 10 MB each; the service stores what serves by itself."""


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """Where a version's artifact is, and its digest, by the registry's record."""

    version: int
    source: str
    digest: str | None


def artifact_ref(record: VersionRecord) -> ArtifactRef:
    """Return where a version's artifact is, by its record."""
    return ArtifactRef(record.version, record.source, clean_digest(record.tags.get("digest")) or None)


def fetch_artifact(store: MlflowStore, model: str, ref: ArtifactRef) -> VerifiedArtifact:
    """Return a version's artifact: from the store itself if that is local, else from the cache."""
    digest, source = located(store, model, ref)
    directory = local_directory(store, source)
    if directory is not None:
        directory = directory / WITHIN
        if not directory.exists():
            raise RegistryUnavailable(f"the artifacts of version {ref.version} are not at {directory}")
        return VerifiedArtifact(directory, *read_sealed(directory, digest=digest))
    return _cached(store, f"{source}/{WITHIN}", "models", ref.version, digest)


def fetch_of_run(
    store: MlflowStore, run_id: str, folder: str, *, version: int, digest: str
) -> VerifiedArtifact:
    """Return an artifact that a version's training left in a folder of its run, verified by its digest."""
    if not clean_digest(digest):
        raise ArtifactBroken(f"the {folder} model of version {version} has no digest on record")
    artifacts = store.reader.artifacts_of_run(run_id)
    if artifacts is None:
        raise RegistryUnavailable(f"the run {run_id} of version {version} is not there")
    run = check_source(artifacts, store.uri, version=version)
    source = f"{run}/{folder}"
    directory = local_directory(store, source)
    if directory is None:
        return _cached(store, source, folder, version, digest)
    if not directory.exists():
        raise RegistryUnavailable(f"the {folder} model of version {version} is not at {directory}")
    return VerifiedArtifact(directory, *read_sealed(directory, digest=digest))


def located(store: MlflowStore, model: str, ref: ArtifactRef) -> tuple[str, str]:
    """Return the digest on record of a version, and where its pyfunc lies."""
    if not ref.digest:
        raise ForeignModel(ref.version)
    source = ref.source
    if source.startswith("models:"):  # a copy of another version: MLflow resolves it
        source = str(store.client.get_model_version_download_uri(model, str(ref.version)))
    return ref.digest, check_source(source, store.uri, version=ref.version)


def local_directory(store: MlflowStore, source: str) -> Path | None:
    """Return where an address of MLflow's is on this machine, or None if it is elsewhere."""
    address = urlsplit(source)
    if address.scheme not in LOCAL:
        return None
    path = Path(unquote(address.path if address.scheme else source))
    return _where_it_is_now(path, store.folder)


def download(store: MlflowStore, source: str, name: str, folder: Path) -> Path:
    """Fetch one file below an address into a folder of this machine.

    MLflow's public ways list the folder first, and a listing may be endless, or name files that are not ours:
    hence the method that every kind of storage, a plugin's too, must have (``test_mlflow_internals``).
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


def _cached(store: MlflowStore, source: str, kind: str, version: int, digest: str) -> VerifiedArtifact:
    """Return an artifact from the cache, downloaded into it if it is not there."""

    def fetch(target: Path) -> None:
        from model_registry.mlflow_store.bounded_http import within  # only a download waits for its import

        with within(FETCH_S):
            seal, n_bytes = download(store, source, SEAL, target), 0
            for file in names_sealed(seal, digest=digest):
                n_bytes += download(store, source, file, target).stat().st_size
                if n_bytes > MAX_BYTES:
                    raise ArtifactBroken(f"an artifact has at most {MAX_BYTES} bytes, got {n_bytes}")

    cache = ArtifactCache(store.folder / "cache" / kind, max_artifacts=MAX_CACHED)
    return cache.get(version, digest, fetch)
