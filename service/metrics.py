"""What the service counts, for Prometheus: every metric of one service, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge


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
        self.log_kept = Counter(
            "greyhound_log_kept_total",
            "Answers that reached the database or the spool, by which.",
            ("where",),
            registry=self.registry,
        )
        self.log_dropped = Counter(
            "greyhound_log_dropped_total",
            "Answers that went unlogged, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self.log_waiting = Gauge(
            "greyhound_log_waiting", "Answers in memory that are not logged yet.", registry=self.registry
        )
        self.log_spool_bytes = Gauge(
            "greyhound_log_spool_bytes", "Bytes of answers spooled on disk.", registry=self.registry
        )
        self.log_database_up = Gauge(
            "greyhound_log_database_up",
            "Whether the prediction log reaches the race database.",
            registry=self.registry,
        )
