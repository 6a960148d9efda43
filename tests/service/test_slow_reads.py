"""Slow reads of every kind at once: each waits for itself alone, keys are revoked, and the service ends.

What is slow is made so by the database itself: a lock on its tables, or a server that is stopped. A lock is
held until the test is over, so whatever waits for it fails here, however slow the machine is.
"""

import inspect
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import httpx
import psycopg
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.features import FEATURES
from racing.features.topics import topic_of
from racing.ratings import update_ratings
from racing.simulation.simulator import simulate_season
from service import routes
from service.app import create_app
from service.security.api_keys import add_key, revoke_key
from service.settings import ServiceSettings
from tests.conftest import new_postgresql_database
from tests.postgresql import hanging
from tests.racing.seasons import LAST_DAY, card_of_stored_race
from tests.service.builders import (
    address,
    empty_registry,
    make_card,
    make_model,
    make_registry,
    open_registry,
    running_service,
)
from tests.service.crowd import crowd, request
from tests.service.keys import wait_until_keys_are_read
from tests.service.living import wait_until
from tests.service.process import ServiceProcess, service_process
from tests.service.test_refused_versions import GRAPH, replace_files, slow_graph
from tests.service.test_with_database import request_of

LOG = "prediction, predictedrace, predictedrunner, unreadableprediction"
KEYS_POLL_S = 0.5
SETTINGS = {
    "database_timeout_s": "2.0",
    "database_poll_s": "0.2",
    "keys_poll_s": str(KEYS_POLL_S),
    "champion_poll_s": "60",
    "failed_keys_per_minute": "10000",
    "log_level": "warning",
}


@dataclass(frozen=True)
class Stand:
    """A database with a season, and a registry whose versions take long to be explained."""

    url: str
    engine: Engine
    registry: str
    named: dict[str, Any]
    """A card of names alone."""

    def key(self, name: str, *scopes: str) -> dict[str, str]:
        """Make a key, and return the header that brings it."""
        return {"X-API-Key": add_key(self.engine, name, scopes)[1]}

    @contextmanager
    def locked(self, tables: str) -> Iterator[None]:
        """Keep everybody from reading some tables."""
        with psycopg.connect(self.url.replace("+psycopg", "")) as other:
            other.execute(f"lock table {tables} in access exclusive mode")
            yield
            other.rollback()


@pytest.fixture(scope="module")
def stand(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    url = new_postgresql_database(postgresql_server)
    engine = open_database(url, create=True)
    simulate_season(engine, n_races=30, seed=7, until=LAST_DAY)
    update_ratings(engine)
    folder = tmp_path_factory.mktemp("registry")
    registry = empty_registry(folder)
    of_topics = {topic_of(feature.name): feature.name for feature in FEATURES}
    for version in (1, 2):
        make_model(
            folder / f"model-{version}",
            exponent=version / 2,
            features=tuple(of_topics.values()),
            coefficients=[-0.4] * len(of_topics),
        )
        registry.register(folder / f"model-{version}")
    registry.promote(1, reason="a test wants it")
    named = request_of(card_of_stored_race(engine, 1)) | {"date": LAST_DAY.isoformat()}
    yield Stand(url, engine, address(folder), named)
    engine.dispose()


@pytest.fixture
def service(stand: Stand, tmp_path: Path) -> Iterator[ServiceProcess]:
    with service_process(stand.registry, tmp_path, database=stand.url, **SETTINGS) as service:
        wait_until_keys_are_read(service)
        wait_until(lambda: service.predict(stand.named).status_code == 200)
        yield service


def is_let_in(service: ServiceProcess, key: dict[str, str]) -> bool:
    """Whether a key is taken; what it asks for is refused all the same, for it says no reason."""
    status = service.client.post("/rollback", json={}, headers=key).status_code
    assert status in (401, 422)
    return status == 422


@contextmanager
def asking(service: ServiceProcess, n: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections on which a request was sent, whose answer nobody has read."""
    sockets = [socket.create_connection(("127.0.0.1", service.port), timeout=60) for _ in range(n)]
    for one in sockets:
        one.sendall(sent)
    try:
        yield sockets
    finally:
        for one in sockets:
            one.close()


def test_readers_of_a_slow_log_hold_up_themselves_alone_and_a_key_is_revoked_in_time(
    service: ServiceProcess, stand: Stand
) -> None:
    boss, late = stand.key("boss", "promote"), stand.key("late", "promote")
    wait_until(lambda: is_let_in(service, late))
    scores = request("GET", "/predictions/score")
    with stand.locked(LOG), asking(service, 24, scores) as sockets, httpx.Client(timeout=60) as client:
        for one in sockets[18:]:  # two are read and sixteen wait
            answer = b""
            while not answer.endswith(b"}"):
                answer += one.recv(65536).lower()
            assert answer.startswith(b"http/1.1 503 ")
            assert b"retry-after: " in answer
            assert b"overloaded" in answer
        metrics = client.get(f"{service.url}/metrics")
        assert metrics.status_code == 200
        assert client.post(f"{service.url}/predict", json=stand.named).status_code == 200
        explained = client.post(f"{service.url}/predict?explain=true", json=stand.named)
        assert explained.json()["runners"][0]["explanation"]
        assert client.get(f"{service.url}/race-days").status_code == 200
        revoke_key(stand.engine, "late")
        wait_until(lambda: not is_let_in(service, late))
        promotion = f"{service.url}/models/2/promote"
        promoted = client.post(promotion, json={"reason": "a try"}, headers=boss)
        assert promoted.json()["serving_version"] == 2
        assert service.status()["database_error"] is None


def test_a_crowd_that_wants_explanations_makes_no_healthy_database_look_away(
    stand: Stand, tmp_path: Path
) -> None:
    uri = make_registry(tmp_path / "slow")
    replace_files(
        uri, 1, {GRAPH: slow_graph(20)}
    )  # an explanation takes 50 ms: the line is some seconds long
    settings = SETTINGS | {"model_budget_ms": "5000"}
    with service_process(uri, tmp_path, database=stand.url, **settings) as service:
        wait_until_keys_are_read(service)
        key, errors = stand.key("brief", "promote"), set()
        wait_until(lambda: is_let_in(service, key))
        with crowd(service.port, 128, request("POST", "/predict?explain=true", stand.named)) as answers:
            wait_until(lambda: answers["HTTP/1.1 200 OK"] >= 5)
            revoke_key(stand.engine, "brief")
            while is_let_in(service, key) or answers["HTTP/1.1 200 OK"] < 100:  # as long as the line is
                errors.add(service.status()["database_error"])
                time.sleep(0.05)
        assert errors == {None}
        assert answers["HTTP/1.1 503 Service Unavailable"] == answers["Retry-After"] > 0
        assert "away" not in service.log.read_text()


def test_a_database_that_is_stopped_holds_up_what_needs_it_and_neither_metrics_nor_the_end(
    stand: Stand, postgresql_server: str, tmp_path: Path
) -> None:
    settings = SETTINGS | {"keys_max_age_s": "6", "protect": "everything"}
    key = stand.key("reader", "read", "predict")
    with (
        service_process(stand.registry, tmp_path, database=stand.url, **settings) as service,
        httpx.Client(base_url=service.url, headers=key, timeout=60) as client,
    ):
        wait_until(lambda: client.get("/model_status").status_code == 200)
        log_page = request("GET", "/predictions", key=key["X-API-Key"])
        with hanging(postgresql_server), asking(service, 12, log_page):
            assert client.get("/metrics").status_code == 200  # by a key that was read before
            assert client.post("/predict", json=make_card()).status_code == 200
            wait_until(lambda: client.get("/model_status").status_code == 503)
            refused = client.post("/predict", json=make_card())
            assert (refused.status_code, kind(refused)) == (503, "keys-unknown")
            assert "valid for 6 s" in refused.json()["detail"]
            assert service.stop() == 0


def test_a_key_whose_use_cannot_be_noted_is_revoked_all_the_same(
    service: ServiceProcess, stand: Stand
) -> None:
    used, locked = stand.key("used", "promote"), stand.key("locked", "promote")
    where = stand.url.replace("+psycopg", "")
    with psycopg.connect(where) as other, psycopg.connect(where, autocommit=True) as admin:
        other.execute("select 1 from apikey where name = 'locked' for update")
        for key in (used, locked):
            wait_until(lambda key=key: is_let_in(service, key))
        time.sleep(3 * KEYS_POLL_S)  # by then the service has tried to note that both were used
        admin.execute("set lock_timeout = '60s'")
        admin.execute("update apikey set revoked_at = now() where name = 'used'")
        wait_until(lambda: not is_let_in(service, used))
        other.rollback()


def test_a_promotion_that_takes_too_long_is_reported_as_unknown_and_is_on_record_once_it_is_made(
    tmp_path: Path,
) -> None:
    uri, database = make_registry(tmp_path, exponents=(0.5, 2.0)), f"sqlite:///{tmp_path}/keys.db"
    engine = open_database(database, create=True)
    key = {"X-API-Key": add_key(engine, "boss", ["promote"])[1]}
    engine.dispose()
    limits = {"load_timeout_s": 1.0, "registry_timeout_s": 10.0, "champion_poll_s": 60.0, "keys_poll_s": 0.05}
    with running_service(uri, database=database, **limits) as service:
        wait_until_keys_are_read(service)
        lock = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
        lock.execute("begin exclusive")

        def promote() -> httpx.Response:
            return service.client.post("/models/2/promote", json={"reason": "a try"}, headers=key)

        unknown = promote()
        assert (unknown.status_code, kind(unknown)) == (503, "outcome-unknown")
        assert "the registry has not answered within 1 s" in unknown.json()["detail"]
        assert "Retry-After" not in unknown.headers  # nobody shall repeat it unseen
        not_begun = promote()
        assert (not_begun.status_code, kind(not_begun)) == (503, "no-answer-in-time")
        assert "this one was not made" in not_begun.json()["detail"]
        lock.rollback()
        lock.close()
        wait_until(lambda: [one.version for one in open_registry(uri).history()] == [1, 2])
        wait_until(lambda: kind(promote()) == "promotion-refused")  # "is the champion already"


def kind(answer: httpx.Response) -> str:
    return str(answer.json().get("type", "")).rpartition(":")[2]


def test_results_that_take_too_long_are_reported_as_unknown() -> None:
    """See the test of promotions; here only that both say so in the same way."""
    document = create_app(ServiceSettings(database=None)).openapi()
    for path in ("/results", "/rollback", "/models/{version}/promote"):
        assert "outcome-unknown" in document["paths"][path]["post"]["description"]


def test_no_handler_and_no_dependency_of_a_route_is_a_plain_function() -> None:
    """Which would be called in a thread of AnyIO's, shared by all and without a time-out."""

    def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any]]:
        if dependant.call is not None:
            yield dependant.call
        for below in dependant.dependencies:
            yield from calls_of(below)

    modules = [import_module(found.name) for found in iter_modules(routes.__path__, "service.routes.")]
    routers = [module.router for module in modules if hasattr(module, "router")]
    found = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    assert {route.path for route in found} >= set(
        create_app(ServiceSettings(database=None)).openapi()["paths"]
    )
    plain = {
        f"{route.path}: {call}"
        for route in found
        for call in calls_of(route.dependant)
        if not (inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__))
    }
    assert plain == set()


def test_no_request_uses_the_threads_that_all_share(tmp_path: Path) -> None:
    uri, database = make_registry(tmp_path, exponents=(0.5, 2.0)), f"sqlite:///{tmp_path}/keys.db"
    engine = open_database(database, create=True)
    key = {"X-API-Key": add_key(engine, "boss", ["promote", "results"])[1]}
    engine.dispose()
    before = set(threading.enumerate())
    with running_service(uri, database=database, keys_poll_s=0.05) as service:
        wait_until_keys_are_read(service)
        client = service.client
        for path in ("/metrics", "/model_status", "/models", "/promotions", "/predictions", "/race-days"):
            assert client.get(path).status_code == 200
        for path in (
            "/predictions/score",
            "/models/1/evidence",
            "/docs",
            "/openapi.json",
            "/races?date=2026-03-14",
        ):
            assert client.get(path).status_code == 200
        assert client.post("/predict?explain=true", json=make_card()).status_code == 200
        assert client.post("/predict/batch", json=[make_card()]).status_code == 200
        assert client.post("/cards", content=b"x", headers={"Content-Type": "text/csv"}).status_code == 422
        assert client.post("/results", json={"races": []}, headers=key).status_code in (202, 422)
        assert client.post("/models/2/promote", json={"reason": "x"}, headers=key).status_code == 200
        names = {thread.name for thread in set(threading.enumerate()) - before}
        assert {"the race database", "the registry", "the explanation", "counting the metrics"} <= names
        assert not [name for name in names if name.startswith(("asyncio_", "AnyIO"))]
