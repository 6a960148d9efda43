"""The ``data`` of each kind of event of ``GET /events``, for documents and clients; the stream is text."""

import datetime as dt
from typing import Any

from pydantic import BaseModel, Field


class _OfRace(BaseModel):
    race_id: int = Field(description="The race, for `GET /races/{race_id}`.", examples=[9120])
    at: dt.datetime = Field(description="When it was stored, UTC.", examples=["2026-03-14T02:10:00.250Z"])
    date: dt.date = Field(description="Race day.", examples=["2026-03-14"])
    track: str = Field(description="Track.", examples=["Sandown Park"])
    race_number: int | None = Field(description="Number of the race, if known.", examples=[6])
    off_at: dt.datetime | None = Field(
        description="When it is due to start, UTC; null unknown.", examples=["2026-03-14T08:42:00Z"]
    )


class CardEventOut(_OfRace):
    """`card`: a race to come is new, changed, or gone."""

    is_new: bool = Field(description="Whether the race was not stored before.", examples=[False])
    is_gone: bool = Field(description="Whether no source names it any more.", examples=[False])
    n_runners: int = Field(description="Runners, without the scratched.", examples=[8])
    changes: list[str] = Field(
        description="What changed, a sentence each.", examples=[["Late Mail starts from box 6"]]
    )


class ScratchingEventOut(_OfRace):
    """`scratching`: a runner is withdrawn, or was not after all."""

    name: str = Field(description="The dog's name.", examples=["Sir Tick"])
    box: int | None = Field(description="Its box, or its number.", examples=[1])
    is_scratched: bool = Field(description="False takes it back.", examples=[True])


class RunnerPriceOut(BaseModel):
    """A runner's newest prices, decimal odds; null is unknown."""

    name: str = Field(description="The dog's name.", examples=["Sir Tick"])
    box: int | None = Field(description="Its box, or its number.", examples=[1])
    back: float | None = Field(description="Best odds to back.", examples=[3.4])
    lay: float | None = Field(description="Best odds to lay.", examples=[3.5])
    last: float | None = Field(description="Last odds that were matched.", examples=[3.45])
    volume: float | None = Field(description="Matched until then.", examples=[1250.0])


class PriceEventOut(_OfRace):
    """`price`: runners of a race have new prices."""

    minutes: int = Field(description="Minutes to the off that is due; below 0 after it.", examples=[11])
    stated_at: dt.datetime = Field(
        description="When they were offered, UTC.", examples=["2026-03-14T08:31:10Z"]
    )
    runners: list[RunnerPriceOut] = Field(description="The runners whose prices are new.")


class PromotionEventOut(BaseModel):
    """`promotion`: another version is champion."""

    at: dt.datetime = Field(description="When, UTC.", examples=["2026-03-14T02:10:00.250Z"])
    version: int = Field(description="The version that is champion now.", examples=[7])
    previous: int | None = Field(description="The one before, if there was one.", examples=[6])
    action: str = Field(description="promote or rollback.", examples=["promote"])
    by: str = Field(description="Who did it.", examples=["ada"])
    reason: str = Field(description="Why.", examples=["better on 1,200 races"])
    key: str = Field(description="Names this change.", examples=["promote:7:20260314T021000.250000"])


class ResultEventOut(_OfRace):
    """`result`: a race has its result, or another one than before."""

    winners: list[str] = Field(description="More than one in a dead heat.", examples=[["Sir Tick"]])
    is_correction: bool = Field(description="Whether it had one before.", examples=[False])


class MissedEventOut(BaseModel):
    """`missed`: events were no longer stored when the follower came again, so read the races anew."""

    after: int = Field(description="The last event that the follower had.", examples=[120])
    until: int = Field(description="The last one that is missing.", examples=[4200])
    text: str = Field(description="The same in a sentence.", examples=["Some events were no longer stored."])


EVENTS: tuple[type[BaseModel], ...] = (
    CardEventOut, ScratchingEventOut, PriceEventOut, PromotionEventOut, ResultEventOut, MissedEventOut,
)  # fmt: skip
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A stream of server-sent events that has no end.",
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "string",
                    "description": "`event` says the kind; `data` is JSON: "
                    + ", ".join(f"`{model.__name__}`" for model in EVENTS),
                },
                "example": 'id: 42\nevent: scratching\ndata: {"race_id": 9120, "name": "Sir Tick"}\n\n',
            }
        },
    }
}
