"""``GET /model_status``: what serves, how good it is, and what the service has seen of the registry."""

import os
import time
from typing import Literal

from fastapi import APIRouter

from service.dependencies import State
from service.schemas.automation import AutomationOut
from service.schemas.status import (
    AbsenceOut,
    ChallengerOut,
    KeptOut,
    ModelStatus,
    RefusalOut,
    RegistryOut,
    RunningExperimentOut,
    ServiceOut,
    SwapOut,
)
from service.serving.absence import describe_rejection, rejected_champion
from service.serving.challengers import NamedChallenger
from service.serving.slots import Snapshot
from service.state import AppState

router = APIRouter(tags=["model"])


@router.get(
    "/api/model_status", summary="The same, for pages that ask here", operation_id="model_status_for_pages"
)
@router.get("/model_status", summary="The champion and how it got here")
async def get_model_status(state: State) -> ModelStatus:
    """Return which version serves.

    The first eleven keys are those of earlier services, in their order; while nothing is served `success` is
    false and the other ten are null.
    """
    champion = state.slots.peek()
    status = _status(state, champion)
    return status if champion is None else status.model_copy(update=_of_champion(champion))


def _status(state: AppState, champion: Snapshot | None) -> ModelStatus:
    """Return the status without what the champion itself adds."""
    seen, cache = state.watcher.state, state.watcher.cache_state
    rejected = rejected_champion(seen)
    if champion and champion.version == seen.alias_version:
        rejected = None
    return ModelStatus(
        success=champion is not None,
        why_none=None if champion else AbsenceOut.model_validate(state.slots.absence),
        champion_refused=describe_rejection(rejected) if rejected else None,
        n_swaps=seen.n_swaps,
        last_swap=SwapOut.model_validate(seen.last_swap) if seen.last_swap else None,
        refusals=[RefusalOut.model_validate(version) for version in seen.rejected],
        registry=RegistryOut(
            champion_version=seen.alias_version,
            last_look=seen.last_poll,
            last_contact=seen.last_contact,
            error=seen.contact_error,
        ),
        kept=KeptOut(version=cache.version, kept_at=cache.stored_at, error=cache.error),
        database_error=state.form_store.error,
        prediction_log=state.prediction_log.state,
        automation=AutomationOut.model_validate(state.automation.state),
        started_at=state.started_at,
        service=_service(state),
        challengers=[_challenger(state, one) for one in state.challengers.named],
        experiment=_experiment(state),
    )


def _challenger(state: AppState, one: NamedChallenger) -> ChallengerOut:
    breakers, counts = state.shadow.breakers, state.shadow.breakers.counts(one.version)
    is_off = one.snapshot is not None and breakers.is_off(one.version)
    if one.snapshot is not None:
        how: Literal["loading", "running", "refused", "off"] = "off" if is_off else "running"
        why = breakers.why_off(one.version)
    else:
        how = "refused" if one.rejected else "loading"
        why = one.rejected.reason if one.rejected else None
    return ChallengerOut(
        role=one.role,
        version=one.version,
        state=how,
        why=why,
        loaded_at=one.snapshot.loaded_at if one.snapshot else None,
        n_scored=counts.n_scored,
        n_dropped=counts.n_dropped,
        n_failed=counts.n_failed,
    )


def _experiment(state: AppState) -> RunningExperimentOut | None:
    running = state.experiment.current
    if running is None:
        return None
    return RunningExperimentOut(
        id=running.id, mode=running.mode, share=running.share, error=state.experiment.error
    )


def _of_champion(champion: Snapshot) -> dict[str, object]:
    return champion.summary.model_dump(exclude={"success"}) | {
        "version": champion.version,
        "champion_since": champion.champion_since,
        "loaded_at": champion.loaded_at,
        "served_from": "kept artifact" if champion.cached_at else "registry",
        "served_from_kept_at": champion.cached_at,
        "is_simulated": champion.is_simulated,
        "learnt_since": champion.learning.learnt_from,
        "learnt_until": champion.learning.learnt_until,
        "judgement": champion.learning.sentence,
        "feature_version": champion.model.spec.feature_version,
        "digest": champion.model.digest,
        "artifact_bytes": champion.model.n_bytes,
    }


def _service(state: AppState) -> ServiceOut:
    collector, queue = state.collector, state.queue
    return ServiceOut(
        uptime_s=round(time.monotonic() - state.started_s, 1),
        pid=os.getpid(),
        n_workers=collector.n_workers(),
        requests=state.metrics.n_by_status_class(),
        n_in_flight=state.metrics.n_in_flight,
        queue_length=queue.n_waiting,
        n_refused_for_overload=queue.n_refused,
        predict_p50_ms=collector.latency_ms(0.5),
        predict_p99_ms=collector.latency_ms(0.99),
        longest_gc_pause_ms=round(1000 * collector.longest_gc_pause_s, 3),
        is_traced=collector.tracing.is_on,
    )
