"""What the service counts, for Prometheus: every metric of one service, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter


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
