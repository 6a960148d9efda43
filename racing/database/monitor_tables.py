"""The tables of the monitor: inputs by day, alarms, the newest report, seals, notifications and leases."""

import datetime as dt

from sqlalchemy import BigInteger, DateTime, Integer, Text
from sqlmodel import Field

from racing.database.table import Table

_BIG = BigInteger().with_variant(Integer(), "sqlite")


class InputCount(Table, table=True):
    """How the features of the cards of one day were distributed, as one process counted them.

    Each process rewrites its own row, so nothing is counted twice; the sum over ``writer`` is the day's.
    """

    date: dt.date = Field(primary_key=True)
    """The day on which the cards were answered, UTC."""
    model_version: int = Field(primary_key=True)
    writer: str = Field(primary_key=True)
    digest: str
    """Of the artifact whose ``reference.json`` has the bins."""
    n_cards: int
    n_runners: int
    n_unknown_dogs: int
    n_unknown_tracks: int
    """Cards of a track that the model has not seen."""
    n_without_form: int
    """Cards on which no runner has a run."""
    n_priced: int
    """Cards on which every starter has a price."""
    counts: bytes
    """Runners by feature and bin, see :mod:`racing.monitor.input_counts`."""


class Alarm(Table, table=True):
    """Something that somebody should look at, from when it was raised until it was cleared.

    ``active_key`` is ``kind:subject`` while it is active, then None: unique, so that it is raised once.
    """

    id: int | None = Field(default=None, primary_key=True)
    active_key: str | None = Field(default=None, unique=True)
    kind: str
    """``quality``, ``calibration``, ``inputs``, ``coverage``, ``ageing`` or ``operation``."""
    subject: str
    severity: str
    """``warning`` or ``critical``."""
    text: str = Field(sa_type=Text)
    todo: str = Field(sa_type=Text)
    """What to do about it, in a sentence."""
    numbers: str = Field(sa_type=Text)
    """JSON: the figures that it rests on."""
    raised_at: dt.datetime = Field(sa_type=DateTime)
    cleared_at: dt.datetime | None = Field(default=None, sa_type=DateTime)


class MonitorReport(Table, table=True):
    """The newest report of the monitor, made by one process and shown by all."""

    name: str = Field(primary_key=True)
    made_at: dt.datetime = Field(sa_type=DateTime)
    report: str = Field(sa_type=Text)
    """JSON."""


class DaySeal(Table, table=True):
    """The seal of one day of predictions that were made before the off, chained to the seal before.

    See :mod:`racing.predictions.seals` for what is sealed, byte by byte.
    """

    date: dt.date = Field(primary_key=True)
    """The day on which they were answered, UTC."""
    n_predictions: int
    n_before_off: int
    """Of these, known to have come before the off; the others came on race day, at a time nobody gave."""
    digest: str
    """sha256 over the day's predictions."""
    seal: str
    """sha256 over date, count, digest and the seal before."""
    sealed_at: dt.datetime = Field(sa_type=DateTime)
    pruned_at: dt.datetime | None = Field(default=None, sa_type=DateTime)
    """When the day's predictions were deleted from the log, on purpose."""
    leaves: bytes
    """41 bytes a prediction, by its number in the log: the number, the basis, and its sha256."""
    left_out: bytes
    """8 bytes an answer of the day that did not come before the off: its number."""


class Notification(Table, table=True):
    """What people and other programs are notified of: an outbox (:mod:`racing.database.outbox`).

    ``key`` names the occasion, so that two replicas note it once.
    """

    id: int | None = Field(default=None, sa_type=_BIG, primary_key=True)
    key: str = Field(unique=True)
    kind: str
    """``alarm``, ``verdict``, ``promotion``, ``rollback``, ``refusal`` or ``retraining``."""
    title: str
    text: str = Field(sa_type=Text)
    details: str = Field(sa_type=Text)
    """JSON."""
    at: dt.datetime = Field(sa_type=DateTime)
    delivered_at: dt.datetime | None = Field(default=None, sa_type=DateTime, index=True)
    """When the last of its channels had it."""
    delivered_to: str | None = Field(default=None, sa_type=Text)
    """JSON: fingerprints of the channels that have it, so that a retry goes to the others alone."""
    n_attempts: int = 0
    next_at: dt.datetime | None = Field(default=None, sa_type=DateTime)
    """Not to be tried before, by anyone: somebody is at it, or it failed."""
    given_up_at: dt.datetime | None = Field(default=None, sa_type=DateTime)
    error: str | None = Field(default=None, sa_type=Text)


class Lease(Table, table=True):
    """Which process does what only one may do at a time, until when (:mod:`racing.database.lease`)."""

    name: str = Field(primary_key=True)
    holder: str
    expires_at: dt.datetime = Field(sa_type=DateTime)


TABLES = (InputCount, Alarm, MonitorReport, DaySeal, Notification, Lease)
