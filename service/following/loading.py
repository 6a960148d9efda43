"""A version on its way into a slot: verified, loaded, warmed, and tried on its golden card."""

import datetime as dt
import gc
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from model_registry.artifact import LoadedModel, load_artifact
from model_registry.errors import ArtifactBroken
from racing.features import FEATURE_NAMES, FormBook
from service.following.slots import Snapshot
from service.summary import Summary

_N_WARM_UPS = 3  # the first runs of a graph allocate its arena


def load_snapshot(version: int, directory: Path, *, champion_since: dt.datetime | None = None) -> Snapshot:
    """Load a version from its directory and prove that it works here.

    Raises
    ------
    model_registry.errors.ArtifactBroken
        If a file is missing, altered or unreadable, if the version needs features that we do not compute,
        or if it is off on its golden card.
    """
    model = load_artifact(directory)
    columns = model.spec.columns(FEATURE_NAMES)
    for _ in range(_N_WARM_UPS):
        model.check_golden()
    snapshot = Snapshot(
        version=version,
        model=model,
        columns=columns,
        book=_book(model),
        summary=_summary(model),
        is_simulated=bool(model.documents["summary"].get("is_simulated", False)),
        loaded_at=dt.datetime.now(dt.UTC),
        champion_since=champion_since,
    )
    settle_garbage()
    return snapshot


def difference_on_golden_card(new: LoadedModel, old: LoadedModel) -> float | None:
    """Return the largest difference of the two models' probabilities on the new one's golden card.

    None where they do not take the same features.
    """
    if new.spec.features != old.spec.features:
        return None
    features = np.array(new.documents["golden"]["features"], np.float32)
    return float(np.abs(new.probabilities(features) - old.probabilities(features)).max())


def settle_garbage() -> None:
    """Collect once and move what is left out of the collector's sight.

    The modules alone are some 300,000 objects: a full pass over them stops every request for 0.2 s.
    """
    gc.collect()
    gc.freeze()


def _book(model: LoadedModel) -> FormBook:
    try:
        return FormBook(None, model.documents["effects"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArtifactBroken(f"effects.json: {type(error).__name__}: {error}") from error


def _summary(model: LoadedModel) -> Summary:
    try:
        return Summary.model_validate({**model.documents["summary"], "success": True})
    except ValidationError as error:
        fault = error.errors()[0]
        raise ArtifactBroken(f"summary.json: {fault['loc'][0]}: {fault['msg']}") from error
