"""Trainings within this process, by the product's own steps, with features, families or races left out.

The same search, fits, calibration and blends as ``greyhound train`` makes, all candidates judged as they
were fitted on the races to learn from: the choice and the second fit, on those of calibration too, would only
add noise to what is compared. Each family makes one trial, that of its default parameters, unless
``--train-options`` names a number.
"""

import datetime as dt
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.bench import Bench, between, form_as_of_its_days, form_as_settled
from benchmarks.quality.pieces import parts_before
from benchmarks.quality.races import Floats, Races, races_with_prices
from benchmarks.quality.step_cache import Json
from greyhound.commands.train import train as train_command
from racing.features import FEATURE_VERSION, FEATURES, RUN_FEATURE_NAMES, features_for, run_features_for
from racing.race_table import RaceTable
from training.data.splits import Split
from training.export.artifact import build_artifact, write_draft
from training.families import reads_field
from training.search.candidates import Candidate, fit_candidates
from training.search.settings import SearchSettings

ENSEMBLE = "ensemble"
ONE_TRIAL = ("--trials", "1")
_CARDS = 300
"""So many cards of eight are scored one by one to see how long one takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a training is given; by default all of it."""

    families: tuple[str, ...]
    features: tuple[str, ...]
    run_features: tuple[str, ...]
    """Numbers of single runs; empty where the sequence of runs is left out."""
    search: SearchSettings
    has_settled_levels: bool = True
    """Past races are judged by their levels as solved since; otherwise as they were on the day itself."""
    start: dt.date | None = None
    """Races before are not learnt from; features are made of all history all the same."""
    first: dt.date | None = None
    """``--from`` of the options for trainings: no race before is in the table at all."""
    from_day: dt.date
    """The first of the races that are judged."""
    until: dt.date

    def as_inputs(self) -> Json:
        """Return what decides the result, for the steps' record."""
        return {
            "feature_version": FEATURE_VERSION,
            "families": self.families,
            "features": self.features,
            "n_run_features": len(self.run_features),
            **({} if self.has_settled_levels else {"has_settled_levels": False}),
            "start": self.start,
        }


def full_recipe(bench: Bench) -> Recipe:
    """Return the training of the development window with everything, by the options for trainings."""
    options = train_command.make_context("train", [*ONE_TRIAL, *bench.plan.train_options]).params
    scope, families = options["feature_scope"], options["families"]
    with_runs = any(map(reads_field, families))
    return Recipe(
        families=families,
        features=tuple(feature.name for feature in features_for(scope)),
        run_features=tuple(feature.name for feature in run_features_for(scope)) if with_runs else (),
        search=SearchSettings(
            families=families,
            n_trials=options["trials"],
            seed=options["seed"],
            calibration=options["calibration"],
            n_jobs=bench.plan.n_jobs,
        ),
        first=options["start"],
        from_day=bench.plan.develop_from,
        until=bench.plan.develop_until,
    )


def split_for(bench: Bench, recipe: Recipe) -> Split:
    """Return the races to learn from, to calibrate on and to judge, with the recipe's columns."""
    table = bench.table(
        bench.database,
        recipe.first,
        recipe.until,
        with_runs=bool(recipe.run_features),
        change_form=form_as_settled if recipe.has_settled_levels else form_as_of_its_days,
    )
    if recipe.start is not None:
        table = between(table, recipe.start, recipe.until)
    places, of_runs = _places()
    table = table.with_features([places[name] for name in recipe.features])
    wanted = [of_runs[name] for name in recipe.run_features]
    return parts_before(table.with_run_features(wanted or None), recipe.from_day)


def judged_step(bench: Bench, name: str, recipe: Recipe, *, has_cost: bool = False) -> Json:
    """Return what every candidate loses on each judged race, found again if it has been worked out before."""
    days = (recipe.from_day, recipe.until)
    return bench.steps.step(
        name,
        lambda: judge_candidates(split_for(bench, recipe), recipe, has_cost=has_cost),
        settings=bench.settings(days, database=bench.database),
        inputs=recipe.as_inputs(),
    )


def judge_candidates(split: Split, recipe: Recipe, *, has_cost: bool = False) -> Json:
    """Fit every candidate and return its losses race by race, its seconds and the time for a card."""
    candidates = fitted(split, recipe)
    races = races_with_prices(split.test)
    market = races.table.market_probability
    uniform = 1 / np.bincount(races.table.race)[races.table.race]
    return {
        "races": len(races.losses(market)),
        "days": [str(day) for day in races.days()],
        "learnt": {"races": len(np.unique(split.train.race_id)), "from": str(split.train.date.min())},
        "losses": {
            **{name: losses_of(races, candidate.probabilities(races.table)) for name, candidate in
               candidates.items()},
            "market": losses_of(races, market),
            "uniform": losses_of(races, uniform),
        },
        "seconds": {name: candidate.seconds for name, candidate in candidates.items()},
        "card_ms": card_times(candidates, split, recipe) if has_cost else {},
    }  # fmt: skip


def fitted(split: Split, recipe: Recipe) -> dict[str, Candidate]:
    """Return every candidate by its name, as a training finds them."""
    search = replace(recipe.search, families=recipe.families)
    found = fit_candidates(split.train, split.calibration, search, codes_of(recipe.features))
    return {candidate.name: candidate for candidate in found}


def codes_of(features: Sequence[str]) -> list[int]:
    """Return the columns that hold codes, not amounts."""
    codes = {feature.name for feature in FEATURES if feature.is_categorical}
    return [place for place, name in enumerate(features) if name in codes]


def losses_of(races: Races, p: Floats) -> dict[str, list[float]]:
    """Return each judged race's loss, by its winner and as the market expects it."""
    both = {"realised": races.losses(p), "expected": races.expected(p)}
    return {how: np.round(losses, 6).tolist() for how, losses in both.items()}


def arrays(result: Json, name: str) -> dict[str, NDArray[np.float64]]:
    """Return the losses of one candidate as arrays."""
    return {how: np.array(losses) for how, losses in result["losses"][name].items()}


def gap(one: Json, other: Json, name: str, of_other: str | None = None) -> dict[str, list[float]]:
    """Return a candidate's loss in one result less that in another, with 95 % intervals, paired by race."""
    first, second = arrays(one, name), arrays(other, of_other or name)
    return {how: interval(first[how] - second[how]) for how in first}


def interval(losses: NDArray[np.float64]) -> list[float]:
    """Return the mean with the ends of its 95 % interval."""
    mean, error = float(losses.mean()), 1.96 * float(losses.std()) / max(len(losses), 1) ** 0.5
    return [mean, mean - error, mean + error]


def card_times(candidates: Mapping[str, Candidate], split: Split, recipe: Recipe) -> dict[str, float]:
    """Return the milliseconds for a card of eight of each candidate as it would serve, without its features.

    They are of the written graphs, compiled where they are trees: a tenth of single calls is quicker.
    """
    times = {}
    for name, candidate in candidates.items():
        with tempfile.TemporaryDirectory(prefix="greyhound-cost-") as folder:
            package = build_artifact(
                candidate, candidate, split, recipe.features, FEATURE_VERSION, recipe.run_features
            )
            model = write_draft(package, Path(folder) / "draft")
            rows = _rows_of_cards(split.test).inputs(len(model.spec.features))
            race = np.zeros(8, np.int64)
            took = []
            for start in range(0, len(rows) - 7, 8):
                began = time.perf_counter()
                model.probabilities(rows[start : start + 8], race)
                took.append(time.perf_counter() - began)
            times[name] = 1000 * float(np.percentile(took, 10))
    return times


def _rows_of_cards(table: RaceTable) -> RaceTable:
    """Return races of eight side by side, as many as are timed."""
    is_of_eight = np.bincount(table.race)[table.race] == 8
    return table.take(np.flatnonzero(is_of_eight)[: 8 * _CARDS])


@cache
def _places() -> tuple[Mapping[str, int], Mapping[str, int]]:
    return (
        {feature.name: place for place, feature in enumerate(FEATURES)},
        {name: place for place, name in enumerate(RUN_FEATURE_NAMES)},
    )


def without(recipe: Recipe, names: Sequence[str]) -> Recipe:
    """Return the recipe without some features or numbers of runs."""
    gone = set(names)
    return replace(
        recipe,
        features=tuple(name for name in recipe.features if name not in gone),
        run_features=tuple(name for name in recipe.run_features if name not in gone),
    )
