"""A registered model on the races of the database: what `score` and `evaluate` have in common."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from model_registry.artifact import LoadedModel, load_artifact
from model_registry.errors import NoSuchVersion
from model_registry.registry import ModelRegistry
from racing.features import FEATURE_NAMES, race_table
from racing.race_table import RaceTable


@dataclass(frozen=True, slots=True)
class ScoredRaces:
    """Races with a model's answers for each runner."""

    table: RaceTable
    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]


def load_version(registry: ModelRegistry, which: str) -> tuple[int, LoadedModel]:
    """Return a version's number and its model; ``which`` is a number, ``champion`` or ``challenger``."""
    if which in ("champion", "challenger"):
        version = (registry.champion() if which == "champion" else registry.challenger()).version
    elif which.isdecimal():
        version = int(which)
    else:
        raise NoSuchVersion(f"a model is a version's number, champion or challenger, got {which!r}")
    path = registry.fetch(version)
    return version, load_artifact(path)


def score_races(
    engine: Engine,
    model: LoadedModel,
    *,
    start: dt.date,
    until: dt.date,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ScoredRaces:
    """Score every resulted race of some days, each as of its date.

    Raises
    ------
    NotEnoughHistory
        If there is no race on those days.
    """
    table = race_table(engine, start=start, until=until, on_progress=on_progress)
    features = table.features[:, model.spec.columns(FEATURE_NAMES)]
    return ScoredRaces(table, model.scores(features, table.race), model.probabilities(features, table.race))
