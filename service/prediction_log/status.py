"""What ``/model_status`` says of the prediction log."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field


class LogOut(BaseModel):
    """How the prediction log does."""

    model_config = ConfigDict(from_attributes=True)

    is_on: bool = Field(
        description="Whether answers are kept: not without a database, nor where it is set off.",
        examples=[True],
    )
    n_waiting: int = Field(description="Answers in memory, not kept yet.", examples=[12])
    n_written: int = Field(description="Answers written to the database since the start.", examples=[48210])
    n_spooled: int = Field(
        description="Answers that went to disk first, as the database was away or slow.", examples=[0]
    )
    n_dropped: int = Field(
        description="Answers that are not kept: neither database nor disk took them in time.", examples=[0]
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
