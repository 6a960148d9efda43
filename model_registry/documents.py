"""What a version has beside its graphs: the JSON documents of its artifact, and its training's report."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_registry.artifact import SEAL, decode, read_some
from model_registry.artifact.digest import names_sealed
from model_registry.artifact.plain_files import NotPlain, read_plain
from model_registry.errors import NoReport
from model_registry.fetch import WITHIN, ArtifactRef, download, local_directory, located
from model_registry.mlflow_store.sources import check_source
from model_registry.mlflow_store.store import MlflowStore

REPORT = "report.html"
"""The page's name among the artifacts of the run that made a version."""
MAX_REPORT_BYTES = 8 * 2**20


def read_documents(store: MlflowStore, model: str, ref: ArtifactRef, names: Sequence[str]) -> dict[str, Any]:
    """Return documents of a version's artifact by name, verified; no graph is read, nor fetched.

    A document that the artifact does not have is left out.
    """
    digest, source = located(store, model, ref)
    files = [f"{name}.json" for name in names]
    directory = local_directory(store, source)
    if directory is not None:
        return _decoded(read_some(directory / WITHIN, files, digest=digest))
    with tempfile.TemporaryDirectory(prefix="greyhound-") as scratch:
        sealed = names_sealed(download(store, f"{source}/{WITHIN}", SEAL, Path(scratch)), digest=digest)
        for name in files:
            if name in sealed:
                download(store, f"{source}/{WITHIN}", name, Path(scratch))
        return _decoded(read_some(Path(scratch), files, digest=digest))


def read_report(store: MlflowStore, version: int, run_id: str) -> str:
    """Return the page that a training left in its run.

    Raises
    ------
    NoReport
        If there is none, or none that a browser should be given.
    """
    none = f"version {version} has no report of its training"
    if not run_id:
        raise NoReport(f"{none}: it names no run")
    with tempfile.TemporaryDirectory(prefix="greyhound-") as scratch:
        page = _locate_report(store, version, run_id, Path(scratch))
        try:
            return read_plain(page, MAX_REPORT_BYTES).decode("utf-8", "replace")
        except FileNotFoundError as error:
            raise NoReport(f"{none}: it was registered without one") from error
        except NotPlain as error:
            raise NoReport(f"{none}: {error}") from error


def _locate_report(store: MlflowStore, version: int, run_id: str, folder: Path) -> Path:
    """Return where the report of a run is on this machine, if there is one."""
    absent = folder / REPORT
    run = store.reader.artifacts_of_run(run_id)
    if run is None:
        return absent
    local = local_directory(store, check_source(run, store.uri, version=version))
    if local is not None:
        return local / REPORT
    if not any(file.path == REPORT for file in store.client.list_artifacts(run_id)):
        return absent
    return download(store, run, REPORT, folder)


def _decoded(files: dict[str, bytes]) -> dict[str, Any]:
    return {name.removesuffix(".json"): decode(name, content) for name, content in files.items()}
