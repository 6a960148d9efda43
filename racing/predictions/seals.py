"""Seals: what the log held of a day, so that a later change of it can be found.

A day is a day of UTC on which cards were answered. Its record are the answers of that day that came before
the off (:mod:`racing.predictions.before_off`), in the order of their numbers in the log:

- a prediction's *line* is the text ``NUMBER AT BASIS VERSION SHA256(card) SHA256(answer) DIGEST`` and a line
  feed, with one space between its parts, ``AT`` as ``2026-03-14T08:00:02.000000Z``, ``DIGEST`` that of the
  version's artifact, and card and answer as the log has them, in UTF-8;
- its *leaf* is the sha256 of the line, 32 bytes;
- the day's *digest* is the sha256 of its leaves one after the other, of nothing where there are none;
- its *seal* is the sha256 of the text ``DATE COUNT DIGEST SEAL`` and a line feed, where ``SEAL`` is that of
  the day before, and 64 zeros for the first.

sha256 is written in 64 hexadecimal digits wherever it stands in a text. Days follow each other without a
gap; one without predictions is sealed too. A day is sealed once it is over, and the answers that were spooled
have had some hours to come in; what comes later is never added to a seal.
"""

import datetime as dt
import hashlib
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, func, select, update

from racing.database.upsert import insert_missing
from racing.predictions.before_off import CERTAIN, Basis, before_off
from racing.predictions.tables import PREDICTION, SEAL
from racing.predictions.unreadable import fetch

GRACE = dt.timedelta(hours=6)
"""After the end of a day, until it is sealed: what was spooled while the database was away comes in."""
FIRST = "0" * 64
"""Stands for the seal before the first."""
CHUNK = 200  # cards read at once, some kilobytes each
ENTRY = struct.Struct(">QB32s")
"""Of the leaves that are stored with a seal: the number in the log, the basis, the leaf."""
BASES: tuple[Basis, ...] = ("off", "day", "same-day")
_ONE_DAY = dt.timedelta(days=1)
_READ = (
    PREDICTION.c.id,
    PREDICTION.c.at,
    PREDICTION.c.model_version,
    PREDICTION.c.digest,
    PREDICTION.c.card,
    PREDICTION.c.answer,
)
_SHOWN = [column for column in SEAL.c if column.name not in ("leaves", "left_out")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The seal of one day; times are UTC."""

    date: dt.date
    n_predictions: int
    n_before_off: int
    digest: str
    seal: str
    sealed_at: dt.datetime
    pruned_at: dt.datetime | None


def seal_days(
    engine: Engine,
    *,
    now: dt.datetime | None = None,
    grace: dt.timedelta = GRACE,
    until: dt.date | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Seal]:
    """Seal every day that is due, to ``until`` if given, and return the new seals, oldest first.

    Two processes that seal at the same time make one chain: of a day the first seal stays.
    """
    end = min(last_due(now, grace), until or dt.date.max)
    start, previous = _next(engine)
    sealed: list[Seal] = []
    total = max(0, (end - start).days + 1) if start else 0
    while start is not None and start <= end:
        made = _sealed(engine, start, previous)
        with engine.begin() as connection:
            is_new = insert_missing(connection, SEAL, [made])
        if is_new:
            sealed.append(_seal(made))
            start, previous = start + _ONE_DAY, made["seal"]
        else:
            start, previous = _next(engine)
        on_progress(len(sealed), total)
    return sealed


def days_due(engine: Engine, *, now: dt.datetime | None = None, grace: dt.timedelta = GRACE) -> int:
    """Return how many days are to be sealed now."""
    start, _ = _next(engine)
    return 0 if start is None else max(0, (last_due(now, grace) - start).days + 1)


def last_due(now: dt.datetime | None, grace: dt.timedelta) -> dt.date:
    """Return the last day that is over, and has been for ``grace``."""
    return ((now or dt.datetime.now(dt.UTC)) - grace).astimezone(dt.UTC).date() - _ONE_DAY


def list_seals(engine: Engine, *, limit: int = 50, before: dt.date | None = None) -> list[Seal]:
    """Return seals, the newest first; those of days before ``before``."""
    query = select(*_SHOWN).order_by(SEAL.c.date.desc()).limit(limit)
    if before is not None:
        query = query.where(SEAL.c.date < before)
    with engine.connect() as connection:
        return [_seal(row._asdict()) for row in connection.execute(query)]


def seal_of(engine: Engine, date: dt.date) -> Seal | None:
    """Return the seal of a day, if it has one."""
    with engine.connect() as connection:
        row = connection.execute(select(*_SHOWN).where(SEAL.c.date == date)).first()
    return None if row is None else _seal(row._asdict())


def sealed_rows(engine: Engine, date: dt.date) -> Iterator[tuple[Basis, Row[Any]]]:
    """Yield the logged predictions of a day's record that are still there, each with its basis."""
    with engine.connect() as connection:
        leaves = connection.scalar(select(SEAL.c.leaves).where(SEAL.c.date == date)) or b""
    bases = {number: BASES[basis - 1] for number, basis, _ in ENTRY.iter_unpack(leaves)}
    for chunk in chunks(array("q", bases)):
        for row in rows_numbered(engine, chunk):
            yield bases[row.id], row


def mark_pruned(engine: Engine, before: dt.date) -> None:
    """Note with the seals of all days before a day that their predictions are deleted, on purpose."""
    due = (SEAL.c.date < before) & SEAL.c.pruned_at.is_(None)
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    with engine.begin() as connection:
        connection.execute(update(SEAL).where(due).values(pruned_at=now))


def seal_text(date: dt.date, n_predictions: int, digest: str, previous: str) -> str:
    """Return a day's seal."""
    return hashlib.sha256(f"{date} {n_predictions} {digest} {previous}\n".encode()).hexdigest()


def leaf(row: Row[Any], basis: Basis) -> bytes:
    """Return the leaf of a logged prediction."""
    card, answer = (hashlib.sha256(text.encode()).hexdigest() for text in (row.card, row.answer))
    at = row.at.isoformat(timespec="microseconds")
    line = f"{row.id} {at}Z {basis} {row.model_version} {card} {answer} {row.digest}\n"
    return hashlib.sha256(line.encode()).digest()


def numbers_of_day(engine: Engine, date: dt.date) -> "array[int]":
    """Return the numbers of the cards that were answered on a day, in order; 8 bytes each."""
    start = dt.datetime.combine(date, dt.time())
    query = select(PREDICTION.c.id).where(PREDICTION.c.at >= start, PREDICTION.c.at < start + _ONE_DAY)
    with engine.connect() as connection:
        streaming = connection.execution_options(yield_per=10_000)
        return array("q", streaming.scalars(query.order_by(PREDICTION.c.id)))


def chunks(numbers: "array[int]") -> Iterator["array[int]"]:
    """Yield numbers of cards, as many at a time as are read at once."""
    for i in range(0, len(numbers), CHUNK):
        yield numbers[i : i + CHUNK]


def rows_numbered(engine: Engine, numbers: "array[int]") -> list[Row[Any]]:
    """Return logged cards by their numbers, in order; one that the database cannot give is left out."""
    query = select(*_READ).where(PREDICTION.c.id.in_(numbers.tolist()))
    return fetch(engine, query.order_by(PREDICTION.c.id))


def _next(engine: Engine) -> tuple[dt.date | None, str]:
    """Return the next day to be sealed, and the seal before it; no day if nothing was ever logged."""
    with engine.connect() as connection:
        last = connection.execute(
            select(SEAL.c.date, SEAL.c.seal).order_by(SEAL.c.date.desc()).limit(1)
        ).first()
        if last is not None:
            return last.date + _ONE_DAY, last.seal
        first = connection.scalar(select(func.min(PREDICTION.c.at)))
    return (None if first is None else first.date()), FIRST


def _sealed(engine: Engine, date: dt.date, previous: str) -> dict[str, Any]:
    """Return the row of a day's seal."""
    leaves, left_out, digest = bytearray(), array("q"), hashlib.sha256()
    n_predictions = n_before_off = 0
    for chunk in chunks(numbers_of_day(engine, date)):
        found = set()
        for row in rows_numbered(engine, chunk):
            basis = before_off(row.card, row.at)
            if basis is None:
                continue
            found.add(row.id)
            hashed = leaf(row, basis)
            digest.update(hashed)
            leaves += ENTRY.pack(row.id, BASES.index(basis) + 1, hashed)
            n_predictions += 1
            n_before_off += basis in CERTAIN
        left_out.extend(number for number in chunk if number not in found)
    return {
        "date": date,
        "n_predictions": n_predictions,
        "n_before_off": n_before_off,
        "digest": digest.hexdigest(),
        "seal": seal_text(date, n_predictions, digest.hexdigest(), previous),
        "sealed_at": dt.datetime.now(dt.UTC).replace(tzinfo=None),
        "pruned_at": None,
        "leaves": bytes(leaves),
        "left_out": struct.pack(f">{len(left_out)}Q", *left_out),
    }


def _seal(row: dict[str, Any]) -> Seal:
    times = {name: row[name] and row[name].replace(tzinfo=dt.UTC) for name in ("sealed_at", "pruned_at")}
    return Seal(**{column.name: row[column.name] for column in _SHOWN} | times)
