"""What is told of a version beside its graphs: some of its JSON documents, and its training's report."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_registry.artifact import SEAL, decode, read_some
from model_registry.errors import NoReport
from model_registry.fetch import WITHIN, Pointer, download, local_directory, located
from model_registry.store import Store

REPORT = "report.html"
"""The page's name among the artifacts of the run that made a version."""
MAX_REPORT_BYTES = 8 * 2**20


def read_documents(store: Store, model: str, pointer: Pointer, names: Sequence[str]) -> dict[str, Any]:
    """Return documents of a version's artifact by name, proved; no graph is read, nor fetched.

    A document that the artifact does not have is left out.
    """
    digest, source = located(store, model, pointer)
    files = [f"{name}.json" for name in names]
    directory = local_directory(store, source)
    if directory is not None:
        return _decoded(read_some(directory / WITHIN, files, digest=digest))
    with tempfile.TemporaryDirectory(prefix="greyhound-") as scratch:
        for name in (SEAL, *files):
            download(store, f"{source}/{WITHIN}/{name}", Path(scratch))
        return _decoded(read_some(Path(scratch), files, digest=digest))


def read_report(store: Store, version: int, run_id: str) -> str:
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
        page = _brought(store, run_id, Path(scratch))
        if page is None:
            raise NoReport(f"{none}: it was registered without one")
        size = page.stat().st_size
        if size > MAX_REPORT_BYTES:
            raise NoReport(f"{none}: a report has at most {MAX_REPORT_BYTES} bytes, this one has {size}")
        return page.read_text(encoding="utf-8", errors="replace")


def _brought(store: Store, run_id: str, folder: Path) -> Path | None:
    """Return the report of a run as a file of this machine, or None if there is none."""
    from mlflow.exceptions import MlflowException

    try:
        source = str(store.client.get_run(run_id).info.artifact_uri)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    local = local_directory(store, source)
    if local is not None:
        return local / REPORT if (local / REPORT).is_file() else None
    if not any(file.path == REPORT for file in store.client.list_artifacts(run_id)):
        return None
    return download(store, f"{source}/{REPORT}", folder)


def _decoded(files: dict[str, bytes]) -> dict[str, Any]:
    return {name.removesuffix(".json"): decode(name, content) for name, content in files.items()}
