"""Gradient boosting on histograms, as scikit-learn has it.

Its public interface takes no loss of one's own and shows no tree: the loss is a subclass of a private class,
and the trees are read from private attributes. tests/training/test_export.py fails when one of them goes.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn._loss.loss import HalfSquaredError  # type: ignore[import-untyped]
from sklearn.ensemble import (  # type: ignore[import-untyped]
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from training.data.training_set import TrainingSet
from training.families.family import Floats, Params, Setting
from training.families.forest import Forest, Tree
from training.objective import WithinRace


@dataclass(frozen=True, slots=True)
class GradientBoostingMember:
    """Fitted trees."""

    estimator: HistGradientBoostingClassifier | HistGradientBoostingRegressor
    columns: NDArray[np.int64]
    """The features that it was fitted on, as columns of all."""

    def log_odds(self, features: NDArray[np.float32]) -> Floats:
        """Return each runner's log odds."""
        if isinstance(self.estimator, HistGradientBoostingClassifier):
            return np.asarray(self.estimator.decision_function(features[:, self.columns]), np.float64)
        return np.asarray(self.estimator.predict(features[:, self.columns]), np.float64)

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
        "learning_rate": 0.1, "max_iter": 120, "max_leaf_nodes": 31, "min_samples_leaf": 100,
        "l2_regularization": 5.0, "max_features": 0.25,
    }  # fmt: skip

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return one point of the search space."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.04, 0.2, log=True),
            "max_iter": trial.suggest_int("max_iter", 40, 160, log=True),
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 6, 40, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 20, 300, log=True),
            "l2_regularization": trial.suggest_float("l2_regularization", 0.1, 100.0, log=True),
            "max_features": trial.suggest_float("max_features", 0.1, 0.6),
        }

    def fit(self, train: TrainingSet, params: Params, setting: Setting) -> GradientBoostingMember:
        """Return a member fitted on the training set."""
        shared = {} if train.shared is None else train.shared
        if "columns" not in shared:
            # its binning fails on a column without two values (scikit-learn 1.9)
            low = np.fmin.reduce(train.features, axis=0)
            columns = np.flatnonzero(np.fmax.reduce(train.features, axis=0) > low)
            shared.update(columns=columns, features=train.features[:, columns])
        columns, features = shared["columns"], shared["features"]
        rate, n_steps = setting.steps(params["learning_rate"], params["max_iter"])
        grown = {**params, "learning_rate": rate, "max_iter": n_steps}
        grown |= {"max_bins": 127, "early_stopping": False, "random_state": setting.seed}
        if (races := train.races) is not None:
            # the loss has the weights; given to the estimator too they would count twice
            estimator = _Regressor(loss=_RaceLoss(races), **grown)
            estimator.shared = shared
            with threadpool_limits(setting.n_threads):
                fitted = estimator.fit(features, races.target)
        else:
            estimator = _Classifier(**grown)
            estimator.shared = shared
            with threadpool_limits(setting.n_threads):
                fitted = estimator.fit(features, train.won, sample_weight=train.weights)
        del estimator.shared
        return GradientBoostingMember(fitted, columns)


class _SharedBins:
    """Bins that the fits on the same rows share: computed without weights, once."""

    shared: MutableMapping[str, Any]
    _bin_mapper: Any

    def _bin_data(
        self, x: NDArray[np.float32], sample_weight: Floats | None, is_training_data: bool
    ) -> NDArray[np.uint8]:
        if "bins" not in self.shared:
            self.shared["bins"] = self._bin_mapper.fit_transform(x), self._bin_mapper
        binned, self._bin_mapper = self.shared["bins"]
        return np.asarray(binned)


class _Regressor(_SharedBins, HistGradientBoostingRegressor):  # type: ignore[misc]
    pass


class _Classifier(_SharedBins, HistGradientBoostingClassifier):  # type: ignore[misc]
    pass


class _RaceLoss(HalfSquaredError):  # type: ignore[misc]
    """The loss within the race, behind the interface that scikit-learn's boosting calls."""

    constant_hessian = False

    def __init__(self, races: WithinRace) -> None:
        super().__init__()
        self.races = races
        self.constant_hessian = False

    def fit_intercept_only(self, y_true: Floats, sample_weight: Floats | None = None) -> np.float64:
        """Start even: only differences within a race count."""
        return np.float64(0.0)

    def gradient_hessian(
        self,
        y_true: Floats,
        raw_prediction: Floats,
        sample_weight: Floats | None = None,
        gradient_out: NDArray[np.float32] | None = None,
        hessian_out: NDArray[np.float32] | None = None,
        n_threads: int = 1,
    ) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
        """Write the derivatives where the boosting wants them."""
        assert gradient_out is not None
        assert hessian_out is not None
        gradient_out[:], hessian_out[:] = self.races.derivatives(np.ravel(raw_prediction))
        return gradient_out, hessian_out
