"""The end of an experiment: on record with the verdicts so far, with a notification of it."""

from typing import Any

from sqlalchemy import Connection, Engine, update

from racing.database.experiment_tables import Experiment as _Table
from racing.database.outbox import add_notification
from racing.experiments.records import Experiment, end_experiment
from racing.experiments.verdict_json import verdict_as_json
from racing.experiments.verdicts import experiment_verdicts

_EXPERIMENT = _Table.__table__  # type: ignore[attr-defined]
BY_REGISTRY = "registry alias"
"""By whom an experiment is started or ended that follows the registry's aliases."""


def end_with_verdicts(engine: Engine, experiment: Experiment, *, by: str, reason: str) -> bool:
    """End an experiment with the verdicts so far; return False if it had ended already."""
    with engine.connect() as connection:
        verdicts = verdicts_so_far(connection, experiment)
    with engine.begin() as connection:
        return end_on_record(connection, experiment, verdicts, by=by, reason=reason)


def verdicts_so_far(connection: Connection, experiment: Experiment) -> list[dict[str, Any]]:
    """Return the verdicts on an experiment's contestants as they go on record."""
    return [verdict_as_json(one) for one in experiment_verdicts(connection, experiment)]


def end_on_record(
    connection: Connection, experiment: Experiment, verdicts: list[dict[str, Any]], *, by: str, reason: str
) -> bool:
    """Write the end and its notification; return False if it had ended already.

    The verdicts were read before: SQLite refuses a transaction that read first and writes after others wrote.
    """
    if not end_experiment(connection, experiment.id, by=by, reason=reason, verdict=verdicts):
        return False
    sentences = [sentence for verdict in verdicts for sentence in verdict["sentences"]]
    add_notification(
        connection,
        key=f"experiment:{experiment.id}:ended",
        kind="verdict",
        title=f"Experiment {experiment.id} has ended",
        text="\n".join([f"{reason} (by {by})", *sentences]),
        details={"experiment": experiment.id, "reason": reason, "by": by, "contestants": verdicts},
    )
    return True


def explain_end(engine: Engine, number: int, *, by: str, reason: str) -> None:
    """Put on record who ended an experiment where the registry was seen first: it only followed him."""
    with engine.begin() as connection:
        connection.execute(
            update(_EXPERIMENT)
            .where(_EXPERIMENT.c.id == number, _EXPERIMENT.c.ended_by == BY_REGISTRY)
            .values(ended_by=by, end_reason=reason)
        )
