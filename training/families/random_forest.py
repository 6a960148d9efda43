"""Random forest: bounded trees, unknown values sent where they do best."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier  # type: ignore[import-untyped]

from training.families.family import Floats, Params, Setting
from training.onnx_trees import CLIP, Forest, Tree
from training.resampling import Lesson

_TREES_IN_SEARCH, _TREES = 24, 150  # more trees only steady the mean: the search needs the order alone
_MAX_ROWS_A_TREE = 20_000


@dataclass(frozen=True, slots=True)
class RandomForestMember:
    """A fitted forest."""

    estimator: RandomForestClassifier

    def log_odds(self, features: NDArray[np.float32]) -> Floats:
        """Return the log odds of the mean probability, held within 1e-4 and 1 - 1e-4."""
        p = np.clip(self.estimator.predict_proba(features)[:, 1], CLIP, 1 - CLIP)
        odds: Floats = np.log(p / (1 - p))
        return odds

    def forest(self) -> Forest:
        """Return the trees as a table, each leaf its share of the mean."""
        n_trees = len(self.estimator.estimators_)
        trees = []
        for estimator in self.estimator.estimators_:
            tree = estimator.tree_
            p = tree.value[:, 0, 1] / tree.value[:, 0, :].sum(axis=1)
            trees.append(
                Tree(
                    feature=tree.feature.astype(np.int64),
                    threshold=tree.threshold.astype(np.float64),
                    yes=tree.children_left.astype(np.int64),
                    no=tree.children_right.astype(np.int64),
                    unknown_is_yes=np.asarray(tree.missing_go_to_left, bool),
                    value=p / n_trees,
                )
            )
        return Forest(tuple(trees), "LEQ", is_probability=True)


class RandomForest:
    """Bagged trees (Breiman 2001) of at most 120 leaves, so that a member stays below 3 MB."""

    name = "random_forest"
    has_focal_loss = False
    defaults: ClassVar[Params] = {
        "max_leaf_nodes": 80, "min_samples_leaf": 25, "max_features": 0.12, "max_samples": 0.3,
    }  # fmt: skip

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return one point of the search space."""
        return {
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 16, 120, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 5, 150, log=True),
            "max_features": trial.suggest_float("max_features", 0.04, 0.3, log=True),
            "max_samples": trial.suggest_float("max_samples", 0.15, 0.6),
        }

    def fit(self, lesson: Lesson, params: Params, setting: Setting) -> RandomForestMember:
        """Fit on the lesson."""
        estimator = RandomForestClassifier(
            n_estimators=_TREES if setting.is_final else _TREES_IN_SEARCH,
            max_leaf_nodes=params["max_leaf_nodes"],
            min_samples_leaf=params["min_samples_leaf"],
            max_features=params["max_features"],
            max_samples=max(1, min(int(params["max_samples"] * len(lesson.won)), _MAX_ROWS_A_TREE)),
            n_jobs=1,
            random_state=setting.seed,
        )
        return RandomForestMember(estimator.fit(lesson.features, lesson.won, sample_weight=lesson.weights))
