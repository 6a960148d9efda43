"""The fuses of one process: it holds its champion's latest answers against limits, every few seconds."""

import datetime as dt
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from model_registry.errors import ArtifactBroken, NotScored
from racing.experiments.decisions import put_on_record
from racing.experiments.fuses import BlownFuse, FuseLimits, blown_fuse, usual_range
from racing.experiments.guard import LatestChange, decide_on_fuse
from service.automation.guard_task import Guard
from service.observability.metrics import Metrics
from service.prediction.latest_answers import AnswerRecorder
from service.serving.slots import ModelSlots, Snapshot

if TYPE_CHECKING:  # it brings MLflow along, which takes a second
    from model_registry.registry import ModelRegistry

log = logging.getLogger("greyhound.service")


class Fuses:
    """Looks at what this process answered, decides on a blown fuse and carries it out, without the lease."""

    def __init__(
        self,
        limits: FuseLimits,
        slots: ModelSlots,
        latest: AnswerRecorder,
        registry: "Callable[[], ModelRegistry]",
        guard: Guard,
        metrics: Metrics,
    ) -> None:
        self._limits = limits
        self._slots = slots
        self._latest = latest
        self._registry = registry
        self._guard = guard
        self._metrics = metrics
        self._blown: tuple[Snapshot, str] | None = None

    def look(self, engine: Engine) -> None:
        """Roll the champion back if a fuse blows and it was promoted a short while ago."""
        champion = self._slots.peek()
        if champion is None or not self._is_young(champion):
            return
        fuse = self._blown_fuse(champion)
        if fuse is None:
            return
        if self._blown != (champion, fuse.name):
            self._blown = (champion, fuse.name)
            self._metrics.fuses_blown.labels(fuse.name).inc()
            log.error("fuse %s blew: %s", fuse.name, fuse.reason)
        latest = latest_change(self._registry(), champion.version)
        if latest is None:
            return
        now, hours = dt.datetime.now(dt.UTC), self._limits.hours
        is_on = self._guard.is_on(engine)
        proposal = decide_on_fuse(fuse, latest, now=now, hours=hours, automation_is_on=is_on)
        if proposal is None:
            return
        with engine.begin() as connection:
            put_on_record(connection, proposal)
        self._guard.carry_out(engine)

    def _is_young(self, champion: Snapshot) -> bool:
        """Whether it may have been promoted a short while ago; the registry's record decides later."""
        since = champion.champion_since or champion.loaded_at
        return dt.datetime.now(dt.UTC) - since < dt.timedelta(hours=self._limits.hours)

    def _blown_fuse(self, champion: Snapshot) -> BlownFuse | None:
        golden_error = None
        try:
            champion.model.check_golden()
        except (ArtifactBroken, NotScored) as error:
            golden_error = str(error)
        seen = self._latest.of(champion, golden_error)
        reference = usual_range(champion.model.documents["reference"])
        return blown_fuse(seen, self._limits, reference=reference)


def latest_change(registry: "ModelRegistry", champion: int) -> LatestChange | None:
    """Return the last change on the registry's record; None unless it made this version champion."""
    history, rollback_to = registry.changes()
    carried_out = [record for record in history if record.is_carried_out]
    if not carried_out or carried_out[-1].version != champion:
        return None
    newest = carried_out[-1]
    return LatestChange(
        number=newest.number,
        is_promotion=newest.action == "promote",
        version=newest.version,
        previous=rollback_to,
        at=newest.at,
    )
