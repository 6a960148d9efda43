"""Every metric of one service, for Prometheus, in a registry of its own."""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    values,
)

from service.observability.buffered_histogram import BufferedCounter, BufferedHistogram
from service.observability.monitor_gauges import MonitorGauges
from service.observability.stages import STAGES

SECONDS = (*(0.00025 * 2**step for step in range(16)),)  # 0.25 ms to 8.2 s
STAGE_SECONDS = (*(0.00001 * 2**step for step in range(14)),)  # 10 us to 82 ms
PAUSE_SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
PROBABILITIES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Metrics:
    """The metrics of one running service; a name says the unit, counters end in ``_total``.

    What is counted on each request is buffered (:mod:`service.observability.buffered_histogram`) and reaches
    the metrics with :meth:`flush`: every second, and before they are read.

    Parameters
    ----------
    directory : str, optional
        Folder that the worker processes of one service share. With it their metrics are in files there
        (prometheus_client's multiprocess mode), so that each worker can show those of all.
    """

    def __init__(self, directory: str | None = None) -> None:
        self.directory = directory
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the lines for nothing
        if directory:  # what prometheus_client does on import, if the variable was set by then
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
            _write_values_to_files()
        self.registry = CollectorRegistry()
        self.requests = self._counter(
            "requests", "Requests answered, by route and status.", "route", "status"
        )
        self.request_seconds = self._histogram(
            "request_duration_seconds", "From a request's head to the end of its answer.", SECONDS, "route"
        )
        self.in_flight = self._gauge("requests_in_flight", "Requests that are being answered now.", "livesum")
        self.stage_seconds = self._histogram(
            "predict_phase_seconds", "Phases of a prediction.", STAGE_SECONDS, "phase"
        )
        self.queue_length = self._gauge("queue_length", "Requests that wait for their turn.", "livesum")
        self.event_followers = self._gauge(
            "event_followers", "Streams of GET /events that are open now.", "livesum"
        )
        self.events_sent = self._counter("events_sent", "Events sent to followers of GET /events.")
        self.events_dropped = self._counter(
            "event_followers_dropped", "Streams of GET /events that ended because their reader was too slow."
        )
        self.body_bytes = self._gauge(
            "body_bytes", "Bytes of request bodies that are held until they are answered.", "livesum"
        )
        self.refused_for_overload = self._counter(
            "overload_refusals",
            "Requests turned away with 503 because the queue, or the budget of all bodies, was full.",
        )
        self.champion_version = self._gauge("champion_version", "Version that serves; 0 for none.", "liveall")
        self.champion_promoted = self._gauge(
            "champion_promoted_timestamp_seconds", "When it was promoted; 0 where unknown.", "livemax"
        )
        self.alias_version = self._gauge(
            "registry_champion_version", "Version that the champion alias names, as last seen.", "liveall"
        )
        self.cached_champion_serves = self._gauge(
            "champion_is_kept_artifact",
            "1 while the champion serves from this machine's disk because the registry could not give it.",
            "livemax",
        )
        self.champion_cache_failed = self._gauge(
            "kept_champion_failed",
            "1 while the version that serves could not be stored on this machine's disk.",
            "livemax",
        )
        self.swaps = self._counter("swaps", "Changes of the serving version.")
        self.refusals = self._counter(
            "champion_refusals", "Versions that the alias named and that were not let in.", "why"
        )
        self.registry_contact = self._gauge(
            "registry_last_contact_timestamp_seconds",
            "When the registry last answered; 0 for never.",
            "livemin",
        )
        self.database_reachable = self._gauge(
            "database_reachable", "Whether the race database answers; NaN where none is set.", "livemin"
        )
        self.gc_pause_seconds = self._histogram(
            "gc_pause_seconds", "Garbage collections, which stop every request.", PAUSE_SECONDS, "generation"
        )
        self.gc_pause_max = self._gauge(
            "gc_pause_max_seconds", "The longest since the version that serves came in.", "livemax"
        )
        self.predictions = self._counter("predictions", "Cards answered, by version.", "version")
        self.challenger_version = self._gauge(
            "challenger_version",
            "Version that runs beside the champion, by role; 0 for none.",
            "livemax",
            "role",
        )
        self.challengers_off = self._gauge(
            "challengers_off",
            "Versions that are to run beside the champion and do not: refused, or turned off as they failed.",
            "livemax",
        )
        self.experiment_id = self._gauge(
            "experiment", "Number of the experiment that runs; 0 for none.", "livemax"
        )
        self.shadow_scored = self._counter("shadow_scored", "Cards scored in shadow, by version.", "version")
        self.shadow_dropped = self._counter(
            "shadow_dropped",
            "Cards that went without a version's shadow, by reason: full, late, failed or non_finite.",
            "version",
            "reason",
        )
        self.shadow_seconds = self._histogram(
            "shadow_seconds", "A version's scoring of the cards gathered for it.", STAGE_SECONDS
        )
        self.win_probability = self._histogram(
            "win_probability", "Win probabilities given to runners.", PROBABILITIES
        )
        self.favourite_probability = self._histogram(
            "favourite_probability", "Win probability of each card's likeliest runner.", PROBABILITIES
        )
        self.log_lines_dropped = self._counter(
            "log_lines_dropped", "Log lines dropped because nobody took them."
        )
        self.rate_limited = self._counter(
            "rate_limited", "Requests turned away because their client makes too many."
        )
        self.key_failures = self._counter(
            "key_failures",
            "Requests turned away at a key, by reason: missing, refused, scope, or limited after too many.",
            "reason",
        )
        for reason in ("missing", "refused", "scope", "limited"):
            self.key_failures.labels(reason)
        self.log_stored = self._counter(
            "log_kept", "Answers that reached the database or the spool, by which.", "where"
        )
        self.log_dropped = self._counter("log_dropped", "Answers that went unlogged, by reason.", "reason")
        for reason in ("queue_full", "refused", "stopped"):
            self.log_dropped.labels(reason)  # from 0 on, so that the first one is an increase
        self.log_unreadable = self._gauge(
            "log_unreadable", "Logged cards that cannot be read, and are set aside.", "livemax"
        )
        self.log_waiting = self._gauge("log_waiting", "Answers in memory that are not logged yet.", "livesum")
        self.log_spool_bytes = self._gauge("log_spool_bytes", "Bytes of answers spooled on disk.", "livesum")
        self.log_stored_up = self._gauge(
            "log_kept_up",
            "Whether database or disk takes the prediction log; else it is in memory.",
            "livemin",
        )
        self.log_stored_up.set(1)
        self.log_database_up = self._gauge(
            "log_database_up", "Whether the prediction log reaches the race database.", "livemin"
        )
        self.automation_is_on = self._gauge(
            "automation_on", "Whether the champion may be changed without a person.", "livemin"
        )
        self.automation_is_here = self._gauge(
            "automation_here", "1 in the process that does what the service does by itself.", "livesum"
        )
        self.automation_hanging_tasks = self._gauge(
            "automation_hanging_tasks", "Tasks of automation that do not come back.", "livesum"
        )
        self.automation_failures = self._counter(
            "automation_failures", "Runs of a task of automation that failed.", "task"
        )
        self.decisions_pending = self._gauge(
            "decisions_pending", "Decisions about the champion that wait to be carried out.", "livemax"
        )
        self.fuses_blown = self._counter("fuses_blown", "Fuses that blew in this process.", "fuse")
        self.monitor = MonitorGauges(self.registry)
        self.inputs = self._counter(
            "inputs",
            "What came in, by what: cards, runners, unknown_dogs, unknown_tracks, without_form, priced. A "
            "card that comes again with the same features on a day counts once.",
            "what",
        )
        self.inputs_dropped = self._counter(
            "inputs_dropped", "Cards answered whose inputs were not counted, as too many waited."
        )
        self.inputs_unwritten = self._gauge(
            "inputs_unwritten", "1 while the counts of inputs cannot be written to the database.", "livemax"
        )
        self.input_psi = Gauge(
            "greyhound_input_psi",
            "PSI against the training of today's features that moved most; 0 for those that no longer do.",
            ("feature",),
            multiprocess_mode="livemax",
            registry=self.registry,
        )
        self.n_in_flight = 0
        self._answers: dict[tuple[str, int], tuple[BufferedCounter, BufferedHistogram]] = {}
        self._routes: dict[str, BufferedHistogram] = {}
        self._stages = {
            stage: BufferedHistogram(self.stage_seconds.labels(stage), STAGE_SECONDS) for stage in STAGES
        }
        self._by_version: dict[int, BufferedCounter] = {}
        self._win, self._favourite = (
            BufferedHistogram(self.win_probability, PROBABILITIES),
            BufferedHistogram(self.favourite_probability, PROBABILITIES),
        )
        self.pauses = [
            BufferedHistogram(self.gc_pause_seconds.labels(str(generation)), PAUSE_SECONDS)
            for generation in range(3)
        ]

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count an answer; the route is its template."""
        answer = self._answers.get((route, status))
        if answer is None:
            answer = BufferedCounter(self.requests.labels(route, str(status))), self.latency(route)
            self._answers[route, status] = answer
        counter, histogram = answer
        counter.n += 1
        histogram.count(seconds)

    def count_stages(self, seconds: Mapping[str, float]) -> None:
        """Count the seconds of the stages of a prediction."""
        for stage, took in seconds.items():
            self._stages[stage].count(took)

    def count_prediction(self, version: int, win_probability: Sequence[float]) -> None:
        """Count the answer to one card."""
        counter = self._by_version.get(version)
        if counter is None:
            counter = self._by_version[version] = BufferedCounter(self.predictions.labels(str(version)))
        counter.n += 1
        self._win.count_all(win_probability)
        self._favourite.count(max(win_probability))

    def latency(self, route: str) -> BufferedHistogram:
        """Return the latencies of a route so far."""
        histogram = self._routes.get(route)
        if histogram is None:
            histogram = self._routes[route] = BufferedHistogram(self.request_seconds.labels(route), SECONDS)
        return histogram

    def n_by_status_class(self) -> dict[str, int]:
        """Return how many answers there were of ``2xx``, ``4xx`` and so on."""
        counts: dict[str, int] = {}
        for (_, status), (counter, _) in sorted(self._answers.items(), key=lambda answer: answer[0][1]):
            name = f"{status // 100}xx"
            counts[name] = counts.get(name, 0) + counter.n
        return counts

    def flush(self) -> None:
        """Bring the metrics up to what was counted; on the event loop, where requests are counted."""
        self.in_flight.set(self.n_in_flight)
        for answers, _ in self._answers.values():
            answers.flush()
        for predictions in self._by_version.values():
            predictions.flush()
        for histogram in (
            *self._routes.values(),
            *self._stages.values(),
            *self.pauses,
            self._win,
            self._favourite,
        ):
            histogram.flush()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"greyhound_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, of_workers: str, *labels: str) -> Gauge:
        """Return a gauge; ``of_workers`` says how those of several workers become one."""
        mode: Any = of_workers
        return Gauge(f"greyhound_{name}", meaning, labels, multiprocess_mode=mode, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"greyhound_{name}", meaning, labels, buckets=buckets, registry=self.registry)


@cache
def _write_values_to_files() -> None:
    """Let this process write values to files that other processes read.

    prometheus_client decides this by the environment when it is imported; workers are forked after that, so
    it is decided here again, as its documentation does for uWSGI.
    ``tests/service/observability/test_exposition.py`` fails if that no longer works.
    """
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
