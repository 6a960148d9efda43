"""Gradient boosting on histograms, as scikit-learn has it."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]

from training.families.family import Floats, Params, Setting
from training.onnx_trees import Forest, Tree
from training.resampling import Lesson


@dataclass(frozen=True, slots=True)
class GradientBoostingMember:
    """Fitted trees."""

    estimator: HistGradientBoostingClassifier
    columns: NDArray[np.int64]
    """The features that it was fitted on, as columns of all."""

    def log_odds(self, features: NDArray[np.float32]) -> Floats:
        """Return each runner's log odds."""
        return np.asarray(self.estimator.decision_function(features[:, self.columns]), np.float64)

    def forest(self) -> Forest:
        """Return the trees as a table."""
        trees = []
        for (predictor,) in self.estimator._predictors:
            nodes = predictor.nodes
            is_leaf = nodes["is_leaf"].astype(bool)
            trees.append(
                Tree(
                    feature=self.columns[nodes["feature_idx"].astype(np.int64)],
                    threshold=nodes["num_threshold"].astype(np.float64),
                    yes=np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
                    no=np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
                    unknown_is_yes=nodes["missing_go_to_left"].astype(bool),
                    value=nodes["value"].astype(np.float64),
                )
            )
        return Forest(tuple(trees), "LEQ", base=float(np.ravel(self.estimator._baseline_prediction)[0]))


class GradientBoosting:
    """Boosted trees on binned features; codes are treated as amounts."""

    name = "gradient_boosting"
    has_focal_loss = False
    defaults: ClassVar[Params] = {
        "learning_rate": 0.06, "max_iter": 90, "max_leaf_nodes": 12, "min_samples_leaf": 60,
        "l2_regularization": 5.0, "max_features": 0.4,
    }  # fmt: skip

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return one point of the search space."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "max_iter": trial.suggest_int("max_iter", 30, 250, log=True),
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 4, 31, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 10, 200, log=True),
            "l2_regularization": trial.suggest_float("l2_regularization", 0.01, 100.0, log=True),
            "max_features": trial.suggest_float("max_features", 0.15, 1.0),
        }

    def fit(self, lesson: Lesson, params: Params, setting: Setting) -> GradientBoostingMember:
        """Fit on the lesson."""
        estimator = HistGradientBoostingClassifier(
            **params, max_bins=127, early_stopping=False, random_state=setting.seed
        )
        # its binning fails on a column without two values (scikit-learn 1.9)
        low = np.fmin.reduce(lesson.features, axis=0)
        columns = np.flatnonzero(np.fmax.reduce(lesson.features, axis=0) > low)
        fitted = estimator.fit(lesson.features[:, columns], lesson.won, sample_weight=lesson.weights)
        return GradientBoostingMember(fitted, columns)
