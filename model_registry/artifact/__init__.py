"""The artifact: a registered model as a directory of data, never code."""

from model_registry.artifact.digest import MAX_BYTES, SEAL, read_sealed, read_some
from model_registry.artifact.documents import DOCUMENTS, SUMMARY_KEYS, decode, golden_document, summary_of
from model_registry.artifact.explain import Explanation, explain
from model_registry.artifact.load import load_artifact, load_files
from model_registry.artifact.loaded_model import GOLDEN_TOLERANCE, LoadedModel
from model_registry.artifact.spec import (
    ADDS_NOTHING,
    MARKET_ALONE,
    Calibration,
    Isotonic,
    Member,
    ModelSpec,
    Platt,
)
from model_registry.artifact.write import write_artifact, write_files

__all__ = [
    "ADDS_NOTHING",
    "DOCUMENTS",
    "GOLDEN_TOLERANCE",
    "MARKET_ALONE",
    "MAX_BYTES",
    "SEAL",
    "SUMMARY_KEYS",
    "Calibration",
    "Explanation",
    "Isotonic",
    "LoadedModel",
    "Member",
    "ModelSpec",
    "Platt",
    "decode",
    "explain",
    "golden_document",
    "load_artifact",
    "load_files",
    "read_sealed",
    "read_some",
    "summary_of",
    "write_artifact",
    "write_files",
]
