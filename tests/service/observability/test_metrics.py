"""``/metrics`` of a real service over a socket."""

import gc
import math
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import generate_latest

from service.observability.buffered_histogram import BufferedHistogram
from service.observability.gc_pauses import GcPauseRecorder
from service.observability.metrics import Metrics
from tests.service.builders import (
    RunningService,
    make_card,
    make_model,
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
    win_probabilities,
)
from tests.service.living import wait_until
from tests.service.observability.samples import samples, value
from tests.service.process import service_process

MAX_PAUSE_S = 0.02


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """A service of the test's own, so that it can count."""
    with running_service(make_registry(tmp_path, exponents=(1.0, 2.0))) as running:
        yield running


def test_requests_are_counted_by_template_and_status_however_they_are_addressed(
    service: RunningService,
) -> None:
    for _ in range(3):
        assert service.predict(make_card()).status_code == 200
    assert service.client.post("/predict", content=b"{").status_code == 400
    for version in ("1", "2", "77", "abc"):
        service.client.get(f"/models/{version}?secret=1")
    service.client.get("/nothing/here")
    service.client.get("/.env")
    found = samples(service.url)
    name = "greyhound_requests_total"
    assert value(found, name, route="/predict", status="200") == 3
    assert value(found, name, route="/predict", status="400") == 1
    assert value(found, name, route="/models/{version}", status="200") == 2
    assert value(found, name, route="/models/{version}", status="404") == 2
    assert value(found, name, route="other", status="404") == 2
    assert {dict(labels)["route"] for known, labels in found if known == name} == {
        "/predict",
        "/models/{version}",
        "other",
    }
    assert value(found, "greyhound_request_duration_seconds_count", route="/predict") == 4
    assert value(found, "greyhound_requests_in_flight") == 1  # the one that asks


def test_a_request_that_is_turned_away_before_it_is_routed_counts_for_its_route(
    service: RunningService,
) -> None:
    service.predict(make_card())
    assert service.predict({"filler": "x" * 300_000}).status_code == 413
    assert value(samples(service.url), "greyhound_requests_total", route="/predict", status="413") == 1


def test_predictions_are_counted_by_version_with_their_probabilities_and_phases(
    service: RunningService,
) -> None:
    answers = [service.predict(make_card(n)) for n in (4, 6, 8)]
    found = samples(service.url)
    assert value(found, "greyhound_predictions_total", version="1") == 3
    assert value(found, "greyhound_win_probability_count") == 4 + 6 + 8
    assert value(found, "greyhound_win_probability_sum") == pytest.approx(3)
    favourites = [max(win_probabilities(answer)) for answer in answers]
    assert value(found, "greyhound_favourite_probability_sum") == pytest.approx(sum(favourites))
    at_most_half = sum((win_probabilities(answer) <= 0.5).sum() for answer in answers)
    assert value(found, "greyhound_win_probability_bucket", le="0.5") == at_most_half
    for phase in ("parse", "write"):
        assert value(found, "greyhound_predict_phase_seconds_count", phase=phase) == 3
        assert 0 < value(found, "greyhound_predict_phase_seconds_sum", phase=phase) < 1


def test_swaps_and_refusals_and_the_registry_are_counted(service: RunningService, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    before = samples(service.url)
    assert value(before, "greyhound_champion_version") == 1
    assert value(before, "greyhound_swaps_total") == 1
    promoted = open_registry(uri).history()[-1].at.timestamp()
    assert value(before, "greyhound_champion_promoted_timestamp_seconds") == pytest.approx(promoted)
    point_alias_at(uri, 2)
    service.wait_until(lambda status: status["version"] == 2)
    make_model(tmp_path / "strange", features=("box", "star_sign", "weight_kg"))
    open_registry(uri).register(tmp_path / "strange")
    point_alias_at(uri, 3)
    service.wait_until(lambda status: status["refusals"])
    found = samples(service.url)
    assert value(found, "greyhound_champion_version") == 2
    assert value(found, "greyhound_registry_champion_version") == 3
    assert value(found, "greyhound_swaps_total") == 2
    assert value(found, "greyhound_champion_refusals_total") == 1
    contact = "greyhound_registry_last_contact_timestamp_seconds"
    assert value(found, contact) > value(before, contact) > 1.7e9


def test_a_database_that_is_away_differs_from_one_that_is_not_wanted(
    service: RunningService, tmp_path: Path
) -> None:
    assert math.isnan(value(samples(service.url), "greyhound_database_reachable"))
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with running_service(uri, database=f"sqlite:///{tmp_path}/absent/none.db") as other:
        assert ("greyhound_database_reachable", ()) in samples(other.url)
        assert value(samples(other.url), "greyhound_database_reachable") == 0


def test_pauses_of_the_collector_stay_below_20_ms_after_load_and_after_swaps(tmp_path: Path) -> None:
    """Judged by the shortest of the longest after each of four moves: a busy machine may stop some of them.

    A collection that sees all modules takes 100 ms or more, each time.
    """
    longest = []
    uri = make_registry(tmp_path, exponents=(1.0, 2.0))
    with service_process(uri, tmp_path, champion_poll_s="0.05") as service:  # nobody else's garbage
        for move in range(5):
            version = 1 + move % 2
            point_alias_at(uri, version)
            service.wait_until(lambda status, version=version: status["version"] == version, seconds=60)
            for _ in range(100):
                service.predict(make_card(8))
            longest.append(value(samples(service.url), "greyhound_gc_pause_max_seconds"))
        assert value(samples(service.url), "greyhound_gc_pause_seconds_count") > 0
    assert min(longest[1:]) < MAX_PAUSE_S  # the first was no move


def test_the_watch_on_the_collector_hears_a_long_pause_and_forgets_it_with_the_next_version() -> None:
    metrics = Metrics()
    watch = GcPauseRecorder(metrics.pauses)
    watch.install()
    try:
        rings = [[] for _ in range(200_000)]
        for ring in rings:
            ring.append(ring)
        gc.collect()
    finally:
        watch.remove()
    assert watch.longest_s > 0.001
    assert metrics.pauses[2].counts[0] < sum(metrics.pauses[2].counts)
    watch.begin(float("inf"))
    assert watch.longest_s == 0
    watch.begin(0)
    assert watch.longest_s > 0.001


def test_the_status_shows_the_state_of_the_service(service: RunningService) -> None:
    for _ in range(20):
        service.predict(make_card())
    service.client.get("/nothing")
    shown = service.client.get("/model_status").json()["service"]
    assert shown["requests"] == {"2xx": 20, "4xx": 1}
    assert 0 < shown["predict_p50_ms"] <= shown["predict_p99_ms"] < 10_000
    assert shown["longest_gc_pause_ms"] >= 0
    assert (shown["n_workers"], shown["n_in_flight"], shown["queue_length"]) == (1, 1, 0)
    assert shown["uptime_s"] >= 0


def test_a_buffered_histogram_adds_what_prometheus_would_have_counted_itself() -> None:
    registries = [CollectorRegistry(), CollectorRegistry()]
    theirs, ours = (Histogram("a", "b", buckets=(0.1, 0.2, 0.4), registry=one) for one in registries)
    buffered = BufferedHistogram(ours, (0.1, 0.2, 0.4))
    for round_ in range(2):
        for number in (0.05, 0.1, 0.15, 0.3, 0.4, 0.5, round_):
            theirs.observe(number)
            buffered.count(number)
        buffered.flush()
        buffered.flush()
        assert generate_latest(registries[0]) == generate_latest(registries[1])


def test_a_quantile_lies_in_the_bucket_of_the_value() -> None:
    bounds = (1, 2, 4, 8)
    buffered = BufferedHistogram(Histogram("a", "b", buckets=bounds, registry=CollectorRegistry()), bounds)
    assert buffered.quantile(0.5) is None
    buffered.count_all([0.5] * 50 + [3.0] * 40 + [100.0] * 10)
    assert buffered.quantile(0.25) == pytest.approx(0.5)
    assert buffered.quantile(0.7) == pytest.approx(3)
    assert buffered.quantile(0.99) == 8  # no more is known than that it was above
    earlier = list(buffered.counts)
    buffered.count_all([1.5] * 10)
    assert buffered.quantile(0.5, since=earlier) == pytest.approx(1.5)


def test_the_page_is_plain_text_without_a_model_too(tmp_path: Path) -> None:
    with running_service(f"sqlite:///{tmp_path}/absent.db") as service:
        answer = httpx.get(f"{service.url}/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        found = samples(service.url)
        assert value(found, "greyhound_champion_version") == 0
        assert value(found, "greyhound_registry_last_contact_timestamp_seconds") == 0
        assert value(found, "process_resident_memory_bytes") > 1e7
        service.predict(make_card())
        wait_until(
            lambda: (
                value(samples(service.url), "greyhound_requests_total", route="/predict", status="503") == 1
            )
        )
