"""Writing an artifact: whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_registry.artifact.digest import SEAL, digest_of, seal
from model_registry.artifact.documents import DOCUMENTS, encode
from model_registry.artifact.load import load_artifact
from model_registry.artifact.spec import ModelSpec
from model_registry.errors import ArtifactBroken


def write_artifact(
    directory: Path | str,
    spec: ModelSpec,
    graphs: Mapping[str, bytes],
    documents: Mapping[str, Mapping[str, Any]],
) -> str:
    """Write a model's directory, load it once as the service will, and return its digest.

    Parameters
    ----------
    directory : path
        Must not exist or be empty; it appears only when everything in it is complete.
    graphs : dict of str to bytes
        ONNX by the member's file, e.g. ``"members/xgboost.onnx"``.
    documents : dict of str to dict
        By name without ``.json``: all of :data:`~model_registry.artifact.DOCUMENTS`, and any other.
        Arrays may be numpy's; NaN becomes null.
    """
    directory = Path(directory)
    missing = sorted(DOCUMENTS.keys() - documents.keys())
    if missing:
        raise ArtifactBroken(f"an artifact holds {', '.join(DOCUMENTS)}; missing: {', '.join(missing)}")
    if "model" in documents:
        raise ArtifactBroken("model.json is the specification, it cannot be a document")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ArtifactBroken(f"{directory} exists already; an artifact never changes, write another")
    files = {"model.json": encode("model.json", spec.as_json())}
    files |= {f"{name}.json": encode(f"{name}.json", document) for name, document in documents.items()}
    files |= graphs
    files[SEAL] = seal(files)
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        write_files(draft, files)
        load_artifact(draft)
        draft.chmod(0o755)
        os.replace(draft, directory)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return digest_of(files[SEAL])


def write_files(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their paths relative to a directory, which is made if absent."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
