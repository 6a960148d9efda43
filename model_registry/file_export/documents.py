"""The JSON files of an export: what older tools read of a version, of all of them, and of the folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_registry.aliases import CHAMPION
from model_registry.artifact import LoadedModel, summary_of
from model_registry.registry import MODEL
from model_registry.versions import PASSED, ModelVersion

FORMAT = "greyhound-file-registry"
FORMAT_VERSION = 1
MODELS, METADATA = "models", "metadata"
CONFIG, INDEX, SUMMARY = "registry_config.json", "model_index.json", "training_summary.json"
BEST = "best_model.joblib"

_MERIT = "race_log_loss"


@dataclass(frozen=True, slots=True)
class Exported:
    """A version and its model, on their way into the folder."""

    version: ModelVersion
    model: LoadedModel

    @property
    def name(self) -> str:
        """The name of its files."""
        return f"version-{self.version.version}"


def best_of(exported: Sequence[Exported]) -> tuple[Exported, str]:
    """Return the best of some versions, and why it is: the champion wherever it is among them.

    Figures of versions that were judged on different races hardly compare, a promotion is a decision.
    """
    best = min(exported, key=_rank)
    if CHAMPION in best.version.aliases:
        return best, "it is the champion"
    passed = "passed its gates" if best.version.gates == PASSED else "none passed its gates"
    figure = best.version.metrics.get(_MERIT)
    merit = f"has the lowest race log loss, {figure:.4f}" if figure is not None else "is the newest"
    return best, f"the champion is not among these; of those that may be, it {merit} ({passed})"


def metadata_of(exported: Exported) -> dict[str, Any]:
    """Return what is on record of a version, the summary's keys first."""
    version, model = exported.version, exported.model
    return summary_of(model.documents["summary"]) | {
        "model_id": exported.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "kind": version.kind,
        "is_simulated": bool(model.documents["summary"].get("is_simulated", False)),
        "gates": version.gates,
        "gate_failures": version.gate_failures,
        "registered_at": version.created_at.isoformat(),
        "description": version.description,
        "mlflow_run_id": version.run_id,
        "digest": version.digest,
        "data_hash": version.data_hash,
        "feature_version": version.feature_version,
        "git_commit": version.git_commit,
        "feature_names": list(model.spec.features),
        "metrics": dict(sorted(version.metrics.items())),
        "sharing": {
            "rule": "win_probability = odds(score) ** exponent / their sum in the race",
            "exponent": model.spec.sharing_exponent,
        },
    }


def index_of(exported: Sequence[Exported]) -> dict[str, Any]:
    """Return the table of contents, the newest version first."""
    best, why = best_of(exported)
    return {
        "model_name": MODEL,
        "best_model": best.name,
        "best_because": why,
        "models": [_entry(one, is_best=one is best) for one in exported],
    }


def config_of(greyhound_version: str) -> dict[str, Any]:
    """Return what this folder is and how its models are opened."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model_name": MODEL,
        "models_dir": MODELS,
        "metadata_dir": METADATA,
        "best_model": BEST,
        "model_index": INDEX,
        "training_summary": SUMMARY,
        "serialization": "joblib",
        "opened_by": "joblib.load, with greyhound[training] installed; loading a joblib file may run code",
        "greyhound_version": greyhound_version,
        "note": "Written by `greyhound models export`; changes made here are lost, the registry is MLflow's.",
    }


def is_ours(config: Mapping[str, Any]) -> bool:
    """Whether a folder with this configuration was written by an export."""
    return config.get("format") == FORMAT


def _entry(exported: Exported, *, is_best: bool) -> dict[str, Any]:
    summary = summary_of(exported.model.documents["summary"])
    shown = ("model_type", "accuracy", "auc_score", "f1_score", "last_trained")
    return {
        "model_id": exported.name,
        "version": exported.version.version,
        **{key: summary[key] for key in shown},
        "race_log_loss": exported.version.metrics.get(_MERIT),
        "aliases": list(exported.version.aliases),
        "is_best": is_best,
        "model_file": f"{MODELS}/{exported.name}.joblib",
        "metadata_file": f"{METADATA}/{exported.name}.json",
    }


def _rank(exported: Exported) -> tuple[bool, bool, float, int]:
    version = exported.version
    loss = version.metrics.get(_MERIT, float("inf"))
    return CHAMPION not in version.aliases, version.gates != PASSED, loss, -version.version
