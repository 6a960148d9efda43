"""Random forest: bounded trees, unknown values sent where they do best."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.ensemble import (  # type: ignore[import-untyped]
    RandomForestClassifier,
    RandomForestRegressor,
)

from training.data.training_set import TrainingSet
from training.families.family import Floats, Params, Setting
from training.families.forest import CLIP, Forest, Tree

_TREES_IN_SEARCH, _TREES = 16, 100  # more trees only steady the mean: the search needs the order alone
_MAX_ROWS_A_TREE = 40_000
_LEAST_SHARE = 0.004  # of a target whose logarithm is taken


@dataclass(frozen=True, slots=True)
class RandomForestMember:
    """A fitted forest."""

    estimator: RandomForestClassifier | RandomForestRegressor

    def log_odds(self, features: NDArray[np.float32]) -> Floats:
        """Return the mean log odds by race; by runner those of the mean probability, off 0 and 1."""
        if isinstance(self.estimator, RandomForestRegressor):
            return np.asarray(self.estimator.predict(features), np.float64)
        p = np.clip(self.estimator.predict_proba(features)[:, 1], CLIP, 1 - CLIP)
        odds: Floats = np.log(p / (1 - p))
        return odds

    def forest(self) -> Forest:
        """Return the trees as a table, each leaf its share of the mean."""
        n_trees = len(self.estimator.estimators_)
        is_probability = isinstance(self.estimator, RandomForestClassifier)
        trees = []
        for estimator in self.estimator.estimators_:
            tree = estimator.tree_
            value = tree.value[:, 0, :]
            trees.append(
                Tree(
                    feature=tree.feature.astype(np.int64),
                    threshold=tree.threshold.astype(np.float64),
                    yes=tree.children_left.astype(np.int64),
                    no=tree.children_right.astype(np.int64),
                    unknown_is_yes=np.asarray(tree.missing_go_to_left, bool),
                    # of a classifier the shares of losers and winners
                    value=(value[:, 1] / value.sum(axis=1) if is_probability else value[:, 0]) / n_trees,
                )
            )
        return Forest(tuple(trees), "LEQ", is_probability=is_probability)


class RandomForest:
    """Bagged trees (Breiman 2001) of at most 400 leaves, so that a member stays below 5 MB.

    Trees that grow apart cannot share within a race: by race, they regress on the ln of each runner's target
    less the mean of its race's.
    """

    name = "random_forest"
    has_focal_loss = False
    defaults: ClassVar[Params] = {
        "max_leaf_nodes": 300, "min_samples_leaf": 20, "max_features": 0.2, "max_samples": 0.4,
    }  # fmt: skip

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return one point of the search space."""
        return {
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 30, 400, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 5, 150, log=True),
            "max_features": trial.suggest_float("max_features", 0.06, 0.4, log=True),
            "max_samples": trial.suggest_float("max_samples", 0.15, 0.6),
        }

    def fit(self, train: TrainingSet, params: Params, setting: Setting) -> RandomForestMember:
        """Return a member fitted on the training set."""
        kind = RandomForestClassifier if train.target is None else RandomForestRegressor
        estimator = kind(
            n_estimators=_TREES if setting.is_final else _TREES_IN_SEARCH,
            max_leaf_nodes=params["max_leaf_nodes"],
            min_samples_leaf=params["min_samples_leaf"],
            max_features=params["max_features"],
            max_samples=max(1, min(int(params["max_samples"] * len(train.won)), _MAX_ROWS_A_TREE)),
            n_jobs=setting.n_threads,
            random_state=setting.seed,
        )
        wanted = _wanted(train)
        estimator.fit(train.features, wanted, sample_weight=train.weights)
        estimator.n_jobs = 1  # of predictions: two threads would sum the trees in any order
        return RandomForestMember(estimator)


def _wanted(train: TrainingSet) -> Floats | NDArray[np.bool_]:
    if train.target is None or train.race is None:
        return train.won
    logs = np.log(np.maximum(train.target, _LEAST_SHARE))
    centred: Floats = logs - (np.bincount(train.race, logs) / np.bincount(train.race))[train.race]
    return centred
