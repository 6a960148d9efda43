"""``GET /models/{version}/evidence`` on the wire: what a version was trained on, and how good it is.

The names are those of the artifact's documents. Whatever an artifact does not have, since it is older or was
made by other hands, is null; what it has in another shape than this is not told.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_registry.artifact import MARKET_ALONE
from model_registry.learning import JUDGED, learning_of
from service.evidence_parts import (
    BudgetOut,
    CalibrationOut,
    CombinationOut,
    ComparisonOut,
    DataOut,
    FamilyOut,
    GateOut,
    MemberOut,
    PlacesOut,
    ReliabilityBinOut,
    RunnerFiguresOut,
    WindowOut,
)

DOCUMENTS = ("model", "summary", "metrics", "training", JUDGED)
"""The documents of an artifact that are needed."""


class EvidenceOut(BaseModel):
    """What a version was trained on, and how good it is on races that neither it nor its search saw."""

    model_config = ConfigDict(protected_namespaces=())

    version: int = Field(description="Number of the version.", examples=[7])
    digest: str = Field(description="sha256 over its artifact.", examples=["1f6c0a.."])
    kind: str | None = Field(description="Model family, or `ensemble`.", examples=["ensemble"])
    model_type: str | None = Field(
        description="The same for people, with its first figure of merit.",
        examples=["Ensemble (race log loss 1.57)"],
    )
    is_simulated: bool | None = Field(
        description="Whether races of the simulator were among those it was trained or judged on: then the "
        "figures say nothing of real dogs.",
        examples=[False],
    )
    simulated_share: float | None = Field(description="Share of such runners, 0..1.", examples=[0.0])
    trained_at: dt.datetime | None = Field(
        description="End of training, UTC.", examples=["2026-03-01T08:05:30Z"]
    )
    training_s: float | None = Field(description="Seconds that training took.", examples=[1460.0])
    feature_version: str | None = Field(description="Its set of features.", examples=["2"])
    n_features: int | None = Field(description="Number of features.", examples=[145])
    data_hash: str | None = Field(description="sha256 of the data that it learnt from.", examples=["9be1.."])
    git_commit: str | None = Field(description="Code that trained it.", examples=["60dbb74"])
    libraries: dict[str, str] | None = Field(
        description="Versions of Python and of the libraries that trained it.",
        examples=[{"python": "3.11.7", "catboost": "1.2.10"}],
    )
    data: DataOut | None = Field(description="Days and sizes of the parts of the data.")
    learnt: WindowOut | None = Field(
        description="All that what serves has learnt from; null in artifacts that do not tell."
    )
    learnt_until: dt.date | None = Field(
        description="Last race day that what serves has learnt from.", examples=["2026-03-31"]
    )
    is_refit: bool = Field(
        description="Whether what serves was fitted again on all races after the judgement: then all figures "
        "are of the judged model, which had learnt to `judged_learnt_until`.",
        examples=[True],
    )
    judged_learnt_until: dt.date | None = Field(
        description="Last race day that the judged model had learnt from.", examples=["2025-12-31"]
    )
    judged_digest: str | None = Field(
        description="sha256 over the judged model's artifact, which lies in the folder `judged` of the "
        "training's run; null where the judged model serves.",
        examples=["9a2f44.."],
    )
    judgement: str | None = Field(
        description="The same in a sentence.",
        examples=[
            "Judged on 2026-01-01 to 2026-03-31 by the same recipe, which had learnt to 2025-12-31; what "
            "serves has learnt to 2026-03-31."
        ],
    )
    races: ComparisonOut | None = Field(
        description="The model, uniform and box only on every whole race of the test with one winner."
    )
    beside_market: ComparisonOut | None = Field(
        description="The same and what prices say, on those of the races where every price is known; null "
        "where no price is known for half of the races."
    )
    market_information: float | None = Field(
        description="Share of the way from uniform to the closing market, in race log loss: 0 knows nothing "
        "but the field size, 1 is the market.",
        examples=[0.76],
    )
    truth_covered: float | None = Field(
        description="Share of the way to the simulator's true probabilities; null for real races.",
        examples=[None],
    )
    runners: RunnerFiguresOut | None = Field(
        description="Calibrated scores of single runners of the test, each judged alone."
    )
    reliability: list[ReliabilityBinOut] | None = Field(
        description="What was said and what happened, in bins of about equally many runners."
    )
    ece_by_chance: float | None = Field(
        description="95 of 100 perfectly calibrated models show a smaller ECE on these races.",
        examples=[0.0144],
    )
    gates_passed: bool | None = Field(description="Whether every gate was passed.", examples=[True])
    gates: list[GateOut] | None = Field(description="Each condition of promotion, and how it came out.")
    class_balance: str | None = Field(
        description="What the members did about the few winners.", examples=["SMOTE-NC + Focal Loss"]
    )
    base_rate: float | None = Field(description="Share of winners in training, 0..1.", examples=[0.139])
    calibration: CalibrationOut | None = Field(
        description="How log odds became calibrated scores, and what that did."
    )
    combination: CombinationOut | None = Field(
        description="How it combines with the market; null if it does not."
    )
    members: list[MemberOut] | None = Field(description="Graphs of the blend.")
    budget: BudgetOut | None = Field(description="What the search was allowed to spend.")
    n_trials: int | None = Field(description="Trials of the search in all.", examples=[150])
    judged_by: str | None = Field(
        description="Loss on the calibration races by which the candidate was chosen.",
        examples=["expected race log loss"],
    )
    families: list[FamilyOut] | None = Field(
        description="What each family's search came to; null in artifacts that do not tell.",
    )
    places: PlacesOut | None = Field(description="Place probabilities beside other ways to make them.")


Documents = Mapping[str, Mapping[str, Any]]


def evidence_of(version: int, digest: str, documents: Documents) -> EvidenceOut:
    """Return what the documents of an artifact tell."""
    model, summary, metrics, training, _ = (documents.get(name) or {} for name in DOCUMENTS)
    learning = learning_of(documents)
    search, chosen = _of(training, "search"), training.get("families")
    told = {
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
    return _as_far_as_it_fits({"version": version, "digest": digest} | told)


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
    """Return what older artifacts tell of the candidates: by which loss they were chosen."""
    losses, chosen = _of(choice, "losses"), _of(training, "chosen").get("name")
    told = [{"name": name, "loss": loss, "is_chosen": name == chosen} for name, loss in losses.items()]
    return told or None


def _as_far_as_it_fits(told: dict[str, Any]) -> EvidenceOut:
    """Read what is told; a part of another shape becomes null, and the rest stays."""
    while True:
        try:
            return EvidenceOut.model_validate(told)
        except ValidationError as error:
            misfits = {str(fault["loc"][0]) for fault in error.errors()}
            told = told | dict.fromkeys(misfits)
