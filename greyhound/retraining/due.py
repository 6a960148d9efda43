"""Whether retraining is due: the monitor says so, by what it looks at (:mod:`racing.monitor.ageing`)."""

import datetime as dt

from sqlalchemy import Engine

from greyhound.commands.monitor import look_now
from model_registry.errors import NoChampion
from model_registry.registry import ModelRegistry
from racing.monitor.ageing import RETRAIN_AFTER_WEEKS
from racing.monitor.store import StoredReport, stored_report
from racing.predictions.update import update_outcomes

FRESH = dt.timedelta(days=1)


def why_due(engine: Engine, registry: ModelRegistry, uri: str, now: dt.datetime) -> tuple[bool, str]:
    """Return whether retraining is due, and why it is or is not.

    A running service has the monitor look every ten minutes; where none does, it looks now.
    """
    try:
        champion = registry.champion_version_number()
    except NoChampion:
        return True, "there is no champion yet"
    with engine.connect() as connection:
        stored = stored_report(connection)
    if not _is_about(stored, champion, now):
        update_outcomes(engine)
        look_now(engine, uri, RETRAIN_AFTER_WEEKS)
        with engine.connect() as connection:
            stored = stored_report(connection)
    ageing = stored.report.get("ageing") if stored is not None else None
    if not ageing:
        return True, "the monitor does not know when the champion learnt"
    return bool(ageing["is_due"]), str(ageing["why"])


def _is_about(stored: StoredReport | None, champion: int, now: dt.datetime) -> bool:
    if stored is None or now - stored.made_at.replace(tzinfo=dt.UTC) > FRESH:
        return False
    return (stored.report.get("champion") or {}).get("version") == champion
