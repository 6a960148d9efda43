"""From a fitted candidate to an artifact: its specification, its graphs, and the documents that go along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model_registry.artifact import (
    DOCUMENTS,
    LoadedModel,
    Member,
    ModelSpec,
    golden_document,
    load_artifact,
    write_artifact,
)
from racing.metrics import best_f1_threshold
from racing.probabilities import BENTER_DISCOUNTS
from racing.race_table import RaceTable
from training.data.splits import Split
from training.evaluation.baselines import Baselines, learn_baselines
from training.evaluation.market import fit_combination
from training.evaluation.places import fit_place_discounts
from training.export.documents import golden_rows
from training.export.onnx_graphs import to_onnx
from training.families import FieldMember
from training.search.candidates import Candidate


@dataclass(frozen=True, slots=True)
class Package:
    """A candidate ready to be written, with what was learnt beside it, never from the test races."""

    spec: ModelSpec
    graphs: Mapping[str, bytes]
    baselines: Baselines
    f1_threshold: float


def build_artifact(
    candidate: Candidate,
    final: Candidate,
    split: Split,
    feature_names: Sequence[str],
    feature_version: str,
    run_feature_names: Sequence[str] = (),
) -> Package:
    """Convert the final members to ONNX and fit what only the artifact needs on the calibration races.

    ``run_feature_names`` are of the numbers of single runs, which it takes if a member reads them.
    There ``candidate`` answers, whose members have not seen those races; ``final`` is the same, fitted again.
    """
    calibration = split.calibration
    of_runs = tuple(run_feature_names) if candidate.reads_runs else ()
    spec = ModelSpec(
        kind=candidate.name,
        feature_version=feature_version,
        features=(*feature_names, *of_runs),
        n_run_features=len(of_runs),
        members=tuple(
            Member(
                member.name,
                f"members/{member.name}.onnx",
                member.weight,
                isinstance(member.estimator, FieldMember),
            )
            for member in candidate.members
        ),
        intercept=candidate.intercept,
        is_centred=candidate.is_centred,
        calibration=candidate.calibration,
        sharing_exponent=candidate.sharing_exponent,
        market_combination=fit_combination(candidate, calibration),
        place_discounts=_place_discounts(candidate, calibration),
    )
    threshold = best_f1_threshold(candidate.scores(calibration), calibration.won)
    return Package(spec, graphs_of(final, spec), learn_baselines(split.train), threshold)


def graphs_of(fitted: Candidate, spec: ModelSpec) -> dict[str, bytes]:
    """Return the members' graphs in ONNX by their file's name."""
    members = zip(spec.members, fitted.members, strict=True)
    return {member.file: to_onnx(each.estimator, len(spec.runner_features)) for member, each in members}


def write_draft(package: Package, directory: Path) -> LoadedModel:
    """Write a package without its documents and load it as the service will."""
    write_artifact(directory, package.spec, package.graphs, {name: {} for name in DOCUMENTS})
    return load_artifact(directory)


def write_final(
    package: Package,
    written: LoadedModel,
    test: RaceTable,
    documents: Mapping[str, Mapping[str, Any]],
    directory: Path,
) -> str:
    """Write the artifact with its documents and a golden card of the test races; return its digest."""
    features = test.take(golden_rows(test)).inputs(len(package.spec.features))
    golden = golden_document(features, written.probabilities(features))
    return write_artifact(directory, package.spec, package.graphs, {**documents, "golden": golden})


def _place_discounts(candidate: Candidate, calibration: RaceTable) -> tuple[float, ...]:
    """Fit the discounts of places on whole races; a race pays as many places as it has placed runners."""
    race = calibration.race
    is_whole = (np.bincount(race, calibration.is_whole) == np.bincount(race))[race]
    table = calibration.take(is_whole)
    if not len(table):
        return BENTER_DISCOUNTS
    paid = np.nan_to_num(np.bincount(table.race, table.placed)).astype(np.int64)
    return fit_place_discounts(candidate.probabilities(table), table.placed, table.race, paid)
