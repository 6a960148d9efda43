"""SecurityMiddleware: headers on every answer, pages of other origins, proxies, and rate limits."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.routes.pages import VERSION
from service.security.client_address import client_of
from service.settings import ServiceSettings
from tests.service.builders import RunningService, make_card, make_registry, running_service
from tests.service.keys import service_with_keys

ORIGIN = "https://races.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "x-api-key",
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


def test_every_answer_bears_the_headers_that_browsers_heed(service: RunningService) -> None:
    answers = [
        service.predict(make_card()),
        service.predict({}),
        service.predict(make_card(track="A" * 300_000)),
        *(
            service.client.get(path)
            for path in ("/nothing", "/model_status", "/openapi.json", "/docs", "/predict")
        ),
        service.client.post("/rollback"),
    ]
    assert {answer.status_code for answer in answers} == {200, 401, 404, 405, 413, 422}
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Request-ID"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert len(answer.headers.get_list("Content-Security-Policy")) == 1
        assert "Strict-Transport-Security" not in answer.headers
        assert "Server" not in answer.headers
        assert not any(name.lower().startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_policy_of_a_page_lets_its_own_scripts_run_and_no_others(
    service: RunningService, path: str
) -> None:
    answer = service.client.get(path)
    directives = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    allowed = directives["script-src"].split()
    for script in re.findall(r"<script>(.*?)</script>", answer.text, re.S):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in allowed
    loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert len(loaded) >= 2
    for source in loaded:
        assert source.startswith("/docs/assets/")
        headers = service.client.get(source).headers
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert headers.get_list("Cache-Control") == [headers["Cache-Control"]]
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "://" not in answer.headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in allowed
    assert directives["connect-src"] == "'self'"
    assert "/openapi.json" in answer.text


@pytest.mark.parametrize("path", ["/docs/assets/0/icon.svg", f"/docs/assets/{VERSION}/other.js"])
def test_what_no_page_loads_is_not_there_and_not_cached(service: RunningService, path: str) -> None:
    answer = service.client.get(path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


def test_pages_know_under_which_path_a_proxy_shows_them(registry: str) -> None:
    with running_service(registry, root_path="/greyhound") as service:
        assert "/greyhound/openapi.json" in service.client.get("/docs").text
        assert service.client.get("/").headers["Location"] == "/greyhound/docs"
        assert service.client.get("/openapi.json").json()["servers"] == [{"url": "/greyhound"}]
        assert service.predict(make_card()).status_code == 200
        assert (
            service.client.get("/greyhound/model_status").status_code == 200
        )  # from a proxy that cuts nothing


def test_hsts_is_sent_where_it_is_set(registry: str) -> None:
    with running_service(registry, hsts_s=31_536_000) as service:
        for path in ("/health/live", "/docs"):
            sent = service.client.get(path).headers["Strict-Transport-Security"]
            assert sent == "max-age=31536000; includeSubDomains"


def test_pages_of_other_origins_are_refused_unless_listed(service: RunningService, registry: str) -> None:
    closed = service.client.options("/predict", headers=PREFLIGHT)
    assert closed.status_code == 405
    assert "GREYHOUND_CORS_ORIGINS" in closed.json()["detail"]
    assert "Access-Control-Allow-Origin" not in closed.headers
    with running_service(registry, cors_origins=(ORIGIN,), protect="everything") as open_to_one:
        preflight = open_to_one.client.options("/predict", headers=PREFLIGHT)
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
        refused = open_to_one.predict(make_card(), headers={"Origin": ORIGIN})
        assert refused.status_code == 401
        assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN  # the page may read why
        assert "Access-Control-Allow-Credentials" not in refused.headers
        other = open_to_one.client.options("/predict", headers=PREFLIGHT | {"Origin": "https://evil.example"})
        assert other.status_code == 400
        assert "Access-Control-Allow-Origin" not in other.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://races.example/",
        "races.example",
        "https://races.example/app",
        "HTTPS://Races.example",
        "",
        "null",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValueError, match="an origin is"):
        ServiceSettings(cors_origins=(origin,))


def test_the_page_of_the_api_tells_what_other_origins_may_do(service: RunningService) -> None:
    description = service.client.get("/openapi.json").json()["info"]["description"]
    assert "CORS" in description
    assert "GREYHOUND_CORS_ORIGINS" in description
    assert ServiceSettings(
        cors_origins=("*", ORIGIN, "http://localhost:3000", "capacitor://localhost")
    ).cors_origins


def test_a_client_that_makes_too_many_requests_gets_429_with_a_time_to_retry(registry: str) -> None:
    with running_service(registry, rate_per_s=0.05, rate_burst=5) as service:
        answers = [service.predict(make_card()) for _ in range(8)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
        assert answers[-1].headers["Content-Type"] == "application/problem+json"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
        assert answers[-1].json()["type"] == "urn:greyhound:problem:too-many"
        assert {service.client.get("/health/live").status_code for _ in range(20)} == {200}


def test_each_key_has_a_rate_of_its_own_and_a_made_up_one_has_none(tmp_path: Path, registry: str) -> None:
    settings = {"rate_per_s": 0.01, "rate_burst": 5}
    with service_with_keys(tmp_path, registry, settings, ada="read", bob="read") as (service, keys):

        def n_answered(headers: dict[str, str] | None) -> int:
            answers = [service.client.get("/model_status", headers=headers).status_code for _ in range(7)]
            return answers.count(200)

        assert n_answered(keys["ada"]) == 5
        assert n_answered(keys["bob"]) == 5
        assert n_answered(None) < 5  # this address has made requests until the keys were read
        assert n_answered({"X-API-Key": "gh_made_up"}) == 0


def test_a_proxy_is_trusted_only_if_it_is_set(registry: str) -> None:
    limited: dict[str, Any] = {"rate_per_s": 0.01, "rate_burst": 1}

    def statuses(client: httpx.Client) -> list[int]:
        sent = [f"203.0.113.{i}" for i in range(3)]
        return [client.get("/models", headers={"X-Forwarded-For": address}).status_code for address in sent]

    with running_service(registry, **limited) as service:
        assert statuses(service.client) == [200, 429, 429]
    with running_service(registry, **limited, trusted_proxies=("127.0.0.1",)) as service:
        assert statuses(service.client) == [200, 200, 200]
        assert service.client.get("/models", headers={"X-Forwarded-For": "203.0.113.0"}).status_code == 429


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::7", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("a:b:c" * 50, ("a:b:c" * 50)[:64]),
    ],
)
def test_a_client_is_its_address_or_its_network(host: str, client: str) -> None:
    assert client_of({"type": "http", "client": (host, 1)}) == client
    assert client_of({"type": "http", "client": None}) == "local"
