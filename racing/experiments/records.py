"""The record of experiments: start, end, and which one runs."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from racing.database.experiment_tables import Experiment as _Table
from racing.domain.errors import ExperimentRefused, NoSuchExperiment
from racing.domain.plain_text import unprintable
from racing.experiments.policy import Policy

_EXPERIMENT = _Table.__table__  # type: ignore[attr-defined]
Kind = Literal["challenge", "probation"]
Mode = Literal["shadow", "split"]
MAX_CHALLENGERS = 4
"""Each is a model in memory, and scores every card."""
MAX_REASON = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An experiment as it is on record; times are UTC."""

    id: int
    kind: Kind
    champion: int
    challengers: tuple[int, ...]
    """Versions, in the order of the aliases challenger, challenger-2, ...; of a probation the previous
    champion."""
    mode: Mode
    share: float
    """Of the races, answered by challengers, together; 0 in shadow."""
    policy: Policy
    started_at: dt.datetime
    started_by: str
    reason: str
    follows: int | None = None
    ended_at: dt.datetime | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    verdict: Any = None
    """The verdicts at the end, as JSON holds them."""

    @property
    def is_active(self) -> bool:
        """Whether it runs."""
        return self.ended_at is None


def active_experiment(connection: Connection) -> Experiment | None:
    """Return the experiment that runs, if one does."""
    found = connection.execute(select(_EXPERIMENT).where(_EXPERIMENT.c.active == 1)).first()
    return None if found is None else _experiment(found)


def the_experiment(connection: Connection, number: int) -> Experiment:
    """Return one experiment.

    Raises
    ------
    racing.domain.errors.NoSuchExperiment
        If it is not there.
    """
    found = experiment_by_id(connection, number)
    if found is None:
        raise NoSuchExperiment(f"there is no experiment {number}")
    return found


def experiment_by_id(connection: Connection, number: int) -> Experiment | None:
    """Return one experiment, if it is there."""
    found = connection.execute(select(_EXPERIMENT).where(_EXPERIMENT.c.id == number)).first()
    return None if found is None else _experiment(found)


def list_experiments(
    connection: Connection, *, limit: int = 100, before: int | None = None
) -> list[Experiment]:
    """Return experiments, the newest first."""
    query = select(_EXPERIMENT).order_by(_EXPERIMENT.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_EXPERIMENT.c.id < before)
    return [_experiment(row) for row in connection.execute(query)]


def start_experiment(
    connection: Connection,
    *,
    champion: int,
    challengers: Sequence[int],
    kind: Kind = "challenge",
    mode: Mode = "shadow",
    share: float = 0.0,
    policy: Policy | None = None,
    by: str,
    reason: str,
    follows: int | None = None,
) -> Experiment:
    """Put an experiment on record; it runs from now on.

    Raises
    ------
    racing.domain.errors.ExperimentRefused
        If one runs already, or what is given breaks a rule.
    """
    if not challengers or champion in challengers or len(set(challengers)) != len(challengers):
        raise ExperimentRefused(
            f"an experiment has a champion and other versions, each once; got {champion} and {[*challengers]}"
        )
    if len(challengers) > MAX_CHALLENGERS:
        raise ExperimentRefused(
            f"an experiment has at most {MAX_CHALLENGERS} challengers, got {len(challengers)}"
        )
    fault = fault_of_reason(reason)
    if fault is not None:
        raise ExperimentRefused(f"a reason {fault}")
    if mode == "split" and not 0 < share <= 0.9:
        raise ExperimentRefused(f"the share of a split lies above 0 and up to 0.9, got {share:g}")
    if mode == "shadow" and share:
        raise ExperimentRefused(f"a shadow answers no race: its share is 0, got {share:g}")
    row = {
        "active": 1,
        "kind": kind,
        "champion": champion,
        "challengers": json.dumps([*challengers]),
        "mode": mode,
        "share": share,
        "policy": (policy or Policy()).to_json(),
        "started_at": now_utc(),
        "started_by": by,
        "reason": reason,
        "follows": follows,
    }
    try:
        with connection.begin_nested():
            number = connection.execute(insert(_EXPERIMENT).returning(_EXPERIMENT.c.id), row).scalar_one()
    except IntegrityError:
        running = active_experiment(connection)
        which = f"experiment {running.id}" if running else "another one"
        raise ExperimentRefused(f"{which} runs already; stop it first") from None
    started = experiment_by_id(connection, number)
    assert started is not None
    return started


def end_experiment(connection: Connection, number: int, *, by: str, reason: str, verdict: Any = None) -> bool:
    """End an experiment that runs, with the verdicts so far; return False if it had ended already."""
    ended = connection.execute(
        update(_EXPERIMENT)
        .where(_EXPERIMENT.c.id == number, _EXPERIMENT.c.active == 1)
        .values(
            active=None,
            ended_at=now_utc(),
            ended_by=by,
            end_reason=reason,
            verdict=None if verdict is None else json.dumps(verdict),
        )
    )
    return ended.rowcount > 0


def change_share(connection: Connection, number: int, share: float) -> bool:
    """Change the share of the split that runs; every replica follows within a poll."""
    if not 0 < share <= 0.9:
        raise ExperimentRefused(f"the share of a split lies above 0 and up to 0.9, got {share:g}")
    changed = connection.execute(
        update(_EXPERIMENT)
        .where(_EXPERIMENT.c.id == number, _EXPERIMENT.c.active == 1, _EXPERIMENT.c.mode == "split")
        .values(share=share)
    )
    return changed.rowcount > 0


def fault_of_reason(reason: str) -> str | None:
    """Return the rule that a reason breaks, if it breaks one."""
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        return f"has 1..{MAX_REASON} characters, got {len(reason.strip())}"
    return unprintable(reason.replace("\n", " ").replace("\t", " "))


def current_experiment(engine: Engine) -> Experiment | None:
    """Return the experiment that runs, by a connection of its own."""
    with engine.connect() as connection:
        return active_experiment(connection)


def _experiment(row: Row[Any]) -> Experiment:
    return Experiment(
        id=row.id,
        kind=row.kind,
        champion=row.champion,
        challengers=tuple(json.loads(row.challengers)),
        mode=row.mode,
        share=row.share,
        policy=Policy.from_json(row.policy),
        started_at=row.started_at.replace(tzinfo=dt.UTC),
        started_by=row.started_by,
        reason=row.reason,
        follows=row.follows,
        ended_at=row.ended_at and row.ended_at.replace(tzinfo=dt.UTC),
        ended_by=row.ended_by,
        end_reason=row.end_reason,
        verdict=None if row.verdict is None else json.loads(row.verdict),
    )


def now_utc() -> dt.datetime:
    """Return the time as tables have it: UTC, without a zone."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
