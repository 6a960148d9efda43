"""Logistic regression: known values clipped and standardised, unknown ones at the median and flagged."""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from training.data.imbalance import medians
from training.data.training_set import TrainingSet
from training.families.family import Floats, Params, Setting
from training.objective import WithinRace

_MAX_LEVELS = 12  # a code of more levels (track, grade) is left out: most of its levels are rare
_MIN_FLAGGED = 0.01  # a column is flagged as unknown if that is so for 1 % to 99 % of the runners


@dataclass(frozen=True, slots=True)
class LinearMember:
    """log_odds = intercept + sum of weights x clipped values + flags of unknown values and of levels."""

    median: Floats
    low: Floats
    high: Floats
    weight: Floats
    """Per unit of the clipped value; 0 where a column is left out."""
    unknown_weight: Floats
    level_column: NDArray[np.int64]
    level_value: Floats
    level_weight: Floats
    intercept: float

    def log_odds(self, features: NDArray[np.float32]) -> Floats:
        """Return each runner's log odds."""
        wide = features.astype(np.float64)
        unknown = np.isnan(wide)
        clipped = np.clip(np.where(unknown, self.median, wide), self.low, self.high)
        levels = (wide[:, self.level_column] == self.level_value) @ self.level_weight
        total: Floats = clipped @ self.weight + unknown @ self.unknown_weight + levels + self.intercept
        return total


class LogisticRegressionFamily:
    """A linear model on standardised features."""

    name = "logistic_regression"
    has_focal_loss = False
    defaults: ClassVar[Params] = {"c": 0.1, "l1_ratio": 0.0, "clip": 0.005}

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return one point of the search space."""
        return {
            "c": trial.suggest_float("c", 1e-4, 3.0, log=True),
            "l1_ratio": trial.suggest_float("l1_ratio", 0.0, 1.0),
            "clip": trial.suggest_float("clip", 0.001, 0.05, log=True),
        }

    def fit(self, train: TrainingSet, params: Params, setting: Setting) -> LinearMember:
        """Return a member: a logistic regression by runner, a conditional logit by race."""
        x = train.features
        share_unknown = np.isnan(x).mean(axis=0)
        median = medians(x)
        low, high = np.empty_like(median), np.empty_like(median)
        amounts, flags = (
            [],
            np.flatnonzero((share_unknown > _MIN_FLAGGED) & (share_unknown < 1 - _MIN_FLAGGED)),
        )
        parts: list[NDArray[np.float32]] = []
        mean, scale = np.zeros(len(median)), np.ones(len(median))
        for column in range(x.shape[1]):
            values = np.where(np.isnan(x[:, column]), median[column], x[:, column])
            low[column], high[column] = np.quantile(values, [params["clip"], 1 - params["clip"]])
            values = np.clip(values, low[column], high[column])
            spread = float(values.std(dtype=np.float64))
            if spread > 1e-6 and column not in setting.categorical:
                mean[column], scale[column] = float(values.mean(dtype=np.float64)), spread
                amounts.append(column)
                parts.append(((values - mean[column]) / spread).astype(np.float32))
        parts += [np.isnan(x[:, column]).astype(np.float32) for column in flags]
        columns, levels = _levels(x, setting)
        parts += [
            (x[:, column] == level).astype(np.float32) for column, level in zip(columns, levels, strict=True)
        ]
        coefficients, intercept = _fit(np.stack(parts, axis=1), train, params, setting)
        of_amounts, of_flags, of_levels = np.split(coefficients, np.cumsum([len(amounts), len(flags)]))
        weight, unknown_weight = np.zeros(len(median)), np.zeros(len(median))
        weight[amounts] = of_amounts / scale[amounts]
        unknown_weight[flags] = of_flags
        return LinearMember(
            median=median.astype(np.float64),
            low=low.astype(np.float64),
            high=high.astype(np.float64),
            weight=weight,
            unknown_weight=unknown_weight,
            level_column=columns,
            level_value=levels,
            level_weight=of_levels,
            intercept=float(intercept - mean @ weight),
        )


def _fit(
    design: NDArray[np.float32], train: TrainingSet, params: Params, setting: Setting
) -> tuple[Floats, float]:
    """Return coefficients and intercept; ``c`` means the same for 10,000 and for 400,000 runners."""
    if train.races is not None:
        return _conditional_logit(design, train.races, params["c"]), 0.0
    c = params["c"] * 1e4 / len(design)
    learner = LogisticRegression(C=c, max_iter=300)
    if params["l1_ratio"] >= 0.5:
        learner = LogisticRegression(
            C=c, l1_ratio=params["l1_ratio"], solver="saga", max_iter=60, tol=1e-3, random_state=setting.seed
        )
    with warnings.catch_warnings():
        # saga stops short of its tolerance on strong penalties; the search judges what it got
        warnings.simplefilter("ignore", ConvergenceWarning)
        learner.fit(design, train.won, sample_weight=train.weights)
    return np.asarray(learner.coef_[0], np.float64), float(learner.intercept_[0])


def _conditional_logit(design: NDArray[np.float32], races: WithinRace, c: float) -> Floats:
    """Return the coefficients of the greatest penalised likelihood by race (ridge)."""
    n_races = float(races.race[-1]) + 1
    ridge = 1.0 / (c * 1e4)

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        log_odds = (design @ coefficients.astype(np.float32)).astype(np.float64)
        gradient, _ = races.derivatives(log_odds)
        by_coefficient = (design.T @ gradient.astype(np.float32)).astype(np.float64) / n_races
        total = races.loss(log_odds) / n_races + 0.5 * ridge * float(coefficients @ coefficients)
        return total, by_coefficient + ridge * coefficients

    start = np.zeros(design.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200, "ftol": 1e-8})
    return np.asarray(found.x, np.float64)


def _levels(x: NDArray[np.float32], setting: Setting) -> tuple[NDArray[np.int64], Floats]:
    """Return column and value of every level of the codes that have few."""
    columns, values = [], []
    for column in setting.categorical:
        known = np.unique(x[~np.isnan(x[:, column]), column])
        if len(known) <= _MAX_LEVELS:
            columns += [column] * len(known)
            values += known.tolist()
    return np.array(columns, np.int64), np.array(values, np.float64)
