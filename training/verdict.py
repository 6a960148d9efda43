"""The judgement of a written model on the test races, beside the fitted one and beside the champion."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import LoadedModel, load_artifact
from model_registry.errors import ArtifactBroken, NoChampion, NotScored
from model_registry.parity import check_parity
from model_registry.registry import ModelRegistry
from racing import metrics
from racing.race_table import RaceTable
from training.baselines import Baselines
from training.candidates import Candidate
from training.evaluation import Evaluation, evaluate
from training.gates import Gate, Rival, judge

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the test races say of a written model, and its answers on them."""

    evaluation: Evaluation
    gates: tuple[Gate, ...]
    probabilities: Floats
    scores: Floats
    parity_error: float
    calibration_effect: Mapping[str, float]
    """What calibration did to the scores of single runners, before and after it."""


def judge_written(
    served: LoadedModel,
    fitted: Candidate,
    test: RaceTable,
    baselines: Baselines,
    f1_threshold: float,
    rival: Rival | None,
) -> Verdict:
    """Judge the graphs that will serve; the fitted candidate is there for parity alone."""
    log_odds = served.log_odds(test.features)
    scores = served.scores(test.features, test.race)
    probabilities = served.probabilities_of(log_odds, test.race)
    parity_error = check_parity(
        served,
        test.features,
        log_odds=fitted.log_odds(test.features),
        probabilities=fitted.probabilities(test),
        race=test.race,
        tolerance=np.inf,  # the gate decides
    )
    evaluation = evaluate(
        test,
        probabilities,
        scores,
        baselines,
        f1_threshold=f1_threshold,
        market_combination=served.spec.market_combination,
        place_discounts=served.spec.place_discounts,
    )
    uncalibrated = 0.5 * (1 + np.tanh(0.5 * (log_odds - served.level_of(log_odds, test.race))))
    gates = judge(
        test,
        evaluation,
        baselines,
        probabilities=probabilities,
        scores=scores,
        uncalibrated=uncalibrated,
        parity_error=parity_error,
        rival=rival,
    )
    return Verdict(
        evaluation=evaluation,
        gates=gates,
        probabilities=probabilities,
        scores=scores,
        parity_error=parity_error,
        calibration_effect=_calibration_effect(uncalibrated, scores, test),
    )


def _calibration_effect(before: Floats, after: Floats, test: RaceTable) -> dict[str, float]:
    """Return the ECE of the scores and the spread of their errors (root of the Brier score)."""
    return {
        f"{figure}_{when}": value
        for when, scores in (("before", before), ("after", after))
        for figure, value in (
            ("ece", metrics.ece(scores, test.won)),
            ("spread", float(np.sqrt(metrics.brier(scores, test.won)))),
        )
    }


def champion_on(test: RaceTable, feature_names: Sequence[str], registry: ModelRegistry) -> Rival | None:
    """Return the champion's answers on the same races, or why it has none; ``None`` without a champion."""
    try:
        version = registry.champion().version
    except NoChampion:
        return None
    try:
        model = load_artifact(registry.fetch(version))
        features = test.features[:, model.spec.columns(feature_names)]
        probabilities, scores = model.probabilities(features, test.race), model.scores(features, test.race)
    except (ArtifactBroken, NotScored) as error:
        return Rival(version=version, why_not=str(error))
    learnt = model.documents["training"].get("data", {})
    last = max(
        (str(learnt[part]["until"]) for part in ("train", "calibration") if part in learnt), default=""
    )
    first_test: dt.date = test.date.min().astype("datetime64[D]").item()
    return Rival(
        version=version,
        probabilities=probabilities,
        scores=scores,
        has_seen_test_days=last >= first_test.isoformat(),
    )
