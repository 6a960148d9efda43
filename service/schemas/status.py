"""The answer of ``GET /model_status``: first the keys that existing pages read, in their order.

One long module, as it is one document: a model for each of its parts, and :class:`ModelStatus` last.
"""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, Field

from service.schemas.automation import AutomationOut
from service.schemas.fields import Output


class Summary(BaseModel):
    """The keys of the pages that exist already; all but ``success`` are null while nothing is served."""

    success: bool = Field(description="Whether a champion is serving.", examples=[True])
    model_type: str | None = Field(default=None, description="What kind of model.", examples=["Ensemble"])
    accuracy: float | None = Field(
        default=None,
        description="Share of right yes/no calls at probability 0.5 on untouched races. Saying `nobody wins` "
        "scores 0.875 in fields of eight, so judge by auc_score and metrics.",
        examples=[0.861],
    )
    auc_score: float | None = Field(
        default=None, description="Area under the ROC curve, untouched races.", examples=[0.752]
    )
    f1_score: float | None = Field(default=None, description="F1, untouched races.", examples=[0.39])
    last_trained: str | None = Field(
        default=None, description="End of training, ISO 8601, UTC.", examples=["2026-03-01T08:05:30Z"]
    )
    features: int | None = Field(default=None, description="Number of features.", examples=[68])
    samples: int | None = Field(default=None, description="Runs trained on.", examples=[15420])
    class_balance: str | None = Field(
        default=None, description="How winners and losers were balanced.", examples=["Class weights"]
    )
    calibration: str | None = Field(
        default=None, description="How scores were calibrated.", examples=["Platt Scaling"]
    )
    optimization: str | None = Field(
        default=None, description="How parameters were searched.", examples=["Optuna Bayesian (30 trials)"]
    )


class SwapOut(Output):
    """The latest change of the serving version."""

    version: int = Field(description="Version that came in.", examples=[7])
    previous: int | None = Field(description="Version that it replaced, if one served.", examples=[6])
    at: dt.datetime = Field(description="When, UTC.", examples=["2026-03-14T08:00:02Z"])
    seconds: float = Field(description="From seeing the alias move to serving.", examples=[0.31])
    golden_difference: float | None = Field(
        description="Largest difference between the two versions' probabilities on the new one's golden "
        "card; null where they cannot be compared.",
        examples=[0.021],
    )


class RefusalOut(Output):
    """A version that was promoted but is not let in."""

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


class AbsenceOut(Output):
    """Why no version serves."""

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
        description="Last time it was polled, UTC.", examples=["2026-03-14T08:00:02Z"]
    )
    last_contact: dt.datetime | None = Field(
        description="Last time it answered, UTC.", examples=["2026-03-14T08:00:02Z"]
    )
    error: str | None = Field(description="Why it did not answer, if it did not.", examples=[None])


class KeptOut(Output):
    """What lies on this machine's disk for a start while the registry is away."""

    version: int | None = Field(description="Version that is stored; null if none is.", examples=[7])
    kept_at: dt.datetime | None = Field(description="Since when, UTC.", examples=["2026-03-14T08:00:02Z"])
    error: str | None = Field(
        description="Why the version that serves could not be stored, or a stored one not be used.",
        examples=["[Errno 28] No space left on device"],
    )


class LogOut(Output):
    """How the prediction log does."""

    is_on: bool = Field(
        description="Whether answers are logged: not without a database, nor where it is set off.",
        examples=[True],
    )
    n_waiting: int = Field(description="Answers in memory, not saved yet.", examples=[12])
    n_written: int = Field(description="Answers written to the database since the start.", examples=[48210])
    n_spooled: int = Field(
        description="Answers that went to disk first, as the database was away or slow.", examples=[0]
    )
    n_dropped: int = Field(
        description="Answers that are not logged: neither database nor disk took them in time.", examples=[0]
    )
    spool_bytes: int = Field(description="Bytes on disk that the database has not taken yet.", examples=[0])
    last_kept: dt.datetime | None = Field(
        description="When answers were last written or spooled, UTC.", examples=["2026-03-14T08:00:02Z"]
    )
    database_error: str | None = Field(
        description="Why the database takes no answers, if it does not.", examples=[None]
    )
    spool_error: str | None = Field(
        description="Why the disk takes no answers, if it was tried and does not.", examples=[None]
    )
    n_refused: int = Field(
        default=0,
        description="Of those dropped, answers that the database refuses or that lie damaged on disk "
        "(of these at least so many); they are set aside in `refused.jsonl` of the spool.",
        examples=[0],
    )
    n_unreadable: int = Field(
        default=0,
        description="Cards of the whole log that cannot be read, and are set aside: `greyhound predictions "
        "unreadable` lists them.",
        examples=[0],
    )
    reader_error: str | None = Field(
        default=None, description="Why logged cards are not read now, if they are not.", examples=[None]
    )


class ServiceOut(BaseModel):
    """How the service does. Counts are of the process that answers; ``/metrics`` adds all workers up."""

    uptime_s: float = Field(description="Seconds since it started.", examples=[86400.0])
    pid: int = Field(description="The process that answers.", examples=[1])
    n_workers: int = Field(description="Processes that serve together.", examples=[1])
    requests: dict[str, int] = Field(
        description="Requests answered since it started, by class of their status.",
        examples=[{"2xx": 90210, "4xx": 12}],
    )
    n_in_flight: int = Field(description="Requests that are being answered now.", examples=[1])
    queue_length: int = Field(description="Requests that wait for their turn.", examples=[0])
    n_refused_for_overload: int = Field(
        description="Requests turned away because too many waited.", examples=[0]
    )
    predict_p50_ms: float | None = Field(
        description="Milliseconds. Half of the predictions of the last five minutes took less; null if there "
        "were none.",
        examples=[0.42],
    )
    predict_p99_ms: float | None = Field(
        description="Milliseconds. 99 of 100 predictions of the last five minutes took less.", examples=[1.8]
    )
    longest_gc_pause_ms: float = Field(
        description="Longest stop by the garbage collector, in milliseconds, since the version that serves "
        "came in.",
        examples=[0.7],
    )
    is_traced: bool = Field(description="Whether traces go to a collector.", examples=[False])


class ChallengerOut(BaseModel):
    """A version that is to run beside the champion."""

    role: str = Field(
        description="`challenger`, `challenger-2` ...: the registry's alias, or the place in the experiment.",
        examples=["challenger"],
    )
    version: int = Field(description="Its version.", examples=[8])
    state: Literal["loading", "running", "refused", "off"] = Field(
        description="`running` scores cards; `refused` was not let in; `off` was let in and then failed.",
        examples=["running"],
    )
    why: str | None = Field(description="Why it does not run, if it does not.", examples=[None])
    loaded_at: dt.datetime | None = Field(
        description="Since when it runs here, UTC.", examples=["2026-03-14T08:00:02Z"]
    )
    n_scored: int = Field(
        description="Cards that it scored in shadow since then, in this process.", examples=[48210]
    )
    n_dropped: int = Field(
        description="Cards that it did not come to score: too many at once, or too late for the log.",
        examples=[3],
    )
    n_failed: int = Field(description="Cards that it could not score.", examples=[0])


class RunningExperimentOut(BaseModel):
    """The experiment that runs, as this process sees it."""

    id: int = Field(description="Its number.", examples=[3])
    mode: Literal["shadow", "split"] = Field(
        description="`shadow`: challengers answer nothing; `split`: they answer a share of races.",
        examples=["split"],
    )
    share: float = Field(description="Share of races that challengers answer, together.", examples=[0.2])
    error: str | None = Field(
        description="Why the record could not be read at the last poll, if it could not: this is the last "
        "one read.",
        examples=[None],
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
        "when the service started, so the last good one stored on disk serves until it can.",
        examples=["registry"],
    )
    served_from_kept_at: dt.datetime | None = Field(
        default=None, description="When that artifact was stored, UTC; null otherwise.", examples=[None]
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
    kept: KeptOut = Field(description="The champion stored on disk.")
    database_error: str | None = Field(
        default=None, description="Why the race database cannot be read, if it cannot.", examples=[None]
    )
    prediction_log: LogOut = Field(description="How the prediction log does, in this process.")
    automation: AutomationOut = Field(description="What the service does by itself.")
    started_at: dt.datetime = Field(
        description="Start of the service, UTC.", examples=["2026-03-14T07:00:00Z"]
    )
    service: ServiceOut = Field(description="How the service itself does.")
    challengers: list[ChallengerOut] = Field(
        default_factory=list, description="Versions that are to run beside the champion, in their order."
    )
    experiment: RunningExperimentOut | None = Field(
        default=None, description="The experiment that runs; null if none does."
    )
