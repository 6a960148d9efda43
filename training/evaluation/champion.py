"""The champion on the test races of a new model, as far as it has not learnt from them."""

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import LoadedModel, ModelSpec, load_artifact
from model_registry.errors import ArtifactBroken, NoChampion, NotScored, RegistryError
from model_registry.learning import learning_of
from model_registry.registry import ModelRegistry
from racing.race_table import RaceTable
from training.data.whole_races import count_races, judged_rows

Floats = NDArray[np.float64]

MIN_UNSEEN_RACES = 500
"""Fewer whole races separate alike models by chance only: the standard error is then about .005."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionScores:
    """The champion's answers on test rows; or why there are none."""

    version: int
    probabilities: Floats | None = None
    """Shape (n_runners of the test,)."""
    scores: Floats | None = None
    rows: NDArray[np.bool_] | None = None
    """Shape (n_runners of the test,): the races on which to compare; ``None`` is all of them."""
    why_not: str = ""
    remark: str = ""
    """What a reader must know of the comparison, e.g. that the champion has learnt these races."""


@dataclass(frozen=True, slots=True)
class _Version:
    """One of the champion's two models: as it was judged, or as it serves."""

    model: LoadedModel
    learnt_until: dt.date | None
    remark: str


def champion_on(
    test: RaceTable, feature_names: Sequence[str], registry: ModelRegistry
) -> ChampionScores | None:
    """Return the champion's answers on the same races, or why it has none; ``None`` without a champion.

    ``feature_names`` are those of the table's features, then those of its numbers of single runs.

    A champion that was fitted again on all races has learnt a part of the new test races. So like is compared
    with like: the new judged model with the champion's judged model, to which a later test is unseen. Where
    that one has learnt some of the races too, or is lost, the races after either's last day decide if they
    are enough; if not, the comparison is in the champion's favour, and the gate's reason says so.
    """
    try:
        number = registry.champion().version
    except NoChampion:
        return None
    try:
        version, rows, remark = _fairest(_versions(registry, number), test)
        features = test.inputs(len(feature_names))[:, version.model.spec.columns(feature_names)]
        return ChampionScores(
            version=number,
            probabilities=version.model.probabilities(features, test.race),
            scores=version.model.scores(features, test.race),
            rows=rows,
            remark=remark,
        )
    except (ArtifactBroken, NotScored) as error:
        return ChampionScores(version=number, why_not=str(error))


def champion_reads_runs(registry: ModelRegistry) -> bool:
    """Return whether the champion takes numbers of single runs, which a comparison with it then needs."""
    with suppress(ArtifactBroken, RegistryError):
        return _champion_spec(registry).n_run_features > 0
    return False


def champion_inputs(registry: ModelRegistry) -> tuple[str, ...]:
    """Return the names of the champion's inputs; none where there is no champion, or a broken one."""
    with suppress(ArtifactBroken, NoChampion):
        return _champion_spec(registry).features
    return ()


def _champion_spec(registry: ModelRegistry) -> ModelSpec:
    return load_artifact(registry.fetch(registry.champion().version)).spec


def _versions(registry: ModelRegistry, number: int) -> list[_Version]:
    """Return the champion as it was judged, where that is another model, and as it serves."""
    served = load_artifact(registry.fetch(number))
    learning = learning_of(served.documents)
    versions = [_Version(served, learning.learnt_until, "")]
    if learning.is_refit:
        # A run that was deleted, or files that were altered: what serves is there all the same.
        with suppress(RegistryError):
            judged = load_artifact(registry.fetch_judged(number))
            remark = f"as it was judged, when it had learnt to {learning.judged_learnt_until}"
            versions.insert(0, _Version(judged, learning.judged_learnt_until, remark))
    return versions


def _fairest(versions: Sequence[_Version], test: RaceTable) -> tuple[_Version, NDArray[np.bool_] | None, str]:
    """Return the model to compare with, on which rows (``None``: all), and what to say of it."""
    days, whole = test.date.astype("datetime64[D]"), judged_rows(test)
    unseen = [
        np.ones(len(test), np.bool_)
        if version.learnt_until is None
        else np.asarray(days > np.datetime64(version.learnt_until, "D"))
        for version in versions
    ]
    for version, rows in zip(versions, unseen, strict=True):
        if rows.all():
            return version, None, version.remark
    for version, rows in zip(versions, unseen, strict=True):
        if count_races(test, rows & whole) >= MIN_UNSEEN_RACES:
            after = f"on races after {version.learnt_until}, which it has not learnt"
            return version, rows, ", ".join(part for part in (version.remark, after) if part)
    version = versions[0]
    learnt = f"it has learnt races to {version.learnt_until}, so the comparison is in its favour"
    return version, None, ", ".join(part for part in (version.remark, learnt) if part)
