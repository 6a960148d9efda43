"""One fit of one family: what it learns from, how old races count, what is done about few winners."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import optuna

from racing.race_table import RaceTable
from training.data.imbalance import IMBALANCE, add_synthetic_winners, focal_weights, weigh_classes
from training.data.training_set import race_training_set, runner_training_set
from training.families import Family, FieldFamily, FittedMember, Member, Setting
from training.objective import MARKET_WEIGHT, OBJECTIVES

COMMON = ("objective", "market_weight", "imbalance", "focal_gamma", "half_life_d")
"""Parameters of every family; the others are its own."""


Shared = MutableMapping[str, MutableMapping[str, Any]]
"""What the fits of one family on one table share, by objective and name."""


def suggest_params(
    family: Family, trial: optuna.trial.BaseTrial, objectives: Sequence[str] = OBJECTIVES
) -> dict[str, Any]:
    """Return one point of a family's search space with the choices that every family has.

    By race there is nothing to balance: every race has one winner.  What is done about few winners is a
    choice of those that judge runners one by one.
    """
    params = family.suggest(trial)
    # 60 d: two form cycles; 2,000 d: all races count nearly alike
    params["half_life_d"] = trial.suggest_float("half_life_d", 60.0, 2000.0, log=True)
    params["objective"] = trial.suggest_categorical("objective", objectives)
    if params["objective"] == "race":
        params["market_weight"] = trial.suggest_float("market_weight", 0.4, 1.0)
        params["imbalance"] = "none"
        return params
    if isinstance(family, FieldFamily):
        params["imbalance"] = "none"
        return params
    params["imbalance"] = trial.suggest_categorical("imbalance", IMBALANCE)
    if params["imbalance"] == "focal":
        params["focal_gamma"] = trial.suggest_float("focal_gamma", 0.25, 3.0)
    return params


def first_params(family: Family, objectives: Sequence[str] = OBJECTIVES) -> tuple[dict[str, Any], ...]:
    """Return the first trials of a family: its defaults by race, then by runner with every way of balance.

    At the same parameters otherwise, so that what SMOTE-NC does can be read off.
    """
    common = {**family.defaults, "half_life_d": 400.0}
    by_race = {**common, "objective": "race", "market_weight": MARKET_WEIGHT}
    choices = IMBALANCE[:1] if isinstance(family, FieldFamily) else IMBALANCE  # synthetic rows have no field
    by_runner = [{**common, "objective": "runner", "imbalance": choice} for choice in choices]
    for params in by_runner:
        if params["imbalance"] == "focal":
            params["focal_gamma"] = 1.0
    return (by_race, *by_runner) if "race" in objectives else tuple(by_runner)


def steps_of_fit(family: Family, params: Mapping[str, Any]) -> int:
    """Return how many steps a fit reports: the epochs of a net, of all others one, its end."""
    return family.n_steps(params) if isinstance(family, FieldFamily) else 1


def fit_member(
    family: Family,
    table: RaceTable,
    params: Mapping[str, Any],
    *,
    categorical: Sequence[int],
    seed: int,
    is_final: bool = False,
    growth: float = 1.0,
    n_threads: int = 1,
    shared: Shared | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> FittedMember:
    """Fit one member on a table of races, which nothing else will be judged on.

    ``shared`` is of other fits of the family on the same table, and is filled with what this one can share.
    ``growth`` is how much further boosting goes than the parameters say (see ``Setting``).
    """
    if not isinstance(family, FieldFamily):
        table = table.with_run_features(None)
    # which rows have a target hangs on the objective
    of_objective = None if shared is None else shared.setdefault(params["objective"], {})
    own = {name: value for name, value in params.items() if name not in COMMON}
    if params["objective"] == "race":
        train = race_training_set(table, params["half_life_d"], params["market_weight"])
        train = replace(train, shared=of_objective)
        setting = Setting(
            categorical=categorical,
            seed=seed,
            is_final=is_final,
            growth=growth,
            on_step=on_step,
            n_threads=n_threads,
        )
        return family.fit(train, own, setting)
    train = runner_training_set(table, params["half_life_d"])
    gamma = params["focal_gamma"] if params["imbalance"] == "focal" else None
    match params["imbalance"]:
        case "smote_nc":
            train = add_synthetic_winners(train, categorical, seed)
        case "class_weight":
            train = replace(weigh_classes(train), shared=of_objective)
        case _:
            train = replace(train, shared=of_objective)
    setting = Setting(
        categorical=categorical,
        seed=seed,
        focal_gamma=gamma if family.has_focal_loss else None,
        is_final=is_final,
        growth=growth,
        on_step=on_step,
        n_threads=n_threads,
    )
    member = family.fit(train, own, setting)
    if gamma is not None and not family.has_focal_loss and isinstance(member, Member):
        focus = focal_weights(member.log_odds(train.features), train.won, gamma)
        member = family.fit(replace(train, weights=train.weights * focus), own, setting)
    return member
