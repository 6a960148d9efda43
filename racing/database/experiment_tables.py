"""The tables of experiments: contestants' prices, races compared, experiments, and what was decided."""

import datetime as dt

from sqlalchemy import BigInteger, DateTime, Index, Integer, Text
from sqlmodel import Field

from racing.database.table import Table

_BIG = BigInteger().with_variant(Integer(), "sqlite")


class PriceList(Table, table=True):
    """Somebody else's prices as a contestant: a tipster's, a bot's, a bookmaker's, an older model's.

    They get the same figures as a version beside the champion, and never serve.
    """

    name: str = Field(primary_key=True)
    created_at: dt.datetime = Field(sa_type=DateTime)


class ContestantPrice(Table, table=True):
    """What a price list says of one runner; the newest one of a runner counts.

    ``runner`` is the dog's key (:func:`racing.domain.names.name_key`), or ``box:4`` where the file has boxes
    only. ``probability`` is the file's, or 1 / price; a race's are shared out to sum to 1 when they are used.
    """

    __table_args__ = (Index("ix_contestantprice_day", "date", "track"),)

    name: str = Field(primary_key=True, foreign_key="pricelist.name", ondelete="CASCADE")
    date: dt.date = Field(primary_key=True)
    track: str = Field(primary_key=True)
    """Its key, as in :class:`racing.database.tables.PredictedRace`."""
    race_number: int = Field(primary_key=True)
    runner: str = Field(primary_key=True)
    probability: float
    at: dt.datetime | None = Field(default=None, sa_type=DateTime)
    """When it was quoted, UTC; prices quoted after race day was over do not count."""


class ComparedRace(Table, table=True):
    """How much better a contestant was than the version that answered, on one logged and judged card.

    Derived from the log, the results and the price lists when outcomes are matched
    (:mod:`racing.predictions.compared`). ``contestant`` is a version (``7``) or a price list
    (``prices:NAME``). Gains are in nats, above 0 the contestant was better.
    """

    __table_args__ = (Index("ix_comparedrace_contestant", "contestant", "champion_version", "date"),)

    prediction_id: int = Field(primary_key=True, foreign_key="prediction.id", sa_type=_BIG)
    contestant: str = Field(primary_key=True)
    at: dt.datetime = Field(sa_type=DateTime)
    """When the card was answered, UTC."""
    champion_version: int
    """The version that answered the card."""
    experiment_id: int | None = None
    """The experiment that ran when the card was answered."""
    date: dt.date
    track: str
    race_id: int
    gain_by_outcome: float
    """ln(p_contestant / p_champion) of the winner."""
    gain_by_market: float | None = None
    """The same as the closing prices expect it; None where not every starter has one."""


class Experiment(Table, table=True):
    """A comparison of challengers with the champion while it serves; one runs at a time.

    See :mod:`racing.experiments.records`. ``active`` is 1 while it runs, then None: unique, so that two
    processes cannot start two.
    """

    id: int | None = Field(default=None, primary_key=True)
    active: int | None = Field(default=None, unique=True)
    kind: str
    """``challenge``, or ``probation``: after a promotion the previous champion goes on in shadow."""
    champion: int
    challengers: str = Field(sa_type=Text)
    """JSON: a list of versions."""
    mode: str
    """``shadow`` or ``split``."""
    share: float
    """Of the races, answered by challengers, together; 0 in shadow."""
    policy: str = Field(sa_type=Text)
    """JSON: :class:`racing.experiments.policy.Policy`."""
    started_at: dt.datetime = Field(sa_type=DateTime)
    started_by: str
    reason: str = Field(sa_type=Text)
    follows: int | None = None
    """The experiment that this one restarts with other versions, or follows as probation."""
    ended_at: dt.datetime | None = Field(default=None, sa_type=DateTime)
    ended_by: str | None = None
    end_reason: str | None = Field(default=None, sa_type=Text)
    verdict: str | None = Field(default=None, sa_type=Text)
    """JSON: the verdicts in text and numbers, as they were at the end."""


class Decision(Table, table=True):
    """What the guard, or a person, decided about the champion: written before it is carried out.

    ``key`` names the occasion, so that two replicas, or one that was killed half-way, decide once.
    """

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    experiment_id: int | None = Field(default=None, index=True)
    action: str
    """``promote``, ``roll-back``, ``keep`` (a probation passed), ``stop-challenger`` or ``recommend``."""
    from_version: int | None = None
    to_version: int | None = None
    reason: str = Field(sa_type=Text)
    numbers: str = Field(sa_type=Text)
    """JSON: the figures that it rests on."""
    decided_by: str
    decided_at: dt.datetime = Field(sa_type=DateTime)
    carried_out_at: dt.datetime | None = Field(default=None, sa_type=DateTime)
    n_attempts: int = 0
    error: str | None = Field(default=None, sa_type=Text)
    """Why it could not be carried out, if it could not."""
    void_at: dt.datetime | None = Field(default=None, sa_type=DateTime)
    """When it was given up, for the reason in ``error``; it is not tried again."""


class Switch(Table, table=True):
    """A switch that all replicas follow: ``automation`` is ``on`` or ``off``."""

    name: str = Field(primary_key=True)
    value: str
    changed_at: dt.datetime = Field(sa_type=DateTime)
    changed_by: str
    reason: str = Field(sa_type=Text)


TABLES = (PriceList, ContestantPrice, ComparedRace, Experiment, Decision, Switch)
