"""Let the record of experiments follow the registry: who is champion, and whom the aliases name challengers.

The registry is changed by many hands (a promotion, a rollback, MLflow's own page); whatever it says, the
record has caught up with it a poll later, with the reason:

==========================================  ===========================================================
the registry                                the record
==========================================  ===========================================================
names challengers, none is on record        a shadow starts, policy ``manual``
has a challenger as champion                it ends as promoted; others go on in a shadow of their own
has another champion                        it ends; its challengers go on in a shadow beside that one
names other challengers                     it ends, and restarts with those: same mode, share and policy
names none any more                         it ends
has another champion during a probation     the probation ends; challengers that wait begin
==========================================  ===========================================================

:func:`follow` decides without reading anything; :func:`reconcile` reads, decides and writes, in one
transaction in which of two writers only the first succeeds. The guard counts the races of a probation.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, Engine

from racing.domain.errors import ExperimentRefused
from racing.experiments.decisions import list_decisions
from racing.experiments.ending import BY_REGISTRY, end_on_record, verdicts_so_far
from racing.experiments.guard import CHANGES
from racing.experiments.policy import Policy
from racing.experiments.records import Experiment, Mode, active_experiment, start_experiment
from racing.experiments.roles import Roles

SETTLE_S = 60.0
"""A start puts its record before its aliases; for so long they may be on their way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An experiment to be started."""

    champion: int
    challengers: tuple[int, ...]
    mode: Mode = "shadow"
    share: float = 0.0
    policy: Policy = field(default_factory=Policy)
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be written: an end, a start, or both as a restart."""

    end_reason: str | None = None
    start: Start | None = None


def follow(
    roles: Roles, running: Experiment | None, *, now: dt.datetime, settle_s: float = SETTLE_S
) -> Change | None:
    """Return what the record needs so that it agrees with the registry; None if it does.

    Without a champion nothing is decided: the registry may be on its way to another one.
    """
    if roles.champion is None:
        return None
    if running is None:
        return Change(start=_begin(roles, "the registry's aliases name")) if roles.challengers else None
    if running.champion != roles.champion:
        return _of_new_champion(roles, running, roles.champion)
    if running.kind == "probation" or running.challengers == roles.challengers:
        return None
    is_by_alias = running.started_by == BY_REGISTRY
    if not is_by_alias and abs((now - running.started_at).total_seconds()) < settle_s:
        return None
    why = _difference(running.challengers, roles.challengers)
    if not roles.challengers:
        return Change(end_reason=why)
    again = Start(
        champion=roles.champion,
        challengers=roles.challengers,
        mode=running.mode,
        share=running.share,
        policy=running.policy,
        reason=f"goes on from experiment {running.id}: {why}",
    )
    return Change(end_reason=why, start=again)


def reconcile(
    engine: Engine, read_roles: Callable[[], Roles], *, settle_s: float = SETTLE_S
) -> tuple[str, ...]:
    """Bring the record up to date with the registry, and return what was written, in sentences.

    Whatever is done twice, or by two processes at once, is written once. The record is read before the
    registry: a stop changes the registry first, and would else be taken for a challenger that has just come.
    """
    with engine.connect() as connection:
        running = active_experiment(connection)
    roles = read_roles()
    change = follow(roles, running, now=dt.datetime.now(dt.UTC), settle_s=settle_s)
    if change is None:
        return ()
    by, reason = BY_REGISTRY, change.end_reason
    with engine.connect() as connection:
        verdicts = verdicts_so_far(connection, running) if running else []
        if running and reason and running.champion != roles.champion:
            newest = list_decisions(connection, limit=1, experiment=running.id)
            if newest and newest[0].action in CHANGES and newest[0].to_version == roles.champion:
                by, reason = newest[0].decided_by, f"{reason}: {newest[0].reason}"[:2000]
    written: list[str] = []
    with engine.begin() as connection:
        if running and reason:
            if not end_on_record(connection, running, verdicts, by=by, reason=reason):
                return ()  # another process was faster, or somebody stopped it
            written.append(f"experiment {running.id} ended: {reason}")
        if change.start is not None:
            try:
                started = _start(connection, change.start, running)
            except ExperimentRefused:  # another process was faster
                return tuple(written)
            written.append(f"experiment {started.id} started: {started.reason}")
    return tuple(written)


def _of_new_champion(roles: Roles, running: Experiment, champion: int) -> Change:
    """Return what a promotion or a rollback makes of an experiment with the champion before."""
    is_promoted = running.kind == "challenge" and champion in running.challengers
    what = "promoted: version" if is_promoted else "version"
    why = f"{what} {champion} became champion in place of {running.champion}"
    if not roles.challengers:
        return Change(end_reason=why)
    others = _begin(roles, f"after experiment {running.id} the registry's aliases name")
    # what a person chose for one champion does not hold for the next, but for how sure a verdict is to be
    policy = replace(running.policy, action="manual") if running.kind == "challenge" else Policy()
    return Change(end_reason=why, start=replace(others, policy=policy))


def _begin(roles: Roles, what: str) -> Start:
    assert roles.champion is not None
    return Start(
        champion=roles.champion,
        challengers=roles.challengers,
        reason=f"{what} {_versions(roles.challengers)}",
    )


def _difference(before: tuple[int, ...], after: tuple[int, ...]) -> str:
    gone = tuple(version for version in before if version not in after)
    came = tuple(version for version in after if version not in before)
    if not gone and not came:
        return f"the registry's aliases name its challengers in another order: {_versions(after)}"
    parts = [
        *([f"{_versions(gone)} no more"] if gone else []),
        *([f"{_versions(came)} now"] if came else []),
    ]
    return f"the registry's aliases name {', '.join(parts)}"


def _versions(versions: tuple[int, ...]) -> str:
    return f"version{'s' if len(versions) > 1 else ''} {', '.join(map(str, versions))}"


def _start(connection: Connection, start: Start, follows: Experiment | None) -> Experiment:
    return start_experiment(
        connection,
        champion=start.champion,
        challengers=start.challengers,
        mode=start.mode,
        share=start.share,
        policy=start.policy,
        by=BY_REGISTRY,
        reason=start.reason,
        follows=None if follows is None else follows.id,
    )
