"""Compare the log with its seals, and the seals with each other: whatever was changed since is found.

Only what somebody can do who makes a whole new chain stays unseen; a seal that was published finds that, too
(``published``).
"""

import datetime as dt
import hashlib
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Engine, Row, select

from racing.predictions.before_off import CERTAIN, before_off
from racing.predictions.seals import (
    BASES,
    ENTRY,
    FIRST,
    GRACE,
    chunks,
    days_due,
    leaf,
    numbers_of_day,
    rows_numbered,
    seal_text,
)
from racing.predictions.tables import PREDICTION, SEAL

Kind = Literal[
    "changed row",
    "missing row",
    "late-added row",
    "changed seal",
    "missing day",
    "half-pruned day",
    "not as published",
]
MAX_FINDINGS = 1_000
_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed."""

    date: dt.date
    kind: Kind
    text: str
    prediction_id: int | None = None


@dataclass(slots=True)
class Check:
    """The result of a check; at most :data:`MAX_FINDINGS` are listed, all are counted."""

    n_days: int = 0
    n_predictions: int = 0
    """Compared with their seals."""
    n_pruned_days: int = 0
    n_days_due: int = 0
    """Over, and not sealed yet."""
    last_date: dt.date | None = None
    last_seal: str | None = None
    n_findings: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether everything is as it was sealed."""
        return self.n_findings == 0

    def add(self, finding: Finding) -> None:
        """Count a finding, and list it if there is room."""
        self.n_findings += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)


def verify_record(
    engine: Engine,
    *,
    published: Mapping[dt.date, str] | None = None,
    now: dt.datetime | None = None,
    grace: dt.timedelta = GRACE,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Check:
    """Check the chain of seals and every sealed prediction; it reads the whole log.

    Parameters
    ----------
    published
        Seals by day, as they were published outside.
    """
    check = Check(n_days_due=days_due(engine, now=now, grace=grace))
    with engine.connect() as connection:
        dates = list(connection.scalars(select(SEAL.c.date).order_by(SEAL.c.date)))
    for finding in _before_the_first(engine, dates[0] if dates else None):
        check.add(finding)
    links = [FIRST]
    for i, date in enumerate(dates):
        with engine.connect() as connection:
            seal = connection.execute(select(SEAL).where(SEAL.c.date == date)).one()
        before = dates[i - 1] if i else None
        if before is not None and date - before > _ONE_DAY:
            for days in range(1, (date - before).days):
                text = "it has no seal, and days after it do"
                check.add(Finding(before + days * _ONE_DAY, "missing day", text))
            links = []  # the seal that this one is chained to is gone
        for finding in _of_day(engine, seal, links, check):
            check.add(finding)
        # Where a seal was changed, the next may be chained to what it was before.
        made = [seal_text(date, seal.n_predictions, seal.digest, link) for link in links]
        links = [seal.seal] if seal.seal in made else [seal.seal, *made][:3]
        check.n_days += 1
        check.n_pruned_days += seal.pruned_at is not None
        check.last_date, check.last_seal = date, seal.seal
        if published and published.get(date, seal.seal) != seal.seal:
            text = f"published was {published[date]}, here it is {seal.seal}"
            check.add(Finding(date, "not as published", text))
        on_progress(i + 1, len(dates))
    for date in sorted(set(published or ()) - set(dates)):
        check.add(Finding(date, "not as published", "a seal was published, and here is none"))
    return check


def _of_day(engine: Engine, seal: Row[Any], links: list[str], check: Check) -> Iterator[Finding]:
    """Yield what is wrong with a day, given the seals that it may be chained to."""
    hashed, n_before_off = hashlib.sha256(), 0
    for _, basis, one in _entries(seal):
        hashed.update(one)
        n_before_off += basis <= len(CERTAIN)
    digest, counts = hashed.hexdigest(), (len(seal.leaves) // ENTRY.size, n_before_off)
    if digest != seal.digest or counts != (seal.n_predictions, seal.n_before_off):
        yield Finding(seal.date, "changed seal", "what it says of its predictions is not what was sealed")
    elif links and not any(
        seal_text(seal.date, seal.n_predictions, seal.digest, link) == seal.seal for link in links
    ):
        text = "the seal does not follow from date, count, digest and the seal before"
        yield Finding(seal.date, "changed seal", text)
    numbers = numbers_of_day(engine, seal.date)
    if seal.pruned_at is not None:
        if numbers:
            text = f"it is noted as pruned, and {len(numbers)} of its answers are there; prune again"
            yield Finding(seal.date, "half-pruned day", text)
        return
    yield from _of_rows(engine, seal, numbers, check)


def _of_rows(engine: Engine, seal: Row[Any], numbers: "array[int]", check: Check) -> Iterator[Finding]:
    """Yield the rows that are not as they were sealed; both sides are in the order of their numbers."""
    sealed = _entries(seal)
    due = next(sealed, None)
    left_out = array("Q", seal.left_out[: len(seal.left_out) // 8 * 8])
    if sys.byteorder == "little":
        left_out.byteswap()
    known = set(left_out)
    gone = array("q")
    for chunk in chunks(numbers):
        rows = {row.id: row for row in rows_numbered(engine, chunk)}
        for number in chunk:
            while due is not None and due[0] < number:
                gone.append(due[0])
                due = next(sealed, None)
            row = rows.get(number)
            if due is not None and due[0] == number:
                check.n_predictions += 1
                if row is None or leaf(row, BASES[(due[1] - 1) % len(BASES)]) != due[2]:
                    yield Finding(seal.date, "changed row", "it is not what was sealed", number)
                due = next(sealed, None)
            elif row is not None and before_off(row.card, row.at) is not None:
                came = "it was left out when" if number in known else "it came after"
                yield Finding(seal.date, "late-added row", f"{came} the day was sealed", number)
    while due is not None:
        gone.append(due[0])
        due = next(sealed, None)
    yield from _of_gone(engine, seal.date, gone)


def _entries(seal: Row[Any]) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, basis and leaf of the predictions of a seal."""
    yield from ENTRY.iter_unpack(seal.leaves[: len(seal.leaves) // ENTRY.size * ENTRY.size])


def _of_gone(engine: Engine, date: dt.date, gone: "array[int]") -> Iterator[Finding]:
    """Yield the rows that the log does not have on their day: deleted, or dated otherwise."""
    for chunk in chunks(gone):
        elsewhere = {row.id: row.at for row in rows_numbered(engine, chunk)}
        for number in chunk:
            if number in elsewhere:
                text = f"it is dated {elsewhere[number]:%Y-%m-%d %H:%M:%S} now"
                yield Finding(date, "changed row", text, number)
            else:
                yield Finding(date, "missing row", "it was sealed, and the log does not have it", number)


def _before_the_first(engine: Engine, first: dt.date | None) -> Iterator[Finding]:
    """Yield the rows that are older than the first seal."""
    if first is None:
        return
    older = PREDICTION.c.at < dt.datetime.combine(first, dt.time())
    query = select(PREDICTION.c.id, PREDICTION.c.at).where(older).order_by(PREDICTION.c.id)
    with engine.connect() as connection:
        for row in connection.execution_options(yield_per=10_000).execute(query):
            text = "it is dated before the first day that was sealed"
            yield Finding(row.at.date(), "late-added row", text, row.id)
