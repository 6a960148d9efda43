"""Writing versions as a folder of files: beside its place first, then put there whole."""

import importlib.metadata
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]

from model_registry.artifact import SEAL, load_files, read_sealed, summary_of
from model_registry.errors import NoSuchVersion, RegistryError
from model_registry.file_export.documents import (
    BEST,
    CONFIG,
    INDEX,
    METADATA,
    MODELS,
    SUMMARY,
    Exported,
    best_of,
    config_of,
    index_of,
    is_ours,
    metadata_of,
)
from model_registry.file_export.estimator import ExportedModel
from model_registry.registry import ModelRegistry
from model_registry.versions import ModelVersion


class ExportRefused(RegistryError):
    """Versions would be written over files that are no export of ours; other errors are the registry's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was written."""

    directory: Path
    versions: tuple[int, ...]
    """The newest first."""
    best: int
    best_because: str
    is_new: bool
    """False where the folder held exactly this already, and was left alone."""
    n_bytes: int


def export_versions(
    registry: ModelRegistry,
    directory: Path,
    *,
    only: Sequence[int] = (),
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Export:
    """Write versions, by default all, as a folder that older tools read; it is complete or untouched.

    Parameters
    ----------
    directory : Path
        Absent, empty, or an earlier export, which is replaced as a whole.

    Raises
    ------
    ExportRefused
        If the directory holds anything else.
    NoSuchVersion
        If a version is not in the registry, or the registry has none.
    """
    directory = directory.absolute()
    check_place(directory)
    versions = _chosen(registry, only)
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place: a rename across file systems would be a copy.
    draft = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        best, why = _write(draft, registry, versions, on_progress)
        is_new = not directory.exists() or _content(draft) != _content(directory)
        if is_new:
            _put(draft, directory)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Export(
        directory=directory,
        versions=tuple(version.version for version in versions),
        best=best.version.version,
        best_because=why,
        is_new=is_new,
        n_bytes=sum(path.stat().st_size for path in directory.rglob("*") if not path.is_symlink()),
    )


def check_place(directory: Path) -> None:
    """Refuse a folder that holds anything but an earlier export."""
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise ExportRefused(f"an export is a folder, and {directory} is something else")
    if not directory.exists() or not any(directory.iterdir()):
        return
    try:
        config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = None
    if not isinstance(config, Mapping) or not is_ours(config):
        raise ExportRefused(
            f"an export needs a folder that is absent, empty or an earlier export, and {directory} has other "
            f"files"
        )


def _chosen(registry: ModelRegistry, only: Iterable[int]) -> list[ModelVersion]:
    versions, wanted = registry.versions(), set(only)
    absent = sorted(wanted - {version.version for version in versions})
    if absent:
        raise NoSuchVersion(f"{registry} has no version {', '.join(map(str, absent))}")
    if not versions:
        raise NoSuchVersion(f"{registry} has no version yet; greyhound train makes one")
    return [version for version in versions if not wanted or version.version in wanted]


def _write(
    draft: Path,
    registry: ModelRegistry,
    versions: Sequence[ModelVersion],
    on_progress: Callable[[int, int], None],
) -> tuple[Exported, str]:
    draft.chmod(0o755)
    (draft / MODELS).mkdir()
    (draft / METADATA).mkdir()
    exported = []
    for n_done, version in enumerate(versions):
        on_progress(n_done, len(versions))
        folder = registry.fetch(version.version)
        files, digest = read_sealed(folder, digest=version.digest)
        one = Exported(version, load_files(files, digest, folder))
        sealed = files | {SEAL: (folder / SEAL).read_bytes()}
        estimator = ExportedModel(sealed, digest=digest, version=version.version)
        joblib.dump(estimator, draft / MODELS / f"{one.name}.joblib", compress=3)
        _write_json(draft / METADATA / f"{one.name}.json", metadata_of(one))
        exported.append(one)
    best, why = best_of(exported)
    (draft / BEST).symlink_to(Path(MODELS) / f"{best.name}.joblib")
    _write_json(draft / INDEX, index_of(exported))
    _write_json(draft / SUMMARY, summary_of(best.model.documents["summary"]))
    _write_json(draft / CONFIG, config_of(importlib.metadata.version("greyhound")))
    on_progress(len(versions), len(versions))
    return best, why


def _put(draft: Path, directory: Path) -> None:
    """Move the draft into its place; an earlier export leaves it only when the new one is whole."""
    if not directory.exists() or not any(directory.iterdir()):
        os.replace(draft, directory)
        return
    before = draft.with_name(f"{draft.name}-before")
    os.rename(directory, before)
    try:
        os.rename(draft, directory)
    except BaseException:
        os.rename(before, directory)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _content(directory: Path) -> dict[str, bytes | str]:
    """Return every file by its path, a link by what it points to."""
    found: dict[str, bytes | str] = {}
    for path in directory.rglob("*"):
        if path.is_symlink():
            found[str(path.relative_to(directory))] = os.readlink(path)
        elif path.is_file():
            found[str(path.relative_to(directory))] = path.read_bytes()
    return found


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
