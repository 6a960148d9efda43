"""The card of a form guide's CSV."""

import datetime as dt
from dataclasses import dataclass
from pathlib import PurePosixPath

from racing.domain.cards import check_card
from racing.domain.errors import FileRefused
from racing.domain.track_time import today_at
from racing.importers.files.csv_file import csv_of
from racing.importers.files.dates import DateOrder
from racing.importers.formats.form_guide_card import GuideCard, guide_card
from service.request_bodies import GZIP
from service.schemas.card import card_in
from service.schemas.form_guide import GuideCardOut, NotBelievedOut

ZIP = b"PK\x03\x04"
MAX_UNPACKED_BYTES = 4 * 1024 * 1024  # a guide has 4 KB; packed ones are bounded
MAX_LEFT_OUT = 200


@dataclass(frozen=True, slots=True)
class GuideFacts:
    """What a client gives beside a form guide; None where the file's name says it."""

    name: str
    """The file's name, or empty."""
    date: dt.date | None
    track: str | None
    distance_m: int | None
    dates: DateOrder = DateOrder.DEFAULT


def card_of_guide(body: bytes, facts: GuideFacts) -> GuideCard:
    """Return the card of a form guide; see :func:`racing.importers.card.guide_card`."""
    name = PurePosixPath(facts.name.replace("\\", "/")).name or "card.csv"
    file = csv_of(_plain_csv(body), name.removesuffix(".gz"), facts.dates, max_bytes=MAX_UNPACKED_BYTES)
    return guide_card(file, date=facts.date, track=facts.track, distance_m=facts.distance_m)


def guide_card_out(body: bytes, facts: GuideFacts) -> GuideCardOut:
    """Return the answer to a form guide: its card, checked by the rules of cards, and what was left out."""
    guide = card_of_guide(body, facts)
    check_card(guide.card, today=today_at(guide.card.track))
    left_out = [
        NotBelievedOut(line=problem.line, what=problem.what, reason=problem.reason)
        for problem in guide.problems[:MAX_LEFT_OUT]
    ]
    return GuideCardOut(card=card_in(guide.card), n_rows=guide.n_rows, not_believed=left_out)


def _plain_csv(body: bytes) -> bytes:
    """Return a CSV; archives are refused, for no limit of bodies holds for what is in them.

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
