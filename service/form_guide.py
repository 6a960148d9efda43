"""A form guide's CSV as the body of a request: the card that it is, and what of it was not believed."""

import datetime as dt
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from racing.domain.cards import DISTANCE_M, check_card
from racing.domain.errors import FileRefused
from racing.domain.track_time import today_at
from racing.importers.files.csv_file import csv_of
from racing.importers.files.dates import DateOrder
from racing.importers.formats.form_guide_card import GuideCard, guide_card
from service.card_json import card_in
from service.errors import NotCsv
from service.fields import Day, PlainText
from service.running import GZIP
from service.schemas import CardIn

CSV = "text/csv"
ZIP = b"PK\x03\x04"
MAX_UNPACKED_BYTES = 4 * 1024 * 1024  # a guide has 4 KB; packed ones are bounded


@dataclass(frozen=True, slots=True)
class Told:
    """What a client says of a form guide beside it: each of them may be told by the file's name."""

    name: str
    date: dt.date | None
    track: str | None
    distance_m: int | None
    dates: DateOrder = DateOrder.DEFAULT


async def _told(
    name: Annotated[
        PlainText,
        Query(
            description="Of a form guide: its file's name, which may tell date and track.",
            examples=["Race 6 - SAN - 14 March 2026.csv"],
        ),
    ] = "",
    date: Annotated[
        Day | None, Query(description="Of a form guide: race day.", examples=["2026-03-14"])
    ] = None,
    track: Annotated[
        PlainText | None,
        Query(description="Of a form guide: the track.", max_length=60, examples=["Sandown Park"]),
    ] = None,
    distance_m: Annotated[
        int | None,
        Query(
            description="Of a form guide: the distance, in metres.",
            ge=DISTANCE_M[0],
            le=DISTANCE_M[1],
            examples=[515],
        ),
    ] = None,
    dates: Annotated[
        DateOrder,
        Query(
            description="Of a form guide: how dates such as 03/04/2026 are written. `default` is day first, "
            "and a guide with a date that cannot be that is refused; `auto` is as its other dates tell.",
        ),
    ] = DateOrder.DEFAULT,
) -> Told:
    return Told(name=name, date=date, track=track, distance_m=distance_m, dates=dates)


AboutGuide = Annotated[Told, Depends(_told)]


class NotBelievedOut(BaseModel):
    """A row, or a fact of a row, that was left out."""

    line: int = Field(description="Line of the file, the header's is 1.", examples=[14])
    what: str = Field(
        description="`row`: the run is left out; `fact`: the run is kept without it.", examples=["fact"]
    )
    reason: str = Field(description="The rule and the value.", examples=["weight must be 15..50 kg, got '3'"])


class GuideCardOut(BaseModel):
    """A form guide as a card."""

    card: CardIn = Field(description="As `POST /predict` takes it: each dog with its past runs as form.")
    n_rows: int = Field(description="Rows of the file, each a past run.", examples=[42])
    not_believed: list[NotBelievedOut] = Field(
        description="What of the rows was left out, and why; at most 200."
    )


async def csv_body(request: Request) -> bytes:
    """Return the body of a request that says it is CSV."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CSV:
        raise NotCsv(f"send the form guide as it is, with the header `Content-Type: {CSV}`")
    return await request.body()


CsvBody = Annotated[bytes, Depends(csv_body)]


def card_of_guide(body: bytes, told: Told) -> GuideCard:
    """Return the card of a form guide; see :func:`racing.importers.formats.form_guide_card.guide_card`."""
    name = PurePosixPath(told.name.replace("\\", "/")).name or "card.csv"
    file = csv_of(_not_packed(body), name.removesuffix(".gz"), told.dates, max_bytes=MAX_UNPACKED_BYTES)
    return guide_card(file, date=told.date, track=told.track, distance_m=told.distance_m)


def guide_card_out(body: bytes, told: Told) -> GuideCardOut:
    """Return the card of a form guide, checked by the rules of cards, in the words of the API."""
    guide = card_of_guide(body, told)
    check_card(guide.card, today=today_at(guide.card.track))
    left_out = [NotBelievedOut(line=p.line, what=p.what, reason=p.reason) for p in guide.problems[:200]]
    return GuideCardOut(card=card_in(guide.card), n_rows=guide.n_rows, not_believed=left_out)


def _not_packed(body: bytes) -> bytes:
    """Return a CSV as it is; archives are refused here, for what they hold has no limit of a request's body.

    Raises
    ------
    racing.domain.errors.FileRefused
        If it is a gzip or a zip file.
    """
    if body.startswith(GZIP):
        raise FileRefused("the body is a gzip file: send it with the header `Content-Encoding: gzip`")
    if body.startswith(ZIP):
        raise FileRefused("the body is a zip file (or a spreadsheet): send the CSV file that is in it")
    return body
