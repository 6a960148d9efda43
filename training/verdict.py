"""The judgement of a written model on the test races, beside the fitted one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import LoadedModel
from model_registry.artifact.parity import check_parity
from racing import metrics
from racing.race_table import RaceTable
from training.baselines import Baselines
from training.candidates import Candidate
from training.evaluation import Evaluation, evaluate
from training.gates import ChampionScores, Gate, judge

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
    written: LoadedModel,
    fitted: Candidate,
    test: RaceTable,
    baselines: Baselines,
    f1_threshold: float,
    rival: ChampionScores | None,
) -> Verdict:
    """Judge the written graphs; the fitted candidate is there for parity alone."""
    log_odds = written.log_odds(test.features)
    scores = written.scores(test.features, test.race)
    probabilities = written.probabilities_of(log_odds, test.race)
    parity_error = parity_of(written, fitted, test)
    evaluation = evaluate(
        test,
        probabilities,
        scores,
        baselines,
        f1_threshold=f1_threshold,
        market_combination=written.spec.market_combination,
        place_discounts=written.spec.place_discounts,
    )
    uncalibrated = 0.5 * (1 + np.tanh(0.5 * (log_odds - written.level_of(log_odds, test.race))))
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


def parity_of(written: LoadedModel, fitted: Candidate, rows: RaceTable) -> float:
    """Return the largest difference between a written model and its fitted estimators on some races."""
    return check_parity(
        written,
        rows.features,
        log_odds=fitted.log_odds(rows.features),
        probabilities=fitted.probabilities(rows),
        race=rows.race,
        tolerance=np.inf,  # the gate decides
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
