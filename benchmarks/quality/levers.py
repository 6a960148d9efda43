"""What each lever carries: the whole training without it, every candidate judged on the same races."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.quality.bench import Bench
from benchmarks.quality.fits import (
    ENSEMBLE,
    Recipe,
    arrays,
    codes_of,
    full_recipe,
    gap,
    interval,
    judged_step,
    losses_of,
    split_for,
    without,
)
from benchmarks.quality.pieces import sharing_exponent
from benchmarks.quality.races import Floats, races_with_prices
from benchmarks.quality.step_cache import Json
from racing.probabilities import share_within_race
from racing.ratings.catalog import RATINGS
from training.families import family_named, log_odds_of, reads_field
from training.search.fitting import first_params
from training.search.members import fit_members

EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Lever:
    """Something that a training can do without."""

    name: str
    what: str
    inputs: str | None = None
    """Pattern of the names of the features and numbers of runs that it brought."""
    families: tuple[str, ...] = ()
    is_of_levels: bool = False
    """Of it are the levels of past races as they were solved together since."""


EARLIER_RATINGS = ("market", "result", "time", "split", "early", "margin")
"""Those that there were before; each later one is a lever of its own."""

LEVERS = (
    Lever("net", "the net over the field", families=("field_net",)),
    Lever("runs", "the sequence of a dog's runs", inputs=r"run_\d+_.*"),
    Lever("settled", "levels of past races solved together since", is_of_levels=True),
    *(
        Lever(f"rating-{rating.name}", f"the {rating.name} rating", rf"(run_\d+_)?{rating.name}_.*")
        for rating in RATINGS
        if rating.name not in EARLIER_RATINGS
    ),
    Lever("memory", "what the model missed on the last runs", inputs=r"(run_\d+_)?(memory|missed_by).*"),
    Lever("words", "words of names as the kennel's mark", inputs=r".*_by_name(_.*)?"),
)

EARLIER_BOOSTER: Mapping[str, Mapping[str, float]] = {
    "xgboost": {
        "eta": 0.1, "n_rounds": 175, "max_depth": 6, "min_child_weight": 20.0, "subsample": 0.6,
        "colsample_bytree": 0.25, "reg_lambda": 10.0, "reg_alpha": 0.1,
    }
}  # fmt: skip
"""What the boosters began with before they were set better: held against their first parameters of today."""


def judge_levers(bench: Bench) -> Json:
    """Return what the blend, and each family, loses without each lever.

    The booster's settings are judged by fits of the one family; what the ensemble carries is read off the
    candidates of the training with everything.
    """
    everything = full_recipe(bench)
    whole = judged_step(bench, f"levers/{EVERYTHING}", everything, has_cost=True)
    found, skipped = {}, {}
    for lever in (*LEVERS, *(Lever(name, f"/{inputs}/", inputs) for name, inputs in bench.plan.levers)):
        recipe = left_out(lever, everything)
        if recipe is None:
            skipped[lever.name] = "no input or family of this training is of it, or nothing else is"
            continue
        result = judged_step(bench, f"levers/without-{lever.name}", recipe)
        found[lever.name] = {
            "what": lever.what,
            "inputs": _n_inputs(everything) - _n_inputs(recipe),
            "families": sorted(set(everything.families) - set(recipe.families)),
            "without_minus_with": {
                name: gap(result, whole, name)
                for name in whole["losses"]
                if name in result["losses"] and name not in ("market", "uniform")
            }
            | _blend_gap(result, whole),
        }
    settings = booster_settings(bench, everything)
    return {
        "days": f"{everything.from_day} to {everything.until}",
        "races": whole["races"],
        "levels": {
            name: {how: interval(losses) for how, losses in arrays(whole, name).items()}
            for name in whole["losses"]
        },
        "against_best": _against_best(whole),
        "seconds": whole["seconds"],
        "card_ms": whole["card_ms"],
        "levers": found,
        "skipped": skipped,
        "booster_settings": settings,
    }


def left_out(lever: Lever, recipe: Recipe) -> Recipe | None:
    """Return the training without a lever; ``None`` where it has nothing of it, or nothing but it."""
    families = tuple(name for name in recipe.families if name not in lever.families)
    names = () if lever.inputs is None else _matching(lever.inputs, recipe)
    if not families or (families == recipe.families and not names and not lever.is_of_levels):
        return None
    smaller = without(replace(recipe, families=families), names)
    smaller = replace(smaller, has_settled_levels=not lever.is_of_levels)
    if not any(map(reads_field, families)):
        smaller = replace(smaller, run_features=())
    return smaller


def _matching(pattern: str, recipe: Recipe) -> list[str]:
    return [name for name in (*recipe.features, *recipe.run_features) if re.fullmatch(pattern, name)]


def _n_inputs(recipe: Recipe) -> int:
    return len(recipe.features) + len(recipe.run_features)


def best_blend(result: Json) -> str:
    """Return the blend of all families, or the only family where there is no blend."""
    if ENSEMBLE in result["losses"]:
        return ENSEMBLE
    return next(name for name in result["losses"] if name not in ("market", "uniform"))


def _blend_gap(one: Json, other: Json) -> dict[str, dict[str, list[float]]]:
    """Return the gap of what each has as its best blend, though one be a family alone."""
    names = best_blend(one), best_blend(other)
    return {} if names[0] == names[1] else {ENSEMBLE: gap(one, other, *names)}


def _against_best(whole: Json) -> dict[str, dict[str, list[float]]]:
    """Return each candidate's loss less the blend's of all families: what the ensemble carries."""
    blend = best_blend(whole)
    names = [name for name in whole["losses"] if name not in ("market", "uniform", blend)]
    return {name: gap(whole, whole, name, blend) for name in names}


def booster_settings(bench: Bench, recipe: Recipe) -> Json:
    """Return what each booster loses with its earlier settings, less with those of today."""
    found = {}
    for name, earlier in EARLIER_BOOSTER.items():
        today = first_params(family_named(name))[0]
        before = {**today, **earlier}
        if name not in recipe.families or before == today:
            continue
        now, then = (
            _fit_of_one(bench, recipe, name, params, which)
            for params, which in ((today, "today"), (before, "earlier"))
        )
        found[name] = {
            "earlier": before,
            "today": today,
            "earlier_minus_today": {how: interval(_minus(then, now, how)) for how in now["losses"]},
            "seconds": {"earlier": then["seconds"], "today": now["seconds"]},
        }
    return found


def _minus(one: Json, other: Json, how: str) -> Floats:
    return np.array(one["losses"][how]) - np.array(other["losses"][how])


def _fit_of_one(bench: Bench, recipe: Recipe, family: str, params: Mapping[str, object], which: str) -> Json:
    """Fit one family as the last step of a training does, with given parameters."""

    def work() -> Json:
        split = split_for(bench, replace(recipe, run_features=()))
        began = time.monotonic()
        member = fit_members({family: params}, split.train, recipe.search, codes_of(recipe.features))[family]
        seconds = time.monotonic() - began
        exponent = sharing_exponent(log_odds_of(member, split.calibration), split.calibration)
        races = races_with_prices(split.test)
        p = share_within_race(log_odds_of(member, races.table), races.table.race, exponent)
        return {"losses": losses_of(races, p), "seconds": seconds}

    return bench.steps.step(
        f"levers/{family}-settings-{which}",
        work,
        settings=bench.settings((recipe.from_day, recipe.until), database=bench.database),
        inputs=recipe.as_inputs() | {"params": dict(params)},
    )
