"""HEAD and OPTIONS: as GET but for the body, on every address, counted and limited alike."""

from pathlib import Path

import httpx
import pytest

from service.app import create_app
from service.settings import ServiceSettings
from tests.service.builders import RunningService, make_card, make_registry, running_service
from tests.service.keys import service_with_keys

CHANGING = {"date", "x-request-id", "content-length"}  # an uptime may have a digit more a moment later
OPERATIONS = create_app(ServiceSettings(database=None)).openapi()["paths"]
PAGES = ("/", "/docs", "/redoc", "/openapi.json", "/docs/assets/0/icon.svg", "/nothing")
ENDLESS = "/events"
READ = sorted({*(path for path, methods in OPERATIONS.items() if "get" in methods), *PAGES} - {ENDLESS})


def headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGING}


@pytest.mark.parametrize("path", READ)
def test_head_has_the_status_and_headers_of_get_and_no_body(service: RunningService, path: str) -> None:
    path = path.replace("{version}", "1").replace("{race_id}", "1")
    get, head = service.client.get(path), service.client.head(path)
    assert (head.status_code, headers(head)) == (get.status_code, headers(get))
    assert head.content == b""
    assert abs(int(head.headers["Content-Length"]) - len(get.content)) < (2000 if path == "/metrics" else 10)
    again = service.client.get("/health/live")  # on the same connection: no byte of a body was left there
    assert again.json() == {"status": "live"}


def test_head_of_what_has_no_end_has_the_status_and_type_of_get_and_no_body(service: RunningService) -> None:
    head = service.client.head(ENDLESS)
    with service.client.stream("GET", ENDLESS) as get:
        assert (head.status_code, head.headers["Content-Type"]) == (
            get.status_code,
            get.headers["Content-Type"],
        )
    assert head.content == b""
    assert service.client.get("/health/live").json() == {"status": "live"}


def test_the_document_has_each_operation_once() -> None:
    assert {method for methods in OPERATIONS.values() for method in methods} == {"get", "post"}


def test_what_cannot_be_read_takes_no_head(service: RunningService) -> None:
    head = service.client.head("/predict")
    assert (head.status_code, head.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", sorted(OPERATIONS))
def test_every_address_says_which_methods_it_takes(service: RunningService, path: str) -> None:
    path, methods = path.replace("{version}", "1").replace("{race_id}", "1"), OPERATIONS[path]
    allowed = ", ".join(["GET, HEAD"] * ("get" in methods) + ["POST"] * ("post" in methods))
    options, refused = service.client.options(path), service.client.request("BREW", path)
    assert (options.status_code, options.headers["Allow"], options.content) == (204, allowed, b"")
    assert refused.status_code == 400, "no method of HTTP"
    refused = service.client.delete(path)
    assert (refused.status_code, refused.headers["Allow"]) == (405, allowed)
    assert refused.json()["detail"] == f"this address takes {allowed}, not DELETE"


def test_an_address_that_is_none_has_no_methods(service: RunningService) -> None:
    answer = service.client.options("/nothing")
    assert answer.status_code == 404
    assert "Allow" not in answer.headers


def test_head_is_counted_under_its_route(tmp_path: Path) -> None:
    with running_service(make_registry(tmp_path)) as service:
        service.client.head("/models/1")
        assert (
            'requests_total{route="/models/{version}",status="200"} 1.0'
            in service.client.get("/metrics").text
        )


def test_head_counts_towards_the_rate_of_a_client(tmp_path: Path) -> None:
    with running_service(make_registry(tmp_path), rate_per_s=0.01, rate_burst=3) as service:
        assert [service.client.head("/models").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert service.client.head("/health/ready").status_code == 200


def test_head_and_options_take_a_key_where_everything_does(tmp_path: Path) -> None:
    uri, settings = make_registry(tmp_path), {"protect": "everything"}
    with service_with_keys(tmp_path, uri, settings, ada="read", bob="predict") as (service, keys):
        client = service.client
        assert [
            client.head("/models", headers=key).status_code for key in ({}, keys["ada"], keys["bob"])
        ] == [
            401,
            200,
            403,
        ]
        assert client.options("/models").status_code == 401
        assert client.head("/health/live/").status_code == 200
        assert client.head("/metrics/").status_code == 401, "a slash is no way around the key"
        assert client.post("/predict/", json=make_card(), headers=keys["ada"]).status_code == 403
