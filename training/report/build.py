"""Compute the content of the report from the result of a training."""

import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from training.report.ageing import ageing_curve
from training.report.content import (
    BY_RACE,
    CandidateLoss,
    FamilySearch,
    Histogram,
    Origin,
    ReportContent,
    TrialSummary,
)
from training.report.lift import lifts_of, overall_slice
from training.report.loss_metric import loss_metric_for
from training.result import Result
from training.search.search import Trial

Floats = NDArray[np.float64]

_BIN = 0.02
_ROC_POINTS = 150
_OF_BALANCE = ("imbalance", "focal_gamma")


def build_report(result: Result, documents: Mapping[str, Mapping[str, Any]]) -> ReportContent:
    """Return all that the report shows, from the test races and the history of the search."""
    began = time.monotonic()
    split, evaluated, package = result.split, result.evaluated, result.package
    metric = loss_metric_for(split.test, evaluated.evaluation)
    probabilities = (evaluated.probabilities if metric.is_by_race else evaluated.scores)[metric.rows]
    features = package.spec.features
    return ReportContent(
        version=None,
        standing="undecided",
        summary=documents["summary"],
        feature_scope=result.feature_scope,
        loss_name=metric.name,
        evaluation=evaluated.evaluation,
        gates=result.gates,
        roc=_roc(evaluated.scores, split.test.won),
        reliability=metrics.reliability(probabilities, split.test.won[metric.rows]),
        ece_by_chance=metrics.ece_by_chance(probabilities),
        histogram=_histogram(probabilities),
        overall=overall_slice(split.test, evaluated.probabilities, features),
        lifts=lifts_of(split.test, evaluated.probabilities, features),
        monotone=result.monotone,
        curve=result.findings.curve,
        importance=result.findings.importance,
        members=tuple((member.name, member.weight) for member in package.spec.members),
        is_market_alone=package.spec.is_market_alone,
        candidates=tuple(
            CandidateLoss(
                candidate.name,
                result.choice.losses[candidate.name],
                candidate.name == result.chosen.name,
                candidate.scoring_steps,
                candidate.seconds,
                len(candidate.members),
            )
            for candidate in result.candidates
        ),
        judged_by=result.choice.judged_by,
        weighs_cost=bool(result.choice.steps),
        larger=result.choice.larger,
        searches=_searches(result),
        ageing=ageing_curve(
            metric.losses(evaluated.probabilities, evaluated.scores),
            metric,
            package.baselines,
            split.before_test.date.max().astype("datetime64[D]"),
            metric.expected_gaps(evaluated.probabilities),
        ),
        origin=Origin(
            command=_command(result, documents["summary"]["data"]),
            data_hash=result.origin["data_hash"],
            git_commit=result.origin["git_commit"],
            feature_version=result.origin["feature_version"],
            versions=documents["training"]["versions"],
            seconds={**result.stage_seconds, "Report": time.monotonic() - began},
        ),
    )


def _searches(result: Result) -> tuple[FamilySearch, ...]:
    return tuple(
        FamilySearch(
            family=candidate.name,
            trials=tuple(_tried(trial) for trial in candidate.trials),
            best=_tried(candidate.best),
            best_params=candidate.best.params,
            search_s=(searched := sum(trial.seconds for trial in candidate.trials)),
            fit_s=max(candidate.seconds - searched, 0.0),  # below 0 if trials were resumed
        )
        for candidate in result.candidates
        if candidate.best is not None
    )


def _tried(trial: Trial) -> TrialSummary:
    others = {name: value for name, value in trial.params.items() if name not in _OF_BALANCE}
    by_race = trial.params.get("objective") == "race"
    return TrialSummary(
        number=trial.number,
        loss=trial.loss,
        fold_losses=trial.fold_losses,
        is_complete=trial.state == "complete",
        balance=BY_RACE if by_race else str(trial.params.get("imbalance", "none")),
        others=json.dumps(others, sort_keys=True, default=str),
    )


def _roc(scores: Floats, won: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(won[order]) / max(int(won.sum()), 1)
    alarms = np.cumsum(~won[order]) / max(int((~won).sum()), 1)
    shown = np.unique(np.linspace(0, len(order) - 1, _ROC_POINTS).astype(np.int64))
    return ((0.0, 0.0), *zip(alarms[shown].tolist(), hits[shown].tolist(), strict=True))


def _histogram(p: Floats) -> Histogram:
    counts = np.bincount((p / _BIN).astype(np.int64))
    return Histogram(_BIN, tuple(counts.tolist()))


def _command(result: Result, data: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the command that does the same again, even when the database has later races by then."""
    settings = result.settings
    parts = [
        f"greyhound train --from {data['train']['from']} --until {data['test']['until']}",
        f"--test-from {data['test']['from']} --families {','.join(settings.families)}",
        f"--knows {result.feature_scope} --trials {settings.n_trials} --seed {settings.seed} "
        f"--calibration {settings.calibration}",
    ]
    if result.countries:
        parts.append(f"--countries {','.join(result.countries)}")
    if result.refit is None:
        parts.append("--no-refit")
    if settings.best:
        parts.append("--best")
    if settings.time_budget_s is not None:
        parts.append(f"--time-budget {settings.time_budget_s:g}s")
    return " \\\n  ".join(parts)
