"""What the service counts, for Prometheus: every metric of one service, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from service.queueing import Queue


class Metrics:
    """The metrics of one running service; a name says the unit, counters end in ``_total``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "greyhound_requests_total",
            "Requests answered, by route and status.",
            ("route", "status"),
            registry=self.registry,
        )

    def watch_queue(self, queue: Queue) -> None:
        """Tell of a queue when asked; it costs a request nothing."""
        waiting = Gauge(
            "greyhound_queue_waiting", "Predictions that wait for their turn.", registry=self.registry
        )
        waiting.set_function(lambda: queue.n_waiting)
        refused = Gauge(
            "greyhound_queue_refused",
            "Requests refused so far: too many waited.",
            registry=self.registry,
        )
        refused.set_function(lambda: queue.n_refused)
