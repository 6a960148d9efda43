"""Every task of automation, in one place: what is done, how often, and whether by each process."""

from racing.experiments.fuses import FuseLimits
from service.automation.event_task import prune_events_task
from service.automation.fuse_task import Fuses
from service.automation.guard_task import Guard
from service.automation.input_tasks import input_tasks
from service.automation.monitor_task import GAUGES_S, MonitorGauges, MonitorLooks
from service.automation.notify_tasks import changes_task, deliver_task
from service.automation.reconcile_task import reconcile_task
from service.automation.retention import retention_tasks
from service.automation.sealing import seal_task
from service.automation.tasks import PeriodicTask
from service.experiments.verdict_cache import VerdictCache
from service.observability.metrics import Metrics
from service.prediction.predictor import Predictor
from service.serving.slots import ModelSlots
from service.serving.watcher import AliasWatcher
from service.settings import ServiceSettings

FUSES_S = 2.0
FOLLOW_S = 5.0


def all_tasks(
    settings: ServiceSettings,
    slots: ModelSlots,
    watcher: AliasWatcher,
    predictor: Predictor,
    metrics: Metrics,
    looks: MonitorLooks,
    verdicts: VerdictCache,
) -> tuple[PeriodicTask, ...]:
    """Return the tasks of one service; a new one is a line here."""
    guard = Guard(watcher.registry, metrics, verdicts=verdicts, is_allowed=settings.automation)
    limits = FuseLimits(hours=settings.fuse_hours, model_ms=settings.fuse_model_ms)
    fuses = Fuses(limits, slots, predictor.latest, watcher.registry, guard, metrics)
    follow_s = min(FOLLOW_S, settings.guard_poll_s)
    return (
        PeriodicTask("fuses", FUSES_S, fuses.look, everywhere=True),
        PeriodicTask("decisions", follow_s, guard.follow),
        PeriodicTask("guard", settings.guard_poll_s, guard.look),
        reconcile_task(watcher.registry, every_s=settings.champion_poll_s),
        PeriodicTask("monitor", settings.monitor_every_s, looks.start_one),
        PeriodicTask("monitor-gauges", GAUGES_S, MonitorGauges(metrics).read, everywhere=True),
        *input_tasks(settings),
        seal_task(settings),
        *retention_tasks(settings),
        changes_task(watcher),
        prune_events_task(),
        deliver_task(settings),
    )
