"""The answer of ``GET /tracks``."""

import datetime as dt

from pydantic import Field

from service.schemas.fields import Output


class TrackOut(Output):
    """A track; null is unknown."""

    id: int | None = Field(
        description="Its number here; null of a track that is known and has no stored race.", examples=[12]
    )
    name: str = Field(description="Our name for it.", examples=["Wentworth Park"])
    country: str | None = Field(description="`AU`, `NZ`, `GB` or `IE`.", examples=["AU"])
    state: str | None = Field(description="State, of Australian tracks.", examples=["NSW"])
    zone: str | None = Field(description="Time zone.", examples=["Australia/Sydney"])
    aliases: list[str] = Field(
        description="Other names and codes under which sources know it.", examples=[["W/PK", "WPK", "W_PK"]]
    )
    n_races: int = Field(description="Stored races.", examples=[1204])
    first_day: dt.date | None = Field(description="Day of the first of them.", examples=["2024-01-03"])
    last_day: dt.date | None = Field(description="Day of the last of them.", examples=["2026-03-31"])
    distances_m: list[int] = Field(
        description="Distances over which they went, in metres.", examples=[[280, 520, 720]]
    )


class TracksOut(Output):
    """Tracks by name."""

    tracks: list[TrackOut] = Field(description="Those that are stored, and those that are known beside them.")
    did_you_mean: list[str] = Field(
        description="Where none matches: names of tracks that are spelt nearly so, the nearest first.",
        examples=[[]],
    )
