"""CatBoost: boosting with oblivious trees, the same comparison at every node of a level."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import catboost  # type: ignore[import-untyped]
import numpy as np
import optuna
from numpy.typing import NDArray

from training.data.training_set import TrainingSet
from training.families.family import Floats, Params, Setting
from training.families.forest import Forest, Tree

_BY_RACE: dict[str, Any] = {
    "loss_function": "QuerySoftMax",
    "leaf_estimation_method": "Newton",
    "leaf_estimation_iterations": 1,  # the library's ten take twelve times as long and gain .002
    "sampling_unit": "Group",
}


@dataclass(frozen=True, slots=True)
class CatBoostMember:
    """Fitted trees."""

    estimator: catboost.CatBoost

    def log_odds(self, features: NDArray[np.float32]) -> Floats:
        """Return each runner's log odds."""
        raw = self.estimator.predict(features, prediction_type="RawFormulaVal", thread_count=1)
        return np.asarray(raw, np.float64)

    def forest(self) -> Forest:
        """Return the trees as a table; an unknown value lies below every border."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.json"
            self.estimator.save_model(str(path), format="json")
            written = json.loads(path.read_text())
        columns = {
            place: feature["flat_feature_index"]
            for place, feature in enumerate(written["features_info"]["float_features"])
        }
        scale, (bias,) = written["scale_and_bias"]
        trees = tuple(_tree(tree, columns, scale) for tree in written["oblivious_trees"])
        return Forest(trees, "GT", base=float(bias))


class CatBoost:
    """Boosted oblivious trees (Prokhorenkova et al. 2018), plain boosting; codes are treated as amounts."""

    name = "catboost"
    has_focal_loss = False
    defaults: ClassVar[Params] = {
        "learning_rate": 0.2, "iterations": 200, "depth": 6, "l2_leaf_reg": 5.0, "subsample": 0.7,
        "rsm": 0.3, "random_strength": 1.0,
    }  # fmt: skip

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        """Return one point of the search space."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.08, 0.4, log=True),
            "iterations": trial.suggest_int("iterations", 60, 250, log=True),
            "depth": trial.suggest_int("depth", 4, 6),
            "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1.0, 50.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.4, 1.0),
            "rsm": trial.suggest_float("rsm", 0.1, 0.6),
            "random_strength": trial.suggest_float("random_strength", 0.1, 10.0, log=True),
        }

    def fit(self, train: TrainingSet, params: Params, setting: Setting) -> CatBoostMember:
        """Return a member fitted on the training set."""
        by_race = train.target is not None
        rate, n_steps = setting.steps(params["learning_rate"], params["iterations"])
        estimator = catboost.CatBoost(
            {
                **params,
                "learning_rate": rate,
                "iterations": n_steps,
                # over races with weights, this is the loss of training.objective.WithinRace
                **(_BY_RACE if by_race else {"loss_function": "Logloss"}),
                "boosting_type": "Plain",
                "bootstrap_type": "Bernoulli",
                "border_count": 64,
                "thread_count": setting.n_threads,
                "random_seed": setting.seed,
                "allow_writing_files": False,
                "verbose": False,
            }
        )
        if by_race:
            pool = catboost.Pool(
                train.features,
                train.target,
                group_id=train.race,
                group_weight=train.weights,
            )
        else:
            pool = catboost.Pool(train.features, train.won.astype(np.int64), weight=train.weights)
        return CatBoostMember(estimator.fit(pool))


def _tree(written: dict[str, Any], columns: dict[int, int], scale: float) -> Tree:
    """Unfold an oblivious tree: node i has the children 2i + 1 and 2i + 2; leaves count from the left."""
    splits = list(reversed(written["splits"] or []))  # the first split is the lowest bit of the leaf's number
    depth = len(splits)
    n_inner = 2**depth - 1
    node = np.arange(2 * n_inner + 1)
    is_inner = node < n_inner
    level = np.where(is_inner, np.log2(node + 1).astype(np.int64), 0)
    borders = np.array([split["border"] for split in splits] or [0.0], np.float32).astype(np.float64)
    compared = np.array([columns[split["float_feature_index"]] for split in splits] or [0], np.int64)
    leaves = np.array(written["leaf_values"], np.float64) * scale
    return Tree(
        feature=compared[level],
        threshold=borders[level],
        yes=np.where(is_inner, 2 * node + 2, -1),
        no=np.where(is_inner, 2 * node + 1, -1),
        unknown_is_yes=np.zeros(len(node), bool),
        value=np.concatenate([np.zeros(n_inner), leaves]),
    )
