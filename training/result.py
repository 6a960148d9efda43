"""What a training found, and the documents and artifacts that are written of it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_registry.artifact import LoadedModel
from model_registry.learning import JUDGED, learning_of
from racing.race_table import RaceTable
from training.data.splits import Split
from training.evaluation.monotone import Monotone
from training.evaluation.written_model import TestEvaluation
from training.export.artifact import Package, write_final
from training.export.documents import library_versions, reference, search_summary, tracks_of, window
from training.export.summary import summarize
from training.gates import Gate
from training.refit import Refit
from training.report.findings import Findings
from training.search.candidates import Candidate, Candidates
from training.search.choice import Choice
from training.search.settings import SearchSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that a training found, before it is written and registered."""

    origin: Mapping[str, str]
    """``data_hash``, ``feature_version`` and ``git_commit``."""
    settings: SearchSettings
    split: Split
    candidates: Candidates
    choice: Choice
    chosen: Candidate
    """As it was judged."""
    package: Package
    """Of the judged model."""
    judged: LoadedModel
    evaluated: TestEvaluation
    """Of the judged model."""
    gates: tuple[Gate, ...]
    findings: Findings
    """Of the judged model."""
    refit: Refit | None
    """What serves instead of the judged model; ``None`` if that serves itself."""
    monotone: Monotone | None
    """What a better last run does to a dog; ``None`` where that was not checked."""
    feature_scope: str
    """Which prices the features may hold, see :data:`racing.features.KNOWS`."""
    countries: tuple[str, ...]
    """Countries that the training was restricted to; empty if it was not."""
    stage_seconds: Mapping[str, float]
    """How long each stage lasted, in order."""
    seconds: float


def documents_of(
    result: Result, effects: Mapping[str, Any], *, judged_digest: str | None = None
) -> dict[str, Mapping[str, Any]]:
    """Return the documents of an artifact, all but the golden card.

    With ``judged_digest`` they are those of the refitted model, which name the judged one; without, those of
    the judged model itself.
    """
    split, package, evaluated = result.split, result.package, result.evaluated
    parts = {"train": split.train, "calibration": split.calibration, "test": split.test}
    windows = {name: window(part) for name, part in parts.items()}
    trials = result.candidates.trials
    simulated = _simulated_share(list(parts.values()))
    judged = _judged_document(result, windows, judged_digest)
    is_refit = learning_of({"training": {"data": windows}, JUDGED: judged}).is_refit
    learnt = split.all_races if is_refit else split.before_test
    where = {"tracks": tracks_of(learnt), "countries": list(result.countries)}
    learning = learning_of({"training": {"data": windows, **where}, JUDGED: judged})
    return {
        **({JUDGED: judged} if judged else {}),
        "effects": effects,
        "reference": reference(
            split.train.features, package.spec.runner_features, evaluated.probabilities, later=split.test
        ),
        "metrics": evaluated.evaluation.as_json()
        | {"parity_error": evaluated.parity_error, "calibration": evaluated.calibration_effect},
        "training": {
            **result.origin,
            "data": windows,
            **where,
            "simulated_share": simulated,
            "search": {
                "families": list(result.settings.searched),
                "trials": len(trials),
                "seed": result.settings.seed,
                "calibration": result.settings.calibration,
            },
            "choice": result.choice.as_json(),
            "chosen": {
                "name": result.chosen.name,
                "members": {c.name: c.best.params for c in result.candidates if c.best is not None},
            },
            **search_summary(result.settings, result.candidates, result.choice, result.chosen),
            "baselines": {
                "base_rate": package.baselines.base_rate,
                "box_rates": list(package.baselines.box_rates),
            },
            "f1_threshold": package.f1_threshold,
            "versions": library_versions(),
            "seconds": result.seconds,
        },
        "summary": summarize(
            families=[member.name for member in result.chosen.members],
            evaluation=evaluated.evaluation,
            gates=result.gates,
            windows=windows,
            learnt=window(learnt),
            learning=learning,
            n_features=len(package.spec.features),
            class_balance=result.chosen.imbalance,
            is_market_alone=package.spec.is_market_alone,
            calibration=result.settings.calibration,
            n_trials=len(trials),
            n_families=len(result.settings.searched),
            trained_at=dt.datetime.now(dt.UTC),
            simulated_share=simulated,
            larger=result.choice.larger_as_json,
        ),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """The written artifacts of a training."""

    served: Path
    """Folder of what is registered."""
    digest: str
    documents: Mapping[str, Mapping[str, Any]]
    judged: Path | None
    """Folder of the judged model where another one is registered."""


def write_artifacts(result: Result, effects: Mapping[str, Any], folder: Path) -> Artifacts:
    """Write what will serve, and before it the judged model where that is another one."""
    test, judged, documents = result.split.test, folder / JUDGED, documents_of(result, effects)
    digest = write_final(result.package, result.judged, test, documents, judged)
    if result.refit is None:
        return Artifacts(served=judged, digest=digest, documents=documents, judged=None)
    served, documents = folder / "served", documents_of(result, effects, judged_digest=digest)
    digest = write_final(result.refit.package, result.refit.written, test, documents, served)
    return Artifacts(served=served, digest=digest, documents=documents, judged=judged)


def _judged_document(
    result: Result, windows: Mapping[str, Mapping[str, Any]], digest: str | None
) -> dict[str, Any]:
    """Return ``judged.json`` of a refitted model: whom the figures are of, and how well the two agree."""
    if digest is None or result.refit is None:
        return {}
    return {
        "digest": digest,
        "learnt_until": windows["calibration"]["until"],
        "serves_learnt_until": windows["test"]["until"],
        "test": windows["test"],
        "agreement": result.refit.agreement.as_json(),
    }


def _simulated_share(parts: Sequence[RaceTable]) -> float:
    """Return the share of runners whose true probability is known: only the simulator has one."""
    known = sum(int((part.true_probability == part.true_probability).sum()) for part in parts)
    return known / sum(len(part) for part in parts)
