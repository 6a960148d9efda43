"""`greyhound monitor`: what serves, is it well, and what somebody should look at."""

from typing import TYPE_CHECKING

import click

from greyhound.errors import ATTENTION
from greyhound.options import database_option, json_option, registry_option
from greyhound.output.printing import print_json
from greyhound.tables.monitor import print_monitor

if TYPE_CHECKING:
    from sqlalchemy import Engine


@click.command()
@click.option("--fresh", is_flag=True, help="Look at the log now, rather than show the newest report.")
@click.option(
    "--retrain-after-weeks",
    type=click.FloatRange(0, min_open=True),
    default=13.0,
    show_default=True,
    envvar="GREYHOUND_RETRAIN_AFTER_WEEKS",
    show_envvar=True,
    help="With --fresh: weeks after learning when retraining is due.",
)
@database_option
@registry_option
@json_option
def monitor(fresh: bool, retrain_after_weeks: float, database: str, registry: str, as_json: bool) -> int:
    """Show whether what serves is well: quality, calibration, inputs, ageing, and what to do.

    A running service looks at its log every ten minutes; this shows its newest report, with the alarms of
    now. Without a service, or with --fresh, this looks itself. The exit code is 6 where an alarm is active.

    \b
    Examples:
      greyhound monitor
      greyhound monitor --fresh --json
    """
    from racing.database.engine import open_database
    from racing.monitor.shown import monitor_now
    from racing.monitor.store import stored_report
    from racing.predictions.update import update_outcomes

    engine = open_database(database)
    try:
        with engine.connect() as connection:
            is_made = stored_report(connection) is not None
        if fresh or not is_made:
            update_outcomes(engine)
            look_now(engine, registry, retrain_after_weeks)
        now = monitor_now(engine)
    finally:
        engine.dispose()
    if as_json:
        print_json(now)
    else:
        print_monitor(now)
    return ATTENTION if now["alarms"] else 0


def look_now(engine: "Engine", registry: str, retrain_after_weeks: float) -> None:
    """Make a report on the registry's champion."""
    from model_registry import get_model_registry
    from model_registry.errors import NoChampion
    from model_registry.learning import JUDGED, learning_of
    from racing.monitor.champion import champion_facts
    from racing.monitor.report import look

    models = get_model_registry(registry)
    try:
        version = models.champion_version_number()
    except NoChampion:
        champion = None
    else:
        ref = models.artifact_ref(version)
        documents = models.documents(ref, ("metrics", "training", JUDGED))
        promoted = [record.at for record in models.history() if record.version == version]
        champion = champion_facts(
            version,
            digest=ref.digest or "",
            learnt_until=learning_of(documents).learnt_until,
            since=max(promoted, default=None),
            metrics=documents.get("metrics") or {},
        )
    look(engine, champion, retrain_after_weeks=retrain_after_weeks)
