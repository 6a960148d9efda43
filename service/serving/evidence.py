"""The evidence of a version, read from the documents of its artifact.

What an artifact lacks, as it is older or was made by other hands, is null, and so is a part of another shape.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from model_registry.artifact import MARKET_ALONE
from model_registry.learning import JUDGED, learning_of
from service.schemas.evidence import EvidenceOut

DOCUMENTS = ("model", "summary", "metrics", "training", JUDGED)
"""The documents of an artifact that are needed."""
Documents = Mapping[str, Mapping[str, Any]]


def evidence_of(version: int, digest: str, documents: Documents) -> EvidenceOut:
    """Return the evidence that is in the documents of an artifact."""
    model, summary, metrics, training, _ = (documents.get(name) or {} for name in DOCUMENTS)
    learning = learning_of(documents)
    search, chosen = _of(training, "search"), training.get("families")
    values = {
        "kind": model.get("kind"),
        "model_type": summary.get("model_type"),
        "is_simulated": summary.get("is_simulated"),
        "simulated_share": summary.get("simulated_share"),
        "trained_at": summary.get("last_trained"),
        "training_s": training.get("seconds"),
        "feature_version": model.get("feature_version"),
        "n_features": len(model.get("features") or ()) or None,
        "data_hash": training.get("data_hash"),
        "git_commit": training.get("git_commit"),
        "libraries": training.get("versions"),
        "data": training.get("data") or summary.get("data"),
        "learnt": summary.get("learnt"),
        "learnt_until": learning.learnt_until,
        "is_refit": learning.is_refit,
        "judged_learnt_until": learning.judged_learnt_until,
        "judged_digest": learning.judged_digest,
        "judgement": learning.sentence,
        "races": metrics.get("races"),
        "beside_market": metrics.get("beside_market"),
        "market_information": metrics.get("market_information"),
        "truth_covered": metrics.get("truth_covered"),
        "runners": metrics.get("runners"),
        "reliability": _bins(_of(metrics, "reliability")),
        "ece_by_chance": metrics.get("ece_by_chance"),
        "gates_passed": summary.get("gates_passed"),
        "gates": summary.get("gates"),
        "class_balance": summary.get("class_balance"),
        "base_rate": _of(training, "baselines").get("base_rate"),
        "calibration": _calibration(model, _of(metrics, "calibration")),
        "combination": _combination(_of(model, "market_combination")),
        "members": model.get("members"),
        "budget": training.get("budget"),
        "n_trials": search.get("trials"),
        "judged_by": _of(training, "choice").get("judged_by"),
        "families": chosen if chosen is not None else _losses(_of(training, "choice"), training),
        "places": metrics.get("places"),
    }
    return _as_far_as_it_fits({"version": version, "digest": digest} | values)


def _of(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def _bins(columns: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    names = ("predicted", "observed", "n_runners")
    found = [columns.get(name) for name in names]
    if not all(isinstance(column, list) for column in found):
        return None
    return [dict(zip(names, row, strict=True)) for row in zip(*found, strict=False)]


def _calibration(model: Mapping[str, Any], effect: Mapping[str, Any]) -> dict[str, Any] | None:
    made = _of(model, "calibration")
    if not made:
        return None
    return {
        "method": made.get("method"),
        "slope": made.get("a"),
        "intercept": made.get("b"),
        "sharing_exponent": _of(model, "sharing").get("exponent"),
        **effect,
    }


def _combination(weights: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the weights; those of earlier artifacts might be negative, which is the market alone."""
    a, b = weights.get("a"), weights.get("b")
    if not isinstance(a, int | float) or not isinstance(b, int | float):
        return None
    a, b = MARKET_ALONE if a < 0 or b < 0 else (a, b)
    return {"a": a, "b": b, "is_market_alone": (a, b) == MARKET_ALONE}


def _losses(choice: Mapping[str, Any], training: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the candidates' losses, which is all that older artifacts have of them."""
    losses, chosen = _of(choice, "losses"), _of(training, "chosen").get("name")
    values = [{"name": name, "loss": loss, "is_chosen": name == chosen} for name, loss in losses.items()]
    return values or None


def _as_far_as_it_fits(values: dict[str, Any]) -> EvidenceOut:
    """Read what is values; a part of another shape becomes null, and the rest stays."""
    while True:
        try:
            return EvidenceOut.model_validate(values)
        except ValidationError as error:
            misfits = {str(fault["loc"][0]) for fault in error.errors()}
            values = values | dict.fromkeys(misfits)
