"""Gauges of the running service, brought up to date once a second and whenever its metrics are read."""

import asyncio
import datetime as dt
import logging
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from model_registry.aliases import CHALLENGERS
from racing.monitor.input_counts import FACTS
from service.experiments.follower import ActiveExperiment
from service.monitoring.input_counter import InputCounter
from service.observability.buffered_histogram import BufferedCounter
from service.observability.exposition import Exposition, living_workers
from service.observability.gc_pauses import GcPauseRecorder
from service.observability.logs import writers
from service.observability.metrics import Metrics
from service.observability.tracing import Tracing
from service.prediction.form_store import FormStore
from service.server.body_budget import BodyBudget
from service.server.request_queue import RequestQueue
from service.serving.challengers import ChallengerWatcher
from service.serving.slots import CHAMPION, ModelSlots
from service.serving.watcher import AliasWatcher
from service.shadow.scorer import ShadowScorer
from service.thread_pools import ThreadPools

log = logging.getLogger("greyhound.service")
_EVERY_S = 1.0
_STEP_S, _N_STEPS = 10.0, 30  # the last five minutes, in steps of ten seconds
PREDICT = "/predict"


class MetricsCollector:
    """Copies the state of the parts of a running service into its metrics, on the event loop."""

    def __init__(
        self,
        metrics: Metrics,
        slots: ModelSlots,
        watcher: AliasWatcher,
        challengers: ChallengerWatcher,
        experiment: ActiveExperiment,
        shadow: ShadowScorer,
        form: FormStore,
        *,
        has_database: bool,
        queue: RequestQueue,
        budget: BodyBudget,
        threads: ThreadPools,
        inputs: InputCounter,
    ) -> None:
        self.tracing = Tracing()
        self.queue = queue
        self._budget = budget
        self._metrics = metrics
        self._slots = slots
        self._watcher = watcher
        self._challengers = challengers
        self._experiment = experiment
        self._shadow = shadow
        self._form = form
        self._threads = threads
        self._inputs = inputs
        self._has_database = has_database
        self._gc_pauses = GcPauseRecorder(metrics.pauses)
        self._exposition = Exposition(metrics.registry, metrics.directory)
        self._swaps = BufferedCounter(metrics.swaps)
        self._refusals: dict[str, BufferedCounter] = {}
        self._overloads = BufferedCounter(metrics.refused_for_overload)
        self._dropped = BufferedCounter(metrics.log_lines_dropped)
        self._input_facts = [
            BufferedCounter(metrics.inputs.labels(name.removeprefix("n_"))) for name in FACTS
        ]
        self._inputs_dropped = BufferedCounter(metrics.inputs_dropped)
        self._moved: tuple[tuple[str, float], ...] = ()
        self._steps: deque[list[int]] = deque(maxlen=_N_STEPS)
        self._next_step = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Collect once a second until the service stops; then flush what is left."""
        self._gc_pauses.install()
        self.tracing.start()
        self.collect()
        task = asyncio.create_task(self._collect_every_second(), name="metrics-collector")
        try:
            yield
        finally:
            task.cancel()
            self._gc_pauses.remove()
            self.collect()
            await self._threads.finish(self.tracing.stop)
            await self._threads.finish(*(writer.flush for writer in writers()))

    async def text(self) -> bytes:
        """Return the metrics of now, in Prometheus' format."""
        self.collect()
        return await self._threads.metrics.call(self._exposition.text)

    def collect(self) -> None:
        """Bring every metric up to now."""
        metrics = self._metrics
        self._collect_registry()
        self._collect_challengers()
        self._collect_queue()
        self._collect_inputs()
        is_reachable = float(self._form.error is None) if self._has_database else math.nan
        metrics.database_reachable.set(is_reachable)
        metrics.gc_pause_max.set(self._gc_pauses.longest_s)
        self._dropped.n = max(self._dropped.n, sum(writer.n_dropped for writer in writers()))
        self._dropped.flush()
        metrics.flush()

    def latency_ms(self, q: float) -> float | None:
        """Return a quantile of the predictions' latency over the last five minutes."""
        since = self._steps[0] if len(self._steps) == _N_STEPS else None
        seconds = self._metrics.latency(PREDICT).quantile(q, since=since)
        return None if seconds is None else round(1000 * seconds, 3)

    @property
    def longest_gc_pause_s(self) -> float:
        """The longest since the version that serves came in."""
        return self._gc_pauses.longest_s

    def n_workers(self) -> int:
        """Return how many processes serve together."""
        directory = self._metrics.directory
        return len(living_workers(directory)) if directory else 1

    def _collect_registry(self) -> None:
        metrics, state = self._metrics, self._watcher.state
        champion = self._slots.peek(CHAMPION)
        metrics.champion_version.set(champion.version if champion else 0)
        metrics.champion_promoted.set(_timestamp(champion.champion_since if champion else None))
        metrics.alias_version.set(state.alias_version or 0)
        metrics.cached_champion_serves.set(champion is not None and champion.cached_at is not None)
        metrics.champion_cache_failed.set(self._watcher.cache_state.error is not None)
        metrics.registry_contact.set(_timestamp(state.last_contact))
        if state.n_swaps > self._swaps.n and champion:
            # Pauses while the first one was loaded stopped no request.
            is_first = self._swaps.n == 0
            self._gc_pauses.begin(time.monotonic() if is_first else state.last_swap_s)
            self._swaps.n = state.n_swaps
            self._swaps.flush()
        for why, n in state.n_rejected.items():
            counter = self._refusals.setdefault(why, BufferedCounter(metrics.refusals.labels(why)))
            counter.n = n
            counter.flush()

    def _collect_challengers(self) -> None:
        metrics, experiment = self._metrics, self._experiment.current
        self._shadow.forget_others()
        n_off = 0
        roles = dict.fromkeys(CHALLENGERS, 0)
        for one in self._challengers.named:
            is_off = one.snapshot is not None and self._shadow.breakers.is_off(one.version)
            n_off += is_off or one.rejected is not None
            if one.snapshot is not None and not is_off:
                roles[one.role] = one.version
        for role, version in roles.items():
            metrics.challenger_version.labels(role).set(version)
        metrics.challengers_off.set(n_off)
        metrics.experiment_id.set(experiment.id if experiment else 0)

    def _collect_queue(self) -> None:
        self._metrics.queue_length.set(self.queue.n_waiting)
        self._metrics.body_bytes.set(self._budget.n_held)
        self._overloads.n = self.queue.n_refused + self._budget.n_refused
        self._overloads.flush()

    def _collect_inputs(self) -> None:
        inputs, metrics = self._inputs, self._metrics
        for counter, n in zip(self._input_facts, inputs.facts.tolist(), strict=True):
            counter.n = n
            counter.flush()
        self._inputs_dropped.n = inputs.n_dropped
        self._inputs_dropped.flush()
        metrics.inputs_unwritten.set(inputs.error is not None)
        if inputs.moved is not self._moved:
            for name, _ in self._moved:
                metrics.input_psi.labels(name).set(0)
            self._moved = inputs.moved
            for name, psi in self._moved:
                metrics.input_psi.labels(name).set(psi)

    async def _collect_every_second(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                self.collect()
                if time.monotonic() >= self._next_step:
                    self._next_step = time.monotonic() + _STEP_S
                    self._steps.append(list(self._metrics.latency(PREDICT).counts))
            except Exception:  # collecting must go on
                log.exception("collecting metrics failed")


def _timestamp(at: dt.datetime | None) -> float:
    return at.timestamp() if at else 0.0
