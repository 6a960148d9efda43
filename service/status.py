"""``GET /model_status``: the keys that existing pages read, first and in their order, and then ours."""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.observability.service_status import ServiceOut
from service.prediction_log.log import LogOut
from service.serving.absence import describe_rejection, rejected_champion
from service.serving.slots import CHAMPION, ModelSlots
from service.serving.state import CacheState, WatcherState
from service.summary import Summary


class SwapOut(BaseModel):
    """The latest change of the serving version."""

    model_config = ConfigDict(from_attributes=True)

    version: int = Field(description="Version that came in.", examples=[7])
    previous: int | None = Field(description="Version that it replaced, if one served.", examples=[6])
    at: dt.datetime = Field(description="When, UTC.", examples=["2026-03-14T08:00:02Z"])
    seconds: float = Field(description="From seeing the alias move to serving.", examples=[0.31])
    golden_difference: float | None = Field(
        description="Largest difference between the two versions' probabilities on the new one's golden "
        "card; null where they cannot be compared.",
        examples=[0.021],
    )


class RefusalOut(BaseModel):
    """A version that was promoted but is not let in."""

    model_config = ConfigDict(from_attributes=True)

    version: int = Field(description="Version that was refused.", examples=[8])
    why: str = Field(
        description="In a word: `corrupt`, `digest` (altered), `features` (unknown here), `foreign` (not a "
        "model of this product), `format` (of another release), `golden` (off on its golden card), "
        "`incomplete`, `source` (it lies where it may not), `slow`, `registry` (it could not be fetched) or "
        "`other`.",
        examples=["digest"],
    )
    reason: str = Field(
        description="In full.",
        examples=["members/xgboost.onnx differs from its digest: expected 1f.., got 9a.."],
    )
    at: dt.datetime = Field(description="When, UTC.", examples=["2026-03-14T08:00:02Z"])
    is_final: bool = Field(
        description="Whether it is left alone until the alias moves; otherwise it is tried again.",
        examples=[True],
    )


class AbsenceOut(BaseModel):
    """Why no version serves."""

    model_config = ConfigDict(from_attributes=True)

    reason: Literal["loading", "no-champion", "champion-refused", "registry-unavailable"] = Field(
        description="For programs.", examples=["no-champion"]
    )
    detail: str = Field(
        description="In a sentence, with what to do.",
        examples=["no version is champion: promote a version, and it is served within seconds"],
    )
    cause: str | None = Field(description="The error itself, where there is one.", examples=[None])


class RegistryOut(BaseModel):
    """What the service sees of the registry."""

    champion_version: int | None = Field(
        description="Version that the champion alias names, as last seen; it differs from `version` while a "
        "new one is loaded, and when it was refused.",
        examples=[7],
    )
    last_look: dt.datetime | None = Field(
        description="Last time it was asked, UTC.", examples=["2026-03-14T08:00:02Z"]
    )
    last_contact: dt.datetime | None = Field(
        description="Last time it answered, UTC.", examples=["2026-03-14T08:00:02Z"]
    )
    error: str | None = Field(description="Why it did not answer, if it did not.", examples=[None])


class KeptOut(BaseModel):
    """What lies on this machine's disk for a start while the registry is away."""

    model_config = ConfigDict(from_attributes=True)

    version: int | None = Field(description="Version that is kept; null if none is.", examples=[7])
    kept_at: dt.datetime | None = Field(description="Since when, UTC.", examples=["2026-03-14T08:00:02Z"])
    error: str | None = Field(
        description="Why the version that serves could not be kept, or a kept one not be used.",
        examples=["[Errno 28] No space left on device"],
    )


class ModelStatus(Summary):
    """The champion, how good it is, and how it got here."""

    version: int | None = Field(default=None, description="Version that serves.", examples=[7])
    champion_since: dt.datetime | None = Field(
        default=None,
        description="When it was promoted, UTC; null where the registry has no record of it.",
        examples=["2026-03-14T08:00:00Z"],
    )
    loaded_at: dt.datetime | None = Field(
        default=None, description="Since when it serves here, UTC.", examples=["2026-03-14T08:00:02Z"]
    )
    served_from: Literal["registry", "kept artifact"] | None = Field(
        default=None,
        description="Where it was loaded from. `kept artifact`: the registry could not give its champion "
        "when the service started, so the last good one kept on disk serves until it can.",
        examples=["registry"],
    )
    served_from_kept_at: dt.datetime | None = Field(
        default=None, description="When that artifact was kept, UTC; null otherwise.", examples=[None]
    )
    is_simulated: bool | None = Field(
        default=None, description="Whether it was trained on simulated races.", examples=[False]
    )
    learnt_since: dt.date | None = Field(
        default=None, description="First race day that it has learnt from.", examples=["2025-01-01"]
    )
    learnt_until: dt.date | None = Field(
        default=None,
        description="Last race day that it has learnt from: of races up to it, it knows the outcome.",
        examples=["2026-03-31"],
    )
    judgement: str | None = Field(
        default=None,
        description="A sentence: on which races its figures were made, and what had been learnt then.",
        examples=[
            "Judged on 2026-01-01 to 2026-03-31 by the same recipe, which had learnt to 2025-12-31; what "
            "serves has learnt to 2026-03-31."
        ],
    )
    feature_version: str | None = Field(default=None, description="Its set of features.", examples=["1"])
    digest: str | None = Field(default=None, description="sha256 over its artifact.", examples=["1f6c0a.."])
    artifact_bytes: int | None = Field(default=None, description="Size of its artifact.", examples=[2400000])
    why_none: AbsenceOut | None = Field(
        default=None, description="Why no version serves; null while one does."
    )
    champion_refused: str | None = Field(
        default=None,
        description="Why the version that the champion alias names does not serve, if it was refused.",
        examples=["the champion, version 8, was refused because a file is missing (promote another ...)"],
    )
    n_swaps: int = Field(description="Changes of version since the service started.", examples=[3])
    last_swap: SwapOut | None = Field(default=None, description="The latest of them.")
    refusals: list[RefusalOut] = Field(description="Versions not let in, newest first; at most 20.")
    registry: RegistryOut = Field(description="What the service sees of the registry.")
    kept: KeptOut = Field(description="The champion kept on disk.")
    database_error: str | None = Field(
        default=None, description="Why the race database cannot be read, if it cannot.", examples=[None]
    )
    prediction_log: LogOut = Field(description="How the prediction log does, in this process.")
    started_at: dt.datetime = Field(
        description="Start of the service, UTC.", examples=["2026-03-14T07:00:00Z"]
    )
    service: ServiceOut = Field(description="How the service itself does.")


def model_status(
    slots: ModelSlots,
    state: WatcherState,
    kept: CacheState,
    *,
    started_at: dt.datetime,
    database_error: str | None,
    service: ServiceOut,
    log_state: LogOut,
) -> ModelStatus:
    """Tell what serves now."""
    champion = slots.peek(CHAMPION)
    refusal = rejected_champion(state)
    if champion and champion.version == state.alias_version:
        refusal = None
    status = ModelStatus(
        success=champion is not None,
        why_none=None if champion else AbsenceOut.model_validate(slots.absence),
        champion_refused=describe_rejection(refusal) if refusal else None,
        n_swaps=state.n_swaps,
        last_swap=SwapOut.model_validate(state.last_swap) if state.last_swap else None,
        refusals=[RefusalOut.model_validate(refusal) for refusal in state.rejected],
        registry=RegistryOut(
            champion_version=state.alias_version,
            last_look=state.last_poll,
            last_contact=state.last_contact,
            error=state.contact_error,
        ),
        kept=KeptOut(version=kept.version, kept_at=kept.stored_at, error=kept.error),
        database_error=database_error,
        prediction_log=log_state,
        started_at=started_at,
        service=service,
    )
    if champion is None:
        return status
    ours = {
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
    return status.model_copy(update=champion.summary.model_dump(exclude={"success"}) | ours)
