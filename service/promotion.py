"""What goes over the wire to change the champion."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from model_registry.history import MAX_REASON

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


class PromotionOut(BaseModel):
    """One change of the champion, as it is on record."""

    model_config = ConfigDict(from_attributes=True)

    number: int = Field(description="Number of the change, from 1.", examples=[12])
    action: Literal["promote", "rollback"] = Field(description="What was done.", examples=["promote"])
    version: int = Field(description="The champion from now on.", examples=[7])
    previous: int | None = Field(description="The champion before, if there was one.", examples=[6])
    reason: str = Field(description="Why.", examples=["better on July"])
    by: str = Field(description="Name of the key that asked.", examples=["release pipeline"])
    forced: bool = Field(description="Whether gates were overruled.", examples=[False])
    at: dt.datetime = Field(description="When, UTC.", examples=["2026-03-14T08:00:00Z"])
    serving_version: int | None = Field(
        description="What this process serves as it answers: the champion, or the version before if the "
        "champion was refused or takes long to load; see `/model_status`.",
        examples=[7],
    )
