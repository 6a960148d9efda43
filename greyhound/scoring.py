"""A registered model on the races of the database: what `score` and `evaluate` have in common."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from model_registry.aliases import CHALLENGERS, CHAMPION
from model_registry.artifact import LoadedModel, load_artifact
from model_registry.errors import NoSuchVersion
from model_registry.learning import JUDGED, learning_of
from model_registry.registry import ModelRegistry
from racing.domain.errors import NotEnoughHistory
from racing.features import INPUT_NAMES, need_price_before_off, race_table
from racing.race_table import RaceTable
from training.data.whole_races import rows_with_prices_before_off

MODEL_HELP = (
    "A version's number, champion, challenger, challenger-2 ...; `7:judged` is version 7 as it was judged, "
    "before it was "
    "fitted again on all races."
)
PRICES_OF_ALL = "a price of each runner ten minutes before the off"
_RULE = "a model is a version's number, champion, challenger or challenger-2 ..., and may end in :judged"


@dataclass(frozen=True, slots=True)
class ScoredRaces:
    """Races with a model's answers for each runner."""

    table: RaceTable
    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]


def load_version(registry: ModelRegistry, which: str) -> tuple[int, LoadedModel]:
    """Return a version's number and its model.

    ``which`` is a number, ``champion``, ``challenger``, ``challenger-2`` ...; with ``:judged`` behind,
    the model that the version's figures are of, before it was fitted again on all races.
    """
    version, path = version_path(registry, which)
    return version, load_artifact(path)


def version_path(registry: ModelRegistry, which: str) -> tuple[int, Path]:
    """Return a version's number and where its files lie, see :func:`load_version`."""
    whole, (which, _, form) = which, which.partition(":")
    if form not in ("", JUDGED) or whole.endswith(":"):
        raise NoSuchVersion(f"{_RULE}, got {whole!r}")
    if which == CHAMPION:
        version = registry.champion().version
    elif which in CHALLENGERS:
        version = registry.challenger(which).version
    elif which.isdecimal():
        version = int(which)
    else:
        raise NoSuchVersion(f"{_RULE}, got {whole!r}")
    return version, registry.fetch_judged(version) if form == JUDGED else registry.fetch(version)


def score_races(
    engine: Engine,
    model: LoadedModel,
    *,
    start: dt.date,
    until: dt.date,
    countries: tuple[str, ...] = (),
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ScoredRaces:
    """Score every resulted race of some days (and countries), each as of its date.

    A model that knows prices before the off scores the races that have them.

    Raises
    ------
    NotEnoughHistory
        If there is no such race on those days.
    """
    table = race_table(
        engine,
        start=start,
        until=until,
        countries=countries,
        with_runs=model.spec.n_run_features > 0,
        on_progress=on_progress,
    )
    if need_price_before_off(model.spec.features):
        rows = rows_with_prices_before_off(table)
        if not rows.any():
            raise NotEnoughHistory(f"no race from {start} to {until} has {PRICES_OF_ALL}")
        table = table.take(rows)
    features = table.inputs(len(INPUT_NAMES))[:, model.spec.columns(INPUT_NAMES)]
    return ScoredRaces(table, model.scores(features, table.race), model.probabilities(features, table.race))


def learnt_warnings(model: LoadedModel, start: dt.date, until: dt.date) -> list[str]:
    """Return a warning if the model has learnt from races of these days, where any figure flatters it."""
    learning = learning_of(model.documents)
    if not learning.has_learnt_from(start, until):
        return []
    days = f"{learning.learnt_from} to {learning.learnt_until}"
    return [f"the model learnt from races of {days}: on those days the figures flatter it"]
