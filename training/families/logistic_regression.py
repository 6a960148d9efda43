"""Logistic regression: known values clipped and standardised, unknown ones at the median and flagged."""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from training.families.family import Floats, Params, Setting
from training.resampling import Lesson, medians

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
    defaults: ClassVar[Params] = {"c": 0.03, "l1_ratio": 0.0, "clip": 0.005}

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return one point of the search space."""
        return {
            "c": trial.suggest_float("c", 1e-4, 3.0, log=True),
            "l1_ratio": trial.suggest_float("l1_ratio", 0.0, 1.0),
            "clip": trial.suggest_float("clip", 0.001, 0.05, log=True),
        }

    def fit(self, lesson: Lesson, params: Params, setting: Setting) -> LinearMember:
        """Fit on the lesson."""
        x = lesson.features.astype(np.float64)
        unknown = np.isnan(x)
        share_unknown = unknown.mean(axis=0)
        median = medians(lesson.features).astype(np.float64)
        filled = np.where(unknown, median, x)
        low, high = np.quantile(filled, [params["clip"], 1 - params["clip"]], axis=0)
        clipped = np.clip(filled, low, high)
        scale = clipped.std(axis=0)
        amounts = np.flatnonzero((scale > 1e-9) & ~np.isin(np.arange(x.shape[1]), list(setting.categorical)))
        flags = np.flatnonzero((share_unknown > _MIN_FLAGGED) & (share_unknown < 1 - _MIN_FLAGGED))
        columns, values = _levels(x, setting)
        mean = clipped[:, amounts].mean(axis=0)
        design = np.hstack(
            [(clipped[:, amounts] - mean) / scale[amounts], unknown[:, flags], x[:, columns] == values]
        )
        # the penalty is per mean loss: `c` means the same for 10,000 and for 400,000 runners
        learner = LogisticRegression(
            C=params["c"] * 1e4 / len(x), l1_ratio=params["l1_ratio"], solver="saga", max_iter=60, tol=1e-3,
            random_state=setting.seed,
        )  # fmt: skip
        if params["l1_ratio"] < 0.5:
            learner = LogisticRegression(C=params["c"] * 1e4 / len(x), max_iter=300)
        with warnings.catch_warnings():
            # saga stops short of its tolerance on strong penalties; the search judges what it got
            warnings.simplefilter("ignore", ConvergenceWarning)
            learner.fit(design, lesson.won, sample_weight=lesson.weights)
        coefficients = np.asarray(learner.coef_[0], np.float64)
        of_amounts, of_flags, of_levels = np.split(coefficients, np.cumsum([len(amounts), len(flags)]))
        weight, unknown_weight = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        weight[amounts] = of_amounts / scale[amounts]
        unknown_weight[flags] = of_flags
        intercept = float(learner.intercept_[0] - mean @ weight[amounts])
        return LinearMember(median, low, high, weight, unknown_weight, columns, values, of_levels, intercept)


def _levels(x: Floats, setting: Setting) -> tuple[NDArray[np.int64], Floats]:
    """Return column and value of every level of the codes that have few."""
    columns, values = [], []
    for column in setting.categorical:
        known = np.unique(x[~np.isnan(x[:, column]), column])
        if len(known) <= _MAX_LEVELS:
            columns += [column] * len(known)
            values += known.tolist()
    return np.array(columns, np.int64), np.array(values, np.float64)
