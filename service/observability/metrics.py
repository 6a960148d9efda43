"""What the service counts, for Prometheus: every metric of one service, in a registry of its own."""

import os
from collections.abc import Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    values,
)

from service.observability.buffered_histogram import BufferedHistogram, Number
from service.observability.stages import PHASES

SECONDS = (*(0.00025 * 2**step for step in range(16)),)  # 0.25 ms to 8.2 s
PHASE_SECONDS = (*(0.00001 * 2**step for step in range(14)),)  # 10 us to 82 ms
PAUSE_SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
PROBABILITIES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Metrics:
    """The metrics of one running service; a name says the unit, counters end in ``_total``.

    What is counted on each request is buffered (:mod:`service.observability.buffered_histogram`) and reaches
    the metrics with :meth:`flush`: every second, and before they are read.

    Parameters
    ----------
    directory : str, optional
        Folder that the worker processes of one service share. With it their metrics are kept in files there
        (prometheus_client's multiprocess mode), so that each worker can tell those of all.
    """

    def __init__(self, directory: str | None = None) -> None:
        self.directory = directory
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the lines for nothing
        if directory:  # what prometheus_client does on import, if the variable was set by then
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
            if not values.ValueClass._multiprocess:
                values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.requests = self._counter(
            "requests", "Requests answered, by route and status.", "route", "status"
        )
        self.request_seconds = self._histogram(
            "request_duration_seconds", "From a request's head to the end of its answer.", SECONDS, "route"
        )
        self.in_flight = self._gauge("requests_in_flight", "Requests that are being answered now.", "livesum")
        self.phase_seconds = self._histogram(
            "predict_phase_seconds", "Phases of a prediction.", PHASE_SECONDS, "phase"
        )
        self.queue_length = self._gauge("queue_length", "Requests that wait for their turn.", "livesum")
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
        self.kept_serves = self._gauge(
            "champion_is_kept_artifact",
            "1 while the champion serves from this machine's disk because the registry could not give it.",
            "livemax",
        )
        self.kept_failed = self._gauge(
            "kept_champion_failed",
            "1 while the version that serves could not be kept on this machine's disk.",
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
            "rate_limited", "Requests turned away because their client asks too often."
        )
        self.key_failures = self._counter(
            "key_failures",
            "Requests turned away at a key, by reason: missing, refused, scope, or limited after too many.",
            "reason",
        )
        for reason in ("missing", "refused", "scope", "limited"):
            self.key_failures.labels(reason)
        self.log_kept = self._counter(
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
        self.log_kept_up = self._gauge(
            "log_kept_up",
            "Whether database or disk takes the prediction log; else it is in memory.",
            "livemin",
        )
        self.log_kept_up.set(1)
        self.log_database_up = self._gauge(
            "log_database_up", "Whether the prediction log reaches the race database.", "livemin"
        )
        self.n_in_flight = 0
        self._answers: dict[tuple[str, int], tuple[Number, BufferedHistogram]] = {}
        self._routes: dict[str, BufferedHistogram] = {}
        self._phases = {phase: BufferedHistogram(self.phase_seconds.labels(phase)) for phase in PHASES}
        self._by_version: dict[int, Number] = {}
        self._win, self._favourite = (
            BufferedHistogram(self.win_probability),
            BufferedHistogram(self.favourite_probability),
        )
        self.pauses = [
            BufferedHistogram(self.gc_pause_seconds.labels(str(generation))) for generation in range(3)
        ]

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count an answer; the route is its template."""
        answer = self._answers.get((route, status))
        if answer is None:
            answer = Number(self.requests.labels(route, str(status))), self.latency(route)
            self._answers[route, status] = answer
        number, tally = answer
        number.n += 1
        tally.count(seconds)

    def count_phases(self, seconds: Mapping[str, float]) -> None:
        """Count how long the phases of a prediction took."""
        for phase, took in seconds.items():
            self._phases[phase].count(took)

    def count_prediction(self, version: int, win_probability: Sequence[float]) -> None:
        """Count the answer to one card."""
        number = self._by_version.get(version)
        if number is None:
            number = self._by_version[version] = Number(self.predictions.labels(str(version)))
        number.n += 1
        self._win.count_all(win_probability)
        self._favourite.count(max(win_probability))

    def latency(self, route: str) -> BufferedHistogram:
        """Return the latencies of a route so far."""
        tally = self._routes.get(route)
        if tally is None:
            tally = self._routes[route] = BufferedHistogram(self.request_seconds.labels(route))
        return tally

    def n_by_status_class(self) -> dict[str, int]:
        """Return how many answers there were of ``2xx``, ``4xx`` and so on."""
        counts: dict[str, int] = {}
        for (_, status), (number, _) in sorted(self._answers.items(), key=lambda answer: answer[0][1]):
            name = f"{status // 100}xx"
            counts[name] = counts.get(name, 0) + number.n
        return counts

    def flush(self) -> None:
        """Bring the metrics up to what was counted; on the event loop, where requests are counted."""
        self.in_flight.set(self.n_in_flight)
        for number, _ in self._answers.values():
            number.flush()
        for number in self._by_version.values():
            number.flush()
        for tally in (
            *self._routes.values(),
            *self._phases.values(),
            *self.pauses,
            self._win,
            self._favourite,
        ):
            tally.flush()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"greyhound_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, of_workers: str) -> Gauge:
        """Return a gauge; ``of_workers`` says how those of several workers become one."""
        return Gauge(f"greyhound_{name}", meaning, multiprocess_mode=of_workers, registry=self.registry)  # type: ignore[arg-type]

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"greyhound_{name}", meaning, labels, buckets=buckets, registry=self.registry)
