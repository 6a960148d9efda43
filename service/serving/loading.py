"""A version on its way into a slot: verified, loaded, warmed, and tried on its golden card."""

import ctypes
import datetime as dt
import gc
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from model_registry.artifact import LoadedModel, load_artifact
from model_registry.errors import ArtifactBroken
from model_registry.learning import learning_of
from racing.features import INPUT_NAMES, CardFeaturizer
from racing.features.cards.card_view import record_usual_fields
from service.errors import ModelTooSlow
from service.schemas.status import Summary
from service.serving.slots import Snapshot

_N_TIMED = 5


def load_snapshot(
    version: int,
    directory: Path,
    *,
    digest: str | None = None,
    champion_since: dt.datetime | None = None,
    cached_at: dt.datetime | None = None,
) -> Snapshot:
    """Load a version from its directory, and verify that it works here; see :func:`make_snapshot`.

    Raises
    ------
    model_registry.errors.ArtifactBroken
        If a file is missing, altered or unreadable, if the version needs features that we do not compute,
        or if it is off on its golden card.
    """
    model = load_artifact(directory, digest=digest)
    return make_snapshot(version, model, champion_since=champion_since, cached_at=cached_at)


def make_snapshot(
    version: int,
    model: LoadedModel,
    *,
    budget_ms: float | None = None,
    champion_since: dt.datetime | None = None,
    cached_at: dt.datetime | None = None,
) -> Snapshot:
    """Return a loaded model ready to serve: warmed, tried on its golden card, and timed if there is a budget.

    Raises
    ------
    model_registry.errors.ArtifactBroken
        See :func:`load_snapshot`.
    service.errors.ModelTooSlow
        If its golden card takes longer than ``budget_ms`` at the best of a few times.
    """
    columns = model.spec.columns(INPUT_NAMES)
    model.check_golden()  # the first run of a graph also allocates its arena
    if budget_ms is not None:
        _check_speed(model, budget_ms)
    if model.spec.n_run_features:
        record_usual_fields(with_runs=True)
    return Snapshot(
        version=version,
        model=model,
        columns=columns,
        featurizer=_featurizer(model),
        summary=_summary(model),
        is_simulated=bool(model.documents["summary"].get("is_simulated", False)),
        learning=learning_of(model.documents),
        loaded_at=dt.datetime.now(dt.UTC),
        champion_since=champion_since,
        cached_at=cached_at,
    )


def difference_on_golden_card(new: LoadedModel, old: LoadedModel) -> float | None:
    """Return the largest difference of the two models' probabilities on the new one's golden card.

    None where they do not take the same features. The new one's answers were just checked against that card.
    """
    if new.spec.features != old.spec.features:
        return None
    golden = new.documents["golden"]
    before = old.probabilities(np.array(golden["features"], np.float32))
    return float(np.abs(np.array(golden["probabilities"]) - before).max())


def freeze_garbage() -> None:
    """Collect once and move what is left out of the collector's sight, before the first request.

    The modules alone are some 230,000 objects: a full pass over them stops every request for 0.1-0.3 s. A
    version brings 2,000-6,000 more, 0.4 ms a pass: they stay in sight, so that nothing of a version that was
    replaced stays for ever.
    """
    gc.collect()
    gc.freeze()
    gc.enable()  # the command turns it off while it imports
    return_memory()


def return_memory() -> None:
    """Give the system back what a version that was loaded or replaced has left; blocking, some 4 ms.

    The C library would hold it: 30 MB after members were checked in ONNX Runtime. Other C libraries than
    glibc have no such call.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _check_speed(model: LoadedModel, budget_ms: float) -> None:
    features = np.array(model.documents["golden"]["features"], np.float32)
    times_ms = []
    for _ in range(_N_TIMED):
        start = time.perf_counter()
        model.probabilities(features)
        times_ms.append(1000 * (time.perf_counter() - start))
        if times_ms[-1] <= budget_ms:
            return
    rule = f"{len(features)} runners must take {budget_ms:g} ms at most (GREYHOUND_MODEL_BUDGET_MS)"
    raise ModelTooSlow(f"the golden card of {rule}, took {min(times_ms):.1f} ms at best")


def _featurizer(model: LoadedModel) -> CardFeaturizer:
    try:
        return CardFeaturizer(None, model.documents["effects"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArtifactBroken(f"effects.json: {type(error).__name__}: {error}") from error


def _summary(model: LoadedModel) -> Summary:
    try:
        return Summary.model_validate({**model.documents["summary"], "success": True})
    except ValidationError as error:
        fault = error.errors()[0]
        raise ArtifactBroken(f"summary.json: {fault['loc'][0]}: {fault['msg']}") from error
