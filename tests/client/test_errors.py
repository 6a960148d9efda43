"""What a client does when the service is full, starting, stopped, slow, or something else altogether."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from greyhound_client import (
    Failed,
    NotReady,
    RetryPolicy,
    TimedOut,
    Unavailable,
    Unreachable,
    Unreadable,
    endpoints,
)
from tests.client.builders import connected, listener
from tests.client.conftest import Whole
from tests.ports import free_port
from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    running_service,
)
from tests.service.full_tilt import clients_at_full_tilt
from tests.service.living import wait_until
from tests.service.process import service_process


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def busy(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service in a process of its own whose line is short."""
    with service_process(registry, tmp_path_factory.mktemp("busy"), queue="2") as service:
        yield service.url


def ask_until(seen: list[int], status: int, ask: Callable[[], Any]) -> None:
    """Ask again and again, until such an answer was among those to a try."""
    for _ in range(5000):
        if status in seen:
            return
        ask()
    raise AssertionError(f"no answer was {status}")


def test_an_overloaded_service_tells_when_to_come_again_and_is_called_again_then(
    kind: str, busy: str
) -> None:
    seen: list[int] = []
    answers: list[Any] = []

    class Noting(RetryPolicy):
        def wait_s(self, n_tried: int, call: Any, outcome: Any) -> float | None:
            seen.append(outcome.status_code)
            return super().wait_s(n_tried, call, outcome)

    def ask() -> None:
        with connected(kind, busy, retry_policy=Noting(n_tries=50)) as patient:
            ask_until(seen, 503, lambda: answers.append(patient.predict(make_card(3))))

    asking = threading.Thread(target=ask)
    with clients_at_full_tilt(busy, 16, make_card(8)):
        with (
            connected(kind, busy, retry_policy=RetryPolicy(n_tries=1)) as hasty,
            pytest.raises(Unavailable, match="requests wait already") as caught,
        ):
            ask_until([], 503, lambda: hasty.predict(make_card(3)))
        asking.start()
        wait_until(lambda: 503 in seen)
    asking.join(timeout=60)
    assert seen[-2:] == [503, 200]
    assert len(answers[-1].runners) == 3
    assert caught.value.kind == "overloaded"
    assert f"try again in {caught.value.retry_after_s:g} s" in str(caught.value)


def test_without_a_champion_the_service_is_not_ready(kind: str, tmp_path: Path) -> None:
    with (
        running_service(make_registry(tmp_path, promote=None)) as service,
        connected(kind, service.url) as greyhound,
    ):
        assert greyhound.live().status == "live"
        for ask in (greyhound.ready, lambda: greyhound.predict(make_card(2))):
            with pytest.raises(NotReady):
                ask()
        assert greyhound.model_status().success is False


def test_a_stopped_service_is_unreachable_and_is_found_again(kind: str, registry: str) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with connected(kind, url, retry_policy=RetryPolicy(n_tries=2, first_wait_s=0.01)) as greyhound:
        with running_service(registry, port=port):
            assert greyhound.ready().version == 1
        with pytest.raises(Unreachable, match=f"the service at {url} cannot be reached"):
            greyhound.model_status()
        with running_service(registry, port=port):
            assert greyhound.predict(make_card(2)).model_version == 1


def test_a_restart_is_bridged_for_who_is_patient(kind: str, registry: str) -> None:
    port = free_port()
    with (
        running_service(registry, port=port) as service,
        connected(kind, service.url, retry_policy=RetryPolicy(n_tries=12, first_wait_s=0.05)) as greyhound,
    ):
        assert greyhound.ready().version == 1
    answers: list[Any] = []

    def ask() -> None:
        with connected(kind, service.url, retry_policy=RetryPolicy(n_tries=12, first_wait_s=0.05)) as patient:
            answers.append(patient.predict(make_card(2)))

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.1)  # let it meet the closed port
    with running_service(registry, port=port):
        asking.join(timeout=60)
    assert [answer.model_version for answer in answers] == [1]


def test_what_is_safe_to_repeat_is_repeated_and_a_promotion_is_not(kind: str) -> None:
    policy = RetryPolicy(n_tries=3, first_wait_s=0.01)
    with listener(b"") as (url, heard), connected(kind, url, retry_policy=policy) as greyhound:
        for ask, n_times in (
            (greyhound.model_status, 3),
            (lambda: greyhound.predict(make_card(2)), 3),
            (lambda: greyhound.promote(1, reason="x"), 1),
            (lambda: greyhound.rollback(reason="x"), 1),
        ):
            heard.clear()
            with pytest.raises(Unreachable):
                ask()
            assert len(heard) == n_times
            ids = {line for text in heard for line in text.splitlines() if b"request-id" in line.lower()}
            assert len(ids) == 1  # every try bears the same


def test_a_service_that_never_answers_is_given_up_and_not_called_twice(kind: str) -> None:
    with listener(None) as (url, heard), connected(kind, url, read_timeout_s=0.2) as greyhound:
        with pytest.raises(TimedOut, match="no answer came in time"):
            greyhound.model_status()
        assert len(heard) == 1


def test_a_stream_that_breaks_says_after_how_many_answers(kind: str, whole: Whole) -> None:
    line = whole.service.client.post("/predict/batch", json=[make_card(2)]).content
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (len(line), line)
    with listener(head + chunk + chunk) as (url, _), connected(kind, url) as greyhound:
        answers = greyhound.predict_batch([make_card(2)] * 3)
        assert [len(next(answers).runners) for _ in range(2)] == [2, 2]
        with pytest.raises(Unreachable, match="broke off after 2 answers"):
            next(answers)


def test_the_answer_of_something_else_is_reported_as_such(kind: str) -> None:
    other = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Type: text/html\r\n\r\n<h1>hi!</h1>"
    with listener(other) as (url, _), connected(kind, url) as greyhound:
        with pytest.raises(Unreadable, match="not that of this service"):
            greyhound.model_status()
        with pytest.raises(Unreadable, match="no answer to a card"):
            next(greyhound.predict_batch([]))


def test_the_fault_of_a_proxy_is_reported_by_its_status(kind: str) -> None:
    page = b"<html>upstream is away</html>"
    proxy = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page)
    with listener(proxy) as (url, _), connected(kind, url) as greyhound:
        with pytest.raises(Failed, match=r"Bad Gateway \(502\): <html>upstream is away"):
            greyhound.model_status()
        assert greyhound.raw("/model_status").status_code == 502


@pytest.mark.parametrize(
    ("n_tried", "status", "retry_after", "wait_s"),
    [
        (1, 503, "2", 2.0),
        (2, 503, "2", 2.0),
        (3, 503, "2", None),  # three tries are enough
        (1, 503, "60", None),  # longer than anyone waits
        (1, 503, None, None),  # nobody says that it gets better
        (1, 429, "2", None),
        (1, 200, None, None),
    ],
)
def test_a_service_is_called_again_only_when_it_says_so_and_soon(
    n_tried: int, status: int, retry_after: str | None, wait_s: float | None
) -> None:
    headers = {"Retry-After": retry_after} if retry_after else {}
    waited = RetryPolicy().wait_s(n_tried, endpoints.model_status(), httpx.Response(status, headers=headers))
    assert (waited is None) == (wait_s is None)
    if waited is not None and wait_s is not None:
        assert wait_s <= waited <= wait_s * 1.25


def test_a_client_works_under_the_path_of_a_proxy(kind: str, registry: str) -> None:
    with (
        running_service(registry, root_path="/greyhound") as service,
        connected(kind, f"{service.url}/greyhound/") as greyhound,
    ):
        assert greyhound.ready().version == 1
        assert isinstance(service, RunningService)
