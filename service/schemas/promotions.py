"""Bodies and answers of the routes that change the champion."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from model_registry.history import MAX_REASON
from service.schemas.fields import Output

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON)]


class RollbackIn(BaseModel):
    """Why the champion is taken back."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    reason: Reason = Field(description="Why, for the record.", examples=["prices were late since Monday"])


class PromotionIn(RollbackIn):
    """Why a version becomes the champion."""

    force: bool = Field(
        default=False,
        description="Promote it although it failed its gates; this goes on record.",
        examples=[False],
    )
    probation: bool | None = Field(
        default=None,
        description="Whether it is on probation: the champion before goes on in shadow, and comes back by "
        "itself if it is better. Left out, `GREYHOUND_PROBATION` decides.",
        examples=[True],
    )


class RecordOut(Output):
    """One change of the champion, as it is on record."""

    number: int = Field(description="Number of the change, from 1.", examples=[12])
    action: Literal["promote", "rollback"] = Field(description="What was done.", examples=["promote"])
    version: int = Field(description="The champion from then on.", examples=[7])
    previous: int | None = Field(description="The champion before, if there was one.", examples=[6])
    reason: str = Field(description="Why.", examples=["better on July"])
    by: str = Field(
        description="Name of the API key, or of the user who ran the command.",
        examples=["release pipeline"],
    )
    forced: bool = Field(description="Whether gates were overruled.", examples=[False])
    at: dt.datetime = Field(description="When, UTC.", examples=["2026-03-14T08:00:00Z"])
    is_carried_out: bool = Field(
        default=True,
        description="Whether it took effect. False while it is under way, and for ever if the process that "
        "wrote it died before the champion changed: a rollback passes it over.",
        examples=[True],
    )
    is_on_probation: bool = Field(
        default=False,
        description="Whether the champion before goes on in shadow, and comes back if it is better.",
        examples=[False],
    )


class PromotionOut(RecordOut):
    """One change of the champion, and what it came to here."""

    serving_version: int | None = Field(
        description="What this process serves as it answers: the champion, or the version before if the "
        "champion was refused or takes long to load; see `/model_status`.",
        examples=[7],
    )


class RecordsOut(BaseModel):
    """The record of promotions."""

    promotions: list[RecordOut] = Field(description="Newest first.")
    n_promotions: int = Field(description="How many are on record in all.", examples=[12])
    rollback_to: int | None = Field(
        description="Version that a rollback would make champion now; null if there is none before.",
        examples=[6],
    )
