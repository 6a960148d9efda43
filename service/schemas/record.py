"""The answer of ``GET /record/seals``."""

import datetime as dt

from pydantic import BaseModel, Field

from service.schemas.fields import Output

_SEAL = "5c2f1e0ab8d94f1f9f0c3a7be1d2c4f6a8b0d2e4f6a8c0e2f4a6b8d0e2f4a6b8"


class SealOut(Output):
    """The seal of one day of predictions."""

    date: dt.date = Field(description="Day on which they were answered, UTC.", examples=["2026-03-14"])
    n_predictions: int = Field(
        description="Answers of that day that came before the off, as far as is known.", examples=[412]
    )
    n_before_off: int = Field(
        description="Of these, known to have come before the off: by the card's `off_at`, or before race day "
        "began at the track. The others came on race day, and nobody gave the time of the off.",
        examples=[398],
    )
    digest: str = Field(description="sha256 over the day's predictions.", examples=[_SEAL])
    seal: str = Field(
        description="sha256 over date, count, digest and the seal of the day before.", examples=[_SEAL]
    )
    sealed_at: dt.datetime = Field(description="When it was sealed, UTC.", examples=["2026-03-15T06:03:11Z"])
    pruned_at: dt.datetime | None = Field(
        description="When the day's predictions were deleted from the log on purpose, UTC; null while they "
        "are there.",
        examples=[None],
    )


class SealsOut(BaseModel):
    """A page of seals."""

    seals: list[SealOut] = Field(description="The newest first.")
    next_before: dt.date | None = Field(
        description="`before` of the next page; null on the last.", examples=["2026-01-24"]
    )
