"""The evaluation of a written model on the test races: the figures, and its parity with the fitted one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import LoadedModel
from model_registry.artifact.parity import check_parity
from racing import metrics
from racing.race_table import RaceTable
from training.evaluation.baselines import Baselines
from training.evaluation.evaluation import Evaluation, evaluate
from training.search.candidates import Candidate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestEvaluation:
    """The figures of a written model on the test races, and its answers; arrays have shape (n_runners,)."""

    __test__: ClassVar[bool] = False  # pytest collects classes by this name otherwise

    evaluation: Evaluation
    probabilities: Floats
    """Within each race, of sum 1."""
    scores: Floats
    """Calibrated, each runner judged on its own."""
    uncalibrated_scores: Floats
    parity_error: float
    """Largest difference between the written graphs and the fitted estimators."""
    calibration_effect: Mapping[str, float]
    """ECE and spread of errors of the scores, before and after calibration."""


def evaluate_written(
    written: LoadedModel, fitted: Candidate, test: RaceTable, baselines: Baselines, f1_threshold: float
) -> TestEvaluation:
    """Return the evaluation of the written graphs; the fitted candidate is there for parity alone."""
    features = test.inputs(len(written.spec.features))
    log_odds = written.log_odds(features, test.race)
    scores = written.scores_of(log_odds, test.race)
    probabilities = written.probabilities_of(log_odds, test.race)
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
    return TestEvaluation(
        evaluation=evaluation,
        probabilities=probabilities,
        scores=scores,
        uncalibrated_scores=uncalibrated,
        parity_error=parity_of(written, log_odds, fitted, test),
        calibration_effect=_calibration_effect(uncalibrated, scores, test),
    )


def parity_of(written: LoadedModel, got: Floats, fitted: Candidate, rows: RaceTable) -> float:
    """Return the largest difference between a written model, which gave ``got``, and its estimators."""
    log_odds = fitted.log_odds(rows)
    return check_parity(
        written,
        rows.features,
        log_odds=log_odds,
        probabilities=fitted.probabilities_of(log_odds, rows),
        got=got,
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
