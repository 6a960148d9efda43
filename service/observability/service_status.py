"""The part of ``/model_status`` about the service itself: the metrics that a person needs first."""

import os
import time

from pydantic import BaseModel, Field

from service.observability.collector import MetricsCollector
from service.observability.metrics import Metrics


class ServiceOut(BaseModel):
    """How the service does. Counts are of the process that answers; ``/metrics`` adds all workers up."""

    uptime_s: float = Field(description="Seconds since it started.", examples=[86400.0])
    pid: int = Field(description="The process that answers.", examples=[1])
    n_workers: int = Field(description="Processes that serve together.", examples=[1])
    requests: dict[str, int] = Field(
        description="Requests answered since it started, by class of their status.",
        examples=[{"2xx": 90210, "4xx": 12}],
    )
    n_in_flight: int = Field(description="Requests that are being answered now.", examples=[1])
    queue_length: int = Field(description="Requests that wait for their turn.", examples=[0])
    n_refused_for_overload: int = Field(
        description="Requests turned away because too many waited.", examples=[0]
    )
    predict_p50_ms: float | None = Field(
        description="Milliseconds. Half of the predictions of the last five minutes took less; null if there "
        "were none.",
        examples=[0.42],
    )
    predict_p99_ms: float | None = Field(
        description="Milliseconds. 99 of 100 predictions of the last five minutes took less.", examples=[1.8]
    )
    longest_gc_pause_ms: float = Field(
        description="Longest stop by the garbage collector, in milliseconds, since the version that serves "
        "came in.",
        examples=[0.7],
    )
    is_traced: bool = Field(description="Whether traces go to a collector.", examples=[False])


def service_out(metrics: Metrics, collector: MetricsCollector, *, started_s: float) -> ServiceOut:
    """Return the state of a service that started at a moment of the monotonic clock."""
    queue = collector.queue
    return ServiceOut(
        uptime_s=round(time.monotonic() - started_s, 1),
        pid=os.getpid(),
        n_workers=collector.n_workers(),
        requests=metrics.n_by_status_class(),
        n_in_flight=metrics.n_in_flight,
        queue_length=queue.n_waiting,
        n_refused_for_overload=queue.n_refused,
        predict_p50_ms=collector.latency_ms(0.5),
        predict_p99_ms=collector.latency_ms(0.99),
        longest_gc_pause_ms=round(1000 * collector.longest_gc_pause_s, 3),
        is_traced=collector.tracing.is_on,
    )
