"""XGBoost, with the focal loss and the race as objectives of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optuna
import xgboost as xgb
from numpy.typing import NDArray

from training.data.imbalance import focal_derivatives
from training.data.training_set import TrainingSet
from training.families.family import Floats, Params, Setting
from training.families.forest import Forest, Tree

Objective = Callable[[NDArray[np.float32], xgb.DMatrix], tuple[Floats, Floats]]

_BINS = 128


@dataclass(frozen=True, slots=True)
class XGBoostMember:
    """Fitted trees over a base of our own, so that both objectives start at the same place."""

    booster: xgb.Booster
    base: float

    def log_odds(self, features: NDArray[np.float32]) -> Floats:
        """Return each runner's log odds."""
        rows = xgb.DMatrix(features, base_margin=np.full(len(features), self.base), nthread=1)
        return np.asarray(self.booster.predict(rows, output_margin=True), np.float64)

    def forest(self) -> Forest:
        """Return the trees as a table."""
        written = json.loads(self.booster.save_raw("json").decode())
        return Forest(
            tuple(_tree(tree) for tree in written["learner"]["gradient_booster"]["model"]["trees"]),
            "LT",
            base=self.base,
        )


class XGBoost:
    """Boosted trees (Chen and Guestrin 2016) on histograms."""

    name = "xgboost"
    has_focal_loss = True
    defaults: ClassVar[Params] = {
        "eta": 0.1, "n_rounds": 175, "max_depth": 6, "min_child_weight": 20.0, "subsample": 0.6,
        "colsample_bytree": 0.25, "reg_lambda": 10.0, "reg_alpha": 0.1,
    }  # fmt: skip

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return one point of the search space."""
        return {
            "eta": trial.suggest_float("eta", 0.04, 0.2, log=True),
            "n_rounds": trial.suggest_int("n_rounds", 60, 250, log=True),
            "max_depth": trial.suggest_int("max_depth", 3, 7),
            "min_child_weight": trial.suggest_float("min_child_weight", 2.0, 100.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.4, 1.0),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.1, 0.6),
            "reg_lambda": trial.suggest_float("reg_lambda", 0.5, 50.0, log=True),
            "reg_alpha": trial.suggest_float("reg_alpha", 0.01, 10.0, log=True),
        }

    def fit(self, train: TrainingSet, params: Params, setting: Setting) -> XGBoostMember:
        """Return a member fitted on the training set."""
        objective, base = _objective(train, setting)
        rows = _binned(train, setting.n_threads)
        rows.set_info(
            label=train.won.astype(np.float32),
            weight=train.weights,
            base_margin=np.full(len(train.won), base),
        )
        grown = {name: value for name, value in params.items() if name != "n_rounds"}
        grown["eta"], n_rounds = setting.steps(params["eta"], params["n_rounds"])
        grown |= {"objective": "binary:logistic", "tree_method": "hist", "max_bin": _BINS}
        grown["nthread"] = setting.n_threads
        grown |= {"seed": setting.seed, "verbosity": 0}
        return XGBoostMember(xgb.train(grown, rows, n_rounds, obj=objective), base)


def _binned(train: TrainingSet, n_threads: int) -> xgb.QuantileDMatrix:
    """Return the rows in bins of the features alone, not of weights: a quarter of a fit's time."""
    shared = {} if train.shared is None else train.shared
    if "xgboost" not in shared:
        shared["xgboost"] = xgb.QuantileDMatrix(train.features, max_bin=_BINS, nthread=n_threads)
    rows: xgb.QuantileDMatrix = shared["xgboost"]
    return rows


def _objective(train: TrainingSet, setting: Setting) -> tuple[Objective | None, float]:
    """Return the derivatives by the margin, ``None`` for the library's own, and where the margin starts."""
    races, gamma = train.races, setting.focal_gamma
    if races is not None:
        return lambda margin, _: races.derivatives(margin.astype(np.float64).ravel()), 0.0
    share = float(np.clip(np.average(train.won, weights=train.weights), 0.01, 0.99))
    base = float(np.float32(np.log(share / (1 - share))))
    if gamma is None:
        return None, base

    def focal(margin: NDArray[np.float32], _: xgb.DMatrix) -> tuple[Floats, Floats]:
        gradient, hessian = focal_derivatives(margin.astype(np.float64).ravel(), train.won, gamma)
        return gradient * train.weights, hessian * train.weights

    return focal, base


def _tree(written: dict[str, Any]) -> Tree:
    yes = np.array(written["left_children"], np.int64)
    conditions = np.array(written["split_conditions"], np.float32).astype(np.float64)
    return Tree(
        feature=np.array(written["split_indices"], np.int64),
        threshold=conditions,
        yes=yes,
        no=np.array(written["right_children"], np.int64),
        unknown_is_yes=np.array(written["default_left"], bool),
        value=conditions,  # at a leaf the same field holds its weight
    )
