"""API keys at a running service: who is let in, who is not, and what is stored of a key."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from service.errors import KeyNotMade
from service.security.api_keys import SCOPES, add_key, list_keys, revoke_key
from service.security.rate_limiter import MAX_CLIENTS, RateLimiter
from tests.service.builders import RunningService, make_card, make_registry, running_service
from tests.service.keys import make_keys, service_with_keys

PROBLEM = "application/problem+json"
Keys = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def behind_keys(
    tmp_path_factory: pytest.TempPathFactory, registry: str
) -> Iterator[tuple[RunningService, Keys]]:
    """A service of which everything is behind keys."""
    folder = tmp_path_factory.mktemp("keys")
    settings = {"protect": "everything"}
    with service_with_keys(
        folder, registry, settings, reader="read", punter="predict", boss="promote"
    ) as made:
        yield made


def answers(service: RunningService, key: dict[str, str] | None) -> dict[str, int]:
    """The status of each kind of request; a version that is not there is promoted."""
    answers = {
        "read": service.client.get("/model_status", headers=key),
        "predict": service.predict(make_card(), headers=key),
        "promote": service.client.post("/models/99/promote", json={"reason": "a try"}, headers=key),
    }
    return {name: answer.status_code for name, answer in answers.items()}


def test_by_default_reading_and_predicting_are_open_and_changing_is_not(
    tmp_path: Path, registry: str
) -> None:
    with service_with_keys(tmp_path, registry, ada="promote", bob="read predict results") as (service, keys):
        assert answers(service, None) == {"read": 200, "predict": 200, "promote": 401}
        assert answers(service, keys["ada"]) == {"read": 200, "predict": 200, "promote": 404}
        assert answers(service, keys["bob"]) == {"read": 200, "predict": 200, "promote": 403}


def test_everything_but_health_can_be_behind_keys(behind_keys: tuple[RunningService, Keys]) -> None:
    service, keys = behind_keys
    assert answers(service, None) == {"read": 401, "predict": 401, "promote": 401}
    assert answers(service, keys["reader"]) == {"read": 200, "predict": 403, "promote": 403}
    assert answers(service, keys["punter"]) == {"read": 403, "predict": 200, "promote": 403}
    assert answers(service, keys["boss"]) == {"read": 403, "predict": 403, "promote": 404}


def test_behind_keys_no_route_is_open_but_health_and_signed_webhooks(
    behind_keys: tuple[RunningService, Keys],
) -> None:
    service, keys = behind_keys
    document = service.client.get("/openapi.json", headers=keys["reader"]).json()
    paths = [
        *document["paths"],
        "/docs",
        "/redoc",
        "/openapi.json",
        "/nothing",
        "/docs/",
        "//models",
        "/health",
    ]
    open_to_all = {
        path
        for path in paths
        for method in ("GET", "POST", "HEAD", "OPTIONS", "DELETE")
        if service.client.request(method, path.replace("{version}", "1")).status_code != 401
    }
    # deliveries of webhooks are known by their signature
    assert open_to_all == {"/health/live", "/health/ready", "/webhooks/mlflow"}


def test_a_key_may_come_in_either_header(behind_keys: tuple[RunningService, Keys]) -> None:
    service, keys = behind_keys
    bearer = keys["reader"]["Authorization"]
    for headers in ({"X-API-Key": bearer[7:]}, {"authorization": bearer.replace("Bearer", "bearer")}):
        assert service.client.get("/models", headers=headers).status_code == 200


def test_a_refusal_is_a_problem_that_says_what_to_do(behind_keys: tuple[RunningService, Keys]) -> None:
    service, keys = behind_keys
    missing = service.client.get("/models")
    assert (missing.status_code, missing.headers["Content-Type"]) == (401, PROBLEM)
    assert missing.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Authorization: Bearer" in missing.json()["detail"]
    scope = service.client.get("/models", headers=keys["punter"])
    assert (scope.status_code, scope.headers["Content-Type"]) == (403, PROBLEM)
    assert "`read`" in scope.json()["detail"]
    assert scope.json()["request_id"] == scope.headers["X-Request-ID"]


def test_a_key_with_anything_changed_is_refused(tmp_path: Path, registry: str) -> None:
    settings = {"protect": "everything", "failed_keys_per_minute": 10_000}
    with service_with_keys(tmp_path, registry, settings, ada="read", bob="read") as (service, keys):
        ada, bob = (keys[name]["Authorization"][7:] for name in ("ada", "bob"))
        wrong = [ada[:i] + ("x" if ada[i] != "x" else "y") + ada[i + 1 :] for i in range(len(ada))]
        wrong += [
            ada[:11] + bob[11:],
            ada[:-1],
            ada + "A",
            ada.upper(),
            ada[:11],
            "gh_",
            "x",
            "é" * 50,
            "a" * 9000,
        ]
        for text in wrong:
            answer = service.client.get("/models", headers={"X-API-Key": text.encode()})
            assert (answer.status_code, answer.json()["type"]) == (
                401,
                "urn:greyhound:problem:key-refused",
            ), text
        assert service.client.get("/models", headers=keys["ada"]).status_code == 200


def test_a_key_works_and_stops_working_within_a_look_at_the_database(tmp_path: Path, registry: str) -> None:
    with service_with_keys(tmp_path, registry, {"protect": "everything"}) as (service, _):
        engine = open_database(f"sqlite:///{tmp_path}/keys.db")
        _, key = add_key(engine, "late", ["read"])
        wait_for(service, key, 200)
        revoke_key(engine, "late")
        wait_for(service, key, 401)
        assert when_used(engine) >= list_keys(engine)[0].created_at
        engine.dispose()


def when_used(engine: Engine) -> dt.datetime:
    """When the first key was used, once the service has noted it."""
    deadline = time.monotonic() + 60
    while (used := list_keys(engine)[0].last_used) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return used


def wait_for(service: RunningService, key: str, status: int) -> None:
    deadline = time.monotonic() + 60
    while service.client.get("/models", headers={"X-API-Key": key}).status_code != status:
        assert time.monotonic() < deadline
        time.sleep(0.2)  # slower than failed tries are limited in this time


def test_a_service_that_begins_to_answer_knows_the_keys(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/keys.db"
    engine = open_database(database, create=True)
    key = make_keys(engine, ada="promote")["ada"]
    with running_service(make_registry(tmp_path), database=database, keys_poll_s=60.0) as service:
        assert service.client.post("/rollback", json={}, headers=key).status_code == 422
    engine.dispose()


def test_the_database_going_away_locks_no_known_key_out(tmp_path: Path, registry: str) -> None:
    with service_with_keys(tmp_path, registry, {"protect": "everything"}, ada="read") as (service, keys):
        for file in tmp_path.glob("keys.db*"):
            file.rename(tmp_path / f"gone-{file.name}")
        time.sleep(0.3)
        assert service.client.get("/models", headers=keys["ada"]).status_code == 200
        assert not (tmp_path / "keys.db").exists()


def test_keys_that_were_never_read_are_a_503_not_a_401(tmp_path: Path, registry: str) -> None:
    with running_service(registry, database=f"sqlite:///{tmp_path}/none.db") as service:
        answer = service.client.post("/rollback", json={"reason": "x"}, headers={"X-API-Key": "gh_1_2"})
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:greyhound:problem:keys-unknown")
        assert service.client.post("/rollback", json={"reason": "x"}).status_code == 401


def test_too_many_wrong_keys_are_turned_away_but_never_a_right_one(tmp_path: Path, registry: str) -> None:
    settings = {"failed_keys_per_minute": 3}
    with service_with_keys(tmp_path, registry, settings, ada="promote") as (service, keys):
        tried = [service.client.post("/rollback", headers={"X-API-Key": "gh_wrong"}) for _ in range(5)]
        assert tried[-1].status_code == 429
        assert 1 <= int(tried[-1].headers["Retry-After"]) <= 60
        assert tried[-1].headers["Content-Type"] == PROBLEM
        assert answers(service, keys["ada"])["promote"] == 404
        assert service.client.get("/models").status_code == 200


def test_of_a_key_only_a_hash_is_stored(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/keys.db", create=True)
    key, shown = add_key(engine, "ada", ["read", "promote"])
    assert len(shown.split("_", 2)[2]) >= 43  # 256 bits
    with engine.connect() as connection:
        row = connection.execute(text("select * from apikey")).one()
    engine.dispose()
    assert shown.split("_", 2)[2] not in str(row)
    assert row.scopes == "read promote"
    assert key.id in shown
    assert all(shown.encode() not in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "scopes", "rule"),
    [
        ("ada", ["read"], "already"),
        ("eve", [], "needs a scope"),
        ("eve", ["admin"], "got 'admin'"),
        ("", ["read"], "1..60"),
        ("a\nb", ["read"], "1..60"),
        ("a" * 61, ["read"], "1..60"),
    ],
)
def test_a_key_that_breaks_a_rule_is_not_made(
    tmp_path: Path, name: str, scopes: list[str], rule: str
) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/keys.db", create=True)
    add_key(engine, "ada", ["read"])
    with pytest.raises(KeyNotMade, match=rule):
        add_key(engine, name, scopes)
    assert len(list_keys(engine)) == 1
    engine.dispose()


def test_keys_are_the_same_in_postgresql(postgresql_url: str, registry: str) -> None:
    engine = open_database(postgresql_url, create=True)
    _, key = add_key(engine, "ada", ["read"])
    settings = {"database": postgresql_url, "protect": "everything", "keys_poll_s": 0.05}
    with running_service(registry, **settings) as service:
        wait_for(service, key, 200)
        wait_for(service, key, 200)  # the use was noted without harm
        revoke_key(engine, "ada")
        wait_for(service, key, 401)
        (stored,) = list_keys(engine)
        assert stored.revoked_at is not None
        assert stored.created_at <= min(stored.revoked_at, when_used(engine))
    engine.dispose()


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    now = [100.0]
    buckets = RateLimiter(per_s=2, burst=4, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(6)] == [0, 0, 0, 0, 1, 1]
    assert buckets.take("b") == 0
    now[0] += 0.5
    assert [buckets.take("a"), buckets.take("a")] == [0, 1]
    now[0] += 1000
    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 0, 1]


def test_buckets_forget_whom_they_have_not_seen_for_longest() -> None:
    buckets = RateLimiter(per_s=0.001, burst=1)
    assert buckets.take("first") == 0
    for i in range(MAX_CLIENTS - 2):
        buckets.take(str(i))
    assert buckets.take("first") > 0  # seen again, so remembered
    for i in range(10):
        buckets.take(f"more {i}")
    assert len(buckets) == MAX_CLIENTS
    assert buckets.take("first") > 0
    assert buckets.take("0") == 0


def test_scopes_are_the_same_at_the_command_and_at_the_service() -> None:
    from greyhound.commands import keys

    assert set(keys._SCOPES) == set(SCOPES)


def test_the_api_says_which_operations_take_a_key(service: RunningService) -> None:
    document = httpx.get(f"{service.url}/openapi.json").json()
    assert document["components"]["securitySchemes"].keys() == {"bearer", "api_key"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            security = operation.get("security", [])
            if path.startswith("/health"):
                assert security == []
            elif method == "post" and not path.startswith(("/predict", "/cards")):  # those change nothing
                assert {} not in security
            else:
                assert {} in security
