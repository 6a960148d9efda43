"""One fit of one family: race weights, what is done about few winners, and focal loss."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna

from racing.race_table import RaceTable
from training.families import Family, Member, Setting
from training.focal import focal_weights
from training.resampling import IMBALANCE, Lesson, add_synthetic_winners, weigh_classes

COMMON_DEFAULTS: Mapping[str, Any] = {"half_life_d": 400.0, "imbalance": "none"}


def suggest_params(family: Family, trial: optuna.trial.BaseTrial) -> dict[str, Any]:
    """Return one point of a family's search space with the choices that every family has."""
    params = family.suggest(trial)
    # 60 d: two form cycles; 2,000 d: all races count nearly alike
    params["half_life_d"] = trial.suggest_float("half_life_d", 60.0, 2000.0, log=True)
    params["imbalance"] = trial.suggest_categorical("imbalance", IMBALANCE)
    if params["imbalance"] == "focal":
        params["focal_gamma"] = trial.suggest_float("focal_gamma", 0.25, 3.0)
    return params


def default_params(family: Family) -> dict[str, Any]:
    """Return the first trial of a family."""
    return {**family.defaults, **COMMON_DEFAULTS}


def fit_member(
    family: Family,
    table: RaceTable,
    params: Mapping[str, Any],
    *,
    categorical: Sequence[int],
    seed: int,
    is_final: bool = False,
) -> Member:
    """Fit one member on a table of races, which nothing else will be judged on."""
    common = {"half_life_d", "imbalance", "focal_gamma"}
    own = {name: value for name, value in params.items() if name not in common}
    age_d = (table.date.max() - table.date) / np.timedelta64(1, "D")
    weights = 0.5 ** (age_d / params["half_life_d"])
    lesson = Lesson(np.asarray(table.features), np.asarray(table.won), weights / weights.mean())
    gamma = params["focal_gamma"] if params["imbalance"] == "focal" else None
    match params["imbalance"]:
        case "smote_nc":
            lesson = add_synthetic_winners(lesson, categorical, seed)
        case "class_weight":
            lesson = weigh_classes(lesson)
    setting = Setting(
        categorical=categorical,
        seed=seed,
        focal_gamma=gamma if family.has_focal_loss else None,
        is_final=is_final,
    )
    member = family.fit(lesson, own, setting)
    if gamma is not None and not family.has_focal_loss:
        focus = focal_weights(member.log_odds(lesson.features), lesson.won, gamma)
        member = family.fit(Lesson(lesson.features, lesson.won, lesson.weights * focus), own, setting)
    return member
