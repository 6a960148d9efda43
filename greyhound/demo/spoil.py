"""A version that is spoiled on purpose: right in every check, and too sure or too unsure of itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from model_registry import get_model_registry
from model_registry.artifact import load_artifact
from model_registry.artifact.documents import golden_document
from model_registry.artifact.write import write_artifact


def register_spoiled(registry: str, version: int, folder: Path, *, temperature: float) -> int:
    """Register a copy of a version whose log odds are divided by a temperature; return its number.

    Above 1 it is less sure than it should be, below 1 surer. Its golden card is right for what it is, so that
    nothing but its results can give it away.
    """
    models = get_model_registry(registry)
    source = models.fetch(version)
    model = load_artifact(source)
    spec = replace(model.spec, sharing_exponent=model.spec.sharing_exponent / temperature)
    graphs = {member.file: (source / member.file).read_bytes() for member in spec.members}
    draft = folder / f"draft-of-{version}"
    write_artifact(draft, spec, graphs, model.documents)
    features = np.array(model.documents["golden"]["features"], np.float32)
    golden = golden_document(features, _probabilities(draft, features))
    target = folder / f"spoiled-{version}-at-{temperature:g}"
    write_artifact(target, spec, graphs, {**model.documents, "golden": golden})
    spoiled = models.register(target, description=f"version {version}, spoiled: temperature {temperature:g}")
    return spoiled.version


def _probabilities(
    draft: Path, features: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return load_artifact(draft).probabilities(features)
