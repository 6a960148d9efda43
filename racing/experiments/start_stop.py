"""Start and stop an experiment: its record, and the aliases of its challengers in the registry.

A record comes before its aliases, so that of two starts at once one is refused before it changed anything.
Aliases go before a record ends, or the record would be started again from them. A process that dies in
between leaves what :mod:`racing.experiments.reconcile` puts right.
"""

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Engine, update

from racing.database.experiment_tables import Experiment as _Table
from racing.domain.errors import ExperimentRefused
from racing.experiments.ending import BY_REGISTRY, end_with_verdicts, explain_end
from racing.experiments.policy import Policy
from racing.experiments.records import (
    Experiment,
    Mode,
    change_share,
    end_experiment,
    fault_of_reason,
    now_utc,
    start_experiment,
    the_experiment,
)
from racing.experiments.roles import RoleRegistry

_EXPERIMENT = _Table.__table__  # type: ignore[attr-defined]


def start_challenge(
    engine: Engine,
    registry: RoleRegistry,
    *,
    challengers: Sequence[int],
    mode: Mode = "shadow",
    share: float = 0.0,
    policy: Policy | None = None,
    by: str,
    reason: str,
) -> Experiment:
    """Put an experiment on record and let the registry's aliases name its challengers.

    Raises
    ------
    racing.domain.errors.ExperimentRefused
        If one runs already that a person started, or what is given breaks a rule. Errors of the registry pass
        through: then nothing is changed, or what was is taken back.
    """
    champion = registry.roles().champion
    if champion is None:
        raise ExperimentRefused("an experiment needs a champion to compare with; promote a version first")
    for number in challengers:
        version = registry.version(number)
        if mode == "split" and version.gates == "failed":
            rule = "a version that failed its gates answers no races: use the mode shadow"
            raise ExperimentRefused(f"{rule}, got version {number} ({version.gate_failures})")
    with engine.begin() as connection:
        # one that only follows the registry's aliases gives way to one that a person starts
        connection.execute(
            update(_EXPERIMENT)
            .where(_EXPERIMENT.c.active == 1, _EXPERIMENT.c.started_by == BY_REGISTRY)
            .values(active=None, ended_at=now_utc(), ended_by=by, end_reason="replaced by the one after it")
        )
        started = start_experiment(
            connection,
            champion=champion,
            challengers=challengers,
            mode=mode,
            share=share,
            policy=policy,
            by=by,
            reason=reason.strip(),
        )
    try:
        registry.set_challengers(started.challengers)
    except Exception:
        with suppress(Exception):  # the first error is the one to report; what is left is reconciled
            registry.set_challengers(())
        with suppress(Exception), engine.begin() as connection:
            why = "not begun: the registry did not take the aliases of its challengers"
            end_experiment(connection, started.id, by=by, reason=why)
        raise
    return started


def stop_experiment(
    engine: Engine, registry: RoleRegistry, number: int, *, by: str, reason: str
) -> Experiment:
    """Take the aliases of an experiment's challengers away, and end its record with the verdicts so far.

    Raises
    ------
    racing.domain.errors.NoSuchExperiment
        If there is none of that number.
    racing.domain.errors.ExperimentRefused
        If it has ended already.
    """
    fault = fault_of_reason(reason)
    if fault is not None:
        raise ExperimentRefused(f"a reason {fault}")
    with engine.connect() as connection:
        running = the_experiment(connection, number)
    if running.ended_at is not None:
        raise ExperimentRefused(
            f"experiment {number} ended already, {running.ended_at:%Y-%m-%d %H:%M} UTC: {running.end_reason}"
        )
    named = registry.roles().challengers
    others = tuple(version for version in named if version not in running.challengers)
    if others != named:
        registry.set_challengers(others)
    if not end_with_verdicts(engine, running, by=by, reason=reason.strip()):
        explain_end(engine, number, by=by, reason=reason.strip())
    with engine.connect() as connection:
        return the_experiment(connection, number)


def change_share_of(engine: Engine, number: int, share: float) -> Experiment:
    """Change the share of the split that runs, and return it as it is on record now.

    Raises
    ------
    racing.domain.errors.NoSuchExperiment
        If there is none of that number.
    racing.domain.errors.ExperimentRefused
        If it is no split that runs, or the share breaks its rule.
    """
    with engine.begin() as connection:
        is_changed = change_share(connection, number, share)
        found = the_experiment(connection, number)
    if not is_changed:
        what = f"is in mode {found.mode}" if found.is_active else "has ended"
        raise ExperimentRefused(f"only a split that runs has a share; experiment {number} {what}")
    return found
