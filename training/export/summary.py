"""The summary of a training: the keys that pages of model status read, then ours."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from model_registry.learning import Learning
from training.data.whole_races import MIN_WHOLE_RACES
from training.evaluation.evaluation import MODEL, Evaluation
from training.gates import Gate, failed

KINDS = {
    "logistic": "Logistic Regression",
    "logistic_regression": "Logistic Regression",
    "random_forest": "Random Forest",
    "gradient_boosting": "Gradient Boosting",
    "xgboost": "XGBoost",
    "catboost": "CatBoost",
    "field_net": "Field Net",
    "ensemble": "Ensemble",
    "small_ensemble": "Ensemble of two",
}
NOUNS = KINDS | {
    "logistic_regression": "a logistic regression",
    "random_forest": "a random forest",
    "gradient_boosting": "gradient boosting",
    "field_net": "a field net",
    "ensemble": "the ensemble",
    "small_ensemble": "the ensemble of two",
}
"""Families and blends as they stand within a sentence."""
_MAX_NAMED = 3
_CALIBRATIONS = {"platt": "Platt Scaling", "isotonic": "Isotonic Regression", "none": "None"}
BALANCES = {"smote_nc": "SMOTE-NC", "class_weight": "Class Weights", "focal": "Focal Loss"}


def summarize(
    *,
    families: Sequence[str],
    evaluation: Evaluation,
    gates: Sequence[Gate],
    windows: Mapping[str, Mapping[str, Any]],
    learnt: Mapping[str, Any],
    learning: Learning,
    n_features: int,
    class_balance: Sequence[str],
    is_market_alone: bool,
    calibration: str,
    n_trials: int,
    n_families: int,
    trained_at: dt.datetime,
    simulated_share: float,
    larger: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the summary, all figures from test races that neither the judged model nor the search saw.

    ``larger`` is the candidate of the smallest loss, where a cheaper one was chosen.
    ``families`` are those of the members of what serves.
    ``windows`` are the parts of the data, ``learnt`` is all that what serves has learnt from.

    ``race_log_loss``, ``auc_score`` and ``ece`` are of the win probabilities within whole races, as every
    page shows them (of single runners where such races are few). ``accuracy``, ``f1_score`` and ``log_loss``
    judge single runners, each alone, at their natural share of winners (see
    :class:`~training.evaluation.evaluation.RunnerFigures`): "nobody wins" is 0.875 accurate in fields of 8.
    """
    runners, beside = evaluation.runners, evaluation.beside_market
    by_races = evaluation.races.n_races >= MIN_WHOLE_RACES
    race_log_loss = evaluation.races[MODEL].race_log_loss if by_races else None
    merit = f"race log loss {race_log_loss:.2f}" if by_races else f"log loss {runners.log_loss:.3f}"
    return {
        "success": True,
        "model_type": f"{model_title(families)} ({merit})",
        "accuracy": runners.accuracy,
        "auc_score": evaluation.races[MODEL].auc if by_races else runners.auc,
        "f1_score": runners.f1,
        "last_trained": trained_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "features": n_features,
        "samples": int(learnt["runners"]),
        "class_balance": describe_balance(class_balance),
        "calibration": _CALIBRATIONS.get(calibration, calibration),
        "optimization": optimization(n_trials, n_families),
        "race_log_loss": race_log_loss,
        "log_loss": runners.log_loss,
        "base_rate_log_loss": runners.base_rate_log_loss,
        "nobody_wins_accuracy": runners.nobody_wins_accuracy,
        "f1_threshold": runners.f1_threshold,
        "balanced_f1": runners.balanced_f1,
        "ece": evaluation.races[MODEL].ece if by_races else runners.ece,
        "market_information": evaluation.market_information,
        "truth_covered": evaluation.truth_covered,
        "baselines": {
            row.name: row.race_log_loss for row in evaluation.races.rows if by_races and row.name != MODEL
        },
        "beside_market": {row.name: row.race_log_loss for row in beside.rows} if beside else {},
        "is_market_alone": is_market_alone,
        "test_races": int(windows["test"]["races"]),
        "test_other_races": int(windows["test"]["other_races"]),
        "test_runners": runners.n_runners,
        "learnt": dict(learnt),
        "learnt_until": learning.learnt_until and str(learning.learnt_until),
        "judged_learnt_until": learning.judged_learnt_until and str(learning.judged_learnt_until),
        "is_refit": learning.is_refit,
        "judgement": learning.sentence,
        "countries": list(learning.countries),
        "data": {part: dict(of_part) for part, of_part in windows.items()},
        "simulated_share": simulated_share,
        "is_simulated": simulated_share > 0,
        "larger": larger and dict(larger),
        "gates_passed": not failed(gates),
        "gates": [gate.as_json() for gate in gates],
    }


def model_title(families: Sequence[str]) -> str:
    """Return what a model is called by its members' families: ``Ensemble of a field net and XGBoost``."""
    names = list(dict.fromkeys(families))
    if len(names) == 1:
        return KINDS.get(names[0], names[0])
    if len(names) > _MAX_NAMED:
        return f"Ensemble of {len(names)} families"
    nouns = [NOUNS.get(name, name) for name in names]
    return f"Ensemble of {', '.join(nouns[:-1])} and {nouns[-1]}"


def optimization(n_trials: int, n_families: int) -> str:
    """Return how parameters were searched, with the trials in all."""
    families = "1 family" if n_families == 1 else f"{n_families} families"
    trials = "1 trial" if n_trials == 1 else f"{n_trials} trials"
    return f"Optuna Bayesian ({trials} in all, {families})"


def describe_balance(choices: Sequence[str]) -> str:
    """Return what the members did about the few winners, e.g. ``SMOTE-NC + Focal Loss``; else ``None``."""
    names = [BALANCES.get(choice, choice) for choice in choices if choice and choice != "none"]
    return " + ".join(dict.fromkeys(names)) or "None"
