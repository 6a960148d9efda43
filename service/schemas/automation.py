"""Bodies and answers of ``/automation``: what the service does by itself, and the switch that stops it."""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.schemas.fields import Output
from service.schemas.promotions import Reason


class AutomationIn(BaseModel):
    """How the switch shall stand, and why."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    on: bool = Field(description="Whether the champion may be changed without a person.", examples=[False])
    reason: Reason = Field(description="Why, for the record.", examples=["races are abandoned today"])


class SwitchOut(Output):
    """The switch, which all replicas follow."""

    is_on: bool = Field(description="How it stands; on until somebody turns it off.", examples=[True])
    changed_at: dt.datetime | None = Field(
        description="When it was last turned, UTC; null if never.", examples=["2026-03-14T08:00:00Z"]
    )
    changed_by: str | None = Field(
        description="Name of the API key, or of the user of the command.", examples=["ada"]
    )
    reason: str | None = Field(description="Why.", examples=["races are abandoned today"])


class TaskOut(Output):
    """How a task of automation does in the process that answers."""

    name: str = Field(description="What it does.", examples=["guard"])
    everywhere: bool = Field(description="Whether each process does it, not one of all.", examples=[False])
    last_run: dt.datetime | None = Field(
        description="When it last ended without an error here, UTC; null if never.",
        examples=["2026-03-14T08:00:02Z"],
    )
    took_ms: float | None = Field(description="Milliseconds that it took then.", examples=[3.1])
    error: str | None = Field(description="Why its last run failed, if it did.", examples=[None])
    n_failures: int = Field(description="Runs that failed since the process started.", examples=[0])
    hangs: bool = Field(description="Whether it has not come back for long.", examples=[False])


class AutomationOut(Output):
    """What the service does by itself, as the process that answers sees it."""

    is_on: bool = Field(
        description="Whether the champion may be changed without a person: by the switch and by this "
        "process's `GREYHOUND_AUTOMATION`.",
        examples=[True],
    )
    switch: SwitchOut = Field(description="The switch, as last seen: some seconds ago at most.")
    place: Literal["here", "elsewhere", "unknown"] = Field(
        description="Which process does the tasks: this one, another one, or, while the race database does "
        "not say, an unknown one.",
        examples=["here"],
    )
    error: str | None = Field(
        description="Why the race database does not say who does them, if it does not.", examples=[None]
    )
    tasks: list[TaskOut] = Field(description="The tasks; where they are done elsewhere, ask there.")
