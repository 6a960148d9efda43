"""The parts of one running service, made once by :func:`service.app.create_app`."""

import datetime as dt
import time
from dataclasses import dataclass, field

from service.automation.monitor_task import MonitorLooks
from service.automation.runner import AutomationRunner
from service.events.feed import EventFeed
from service.experiments.follower import ActiveExperiment
from service.experiments.verdict_cache import VerdictCache
from service.monitoring.input_counter import InputCounter
from service.observability.collector import MetricsCollector
from service.observability.metrics import Metrics
from service.prediction.batch import BatchPredictor
from service.prediction.form_store import FormStore
from service.prediction.predictor import Predictor
from service.prediction_log.log import PredictionLog
from service.prediction_log.ratings import RatingsFollower
from service.race_database import RaceDatabase, TimedReads
from service.race_day.day_predictions import DayPredictions
from service.security.api_key_auth import ApiKeyAuth
from service.security.api_key_cache import ApiKeyCache
from service.server.body_budget import BodyBudget
from service.server.request_queue import RequestQueue
from service.server.shutdown import ShutdownState
from service.serving.challengers import ChallengerWatcher
from service.serving.registry_reader import RegistryReader
from service.serving.slots import ModelSlots
from service.serving.watcher import AliasWatcher
from service.serving.webhook_verifier import WebhookVerifier
from service.settings import ServiceSettings
from service.shadow.scorer import ShadowScorer
from service.thread_pools import ThreadPools


@dataclass(frozen=True, slots=True)
class AppState:
    """The parts of one service; routes get those that they need by :mod:`service.dependencies`."""

    settings: ServiceSettings
    slots: ModelSlots
    watcher: AliasWatcher
    challengers: ChallengerWatcher
    experiment: ActiveExperiment
    shadow: ShadowScorer
    registry_reader: RegistryReader
    webhook_verifier: WebhookVerifier
    form_store: FormStore
    predictor: Predictor
    batch_predictor: BatchPredictor
    prediction_log: PredictionLog
    inputs: InputCounter
    write_database: RaceDatabase
    """For results: a statement may take as long as an import does."""
    read_database: RaceDatabase
    """The database ends a statement that takes longer than ``database_timeout_s``."""
    race_reads: TimedReads
    log_reads: TimedReads
    events: EventFeed
    day_predictions: DayPredictions
    verdicts: VerdictCache
    ratings: RatingsFollower
    api_key_auth: ApiKeyAuth
    api_key_cache: ApiKeyCache
    queue: RequestQueue
    body_budget: BodyBudget
    draining: ShutdownState
    threads: ThreadPools
    metrics: Metrics
    collector: MetricsCollector
    monitor_looks: MonitorLooks
    automation: AutomationRunner
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    started_s: float = field(default_factory=time.monotonic)
    """When it started by the monotonic clock, which never jumps."""
