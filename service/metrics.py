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
        self.rate_limited = Counter(
            "greyhound_rate_limited_total",
            "Requests turned away because their client asks too often.",
            registry=self.registry,
        )
        self.key_failures = Counter(
            "greyhound_key_failures_total",
            "Requests turned away at a key, by reason: missing, refused, scope, or limited after too many.",
            ("reason",),
            registry=self.registry,
        )
        for reason in ("missing", "refused", "scope", "limited"):
            self.key_failures.labels(reason)
