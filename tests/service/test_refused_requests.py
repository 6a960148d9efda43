"""Bad input: each gets a problem that names the place and the rule, and never repeats what was sent."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from service.settings import ServiceSettings
from tests.service.builders import RunningService, make_card, make_past_run, make_runner

MEDIA_TYPE = "application/problem+json"


def changed_runner(**changes: Any) -> dict[str, Any]:
    card = make_card()
    card["runners"][2] |= changes
    return card


def changed_run(**changes: Any) -> dict[str, Any]:
    return changed_runner(form=[make_past_run(**changes)])


BAD_CARDS = {
    "one runner": (make_card(1), "#/runners"),
    "fifty runners": (make_card(runners=[make_runner(1 + i % 10) for i in range(50)]), "#/runners"),
    "two runners in a box": (changed_runner(box=1), "#/runners/2/box"),
    "a dog twice": (changed_runner(name="Dog B"), "#/runners/2/name"),
    "a name without letters": (changed_runner(name="!!"), "#/runners/2/name"),
    "an unknown distance": (make_card(distance_m=7), "#/distance_m"),
    "no distance": ({k: v for k, v in make_card().items() if k != "distance_m"}, "#/distance_m"),
    "a malformed date": (make_card(date="14/03/2026"), "#/date"),
    "a date as a number": (make_card(date=20260314), "#/date"),
    "a day that is none": (make_card(date="2026-02-30"), "#/date"),
    "a date years ahead": (make_card(date="2099-01-01"), "#/date"),
    "a negative weight": (changed_runner(weight_kg=-31.0), "#/runners/2/weight_kg"),
    "a weight as text": (changed_runner(weight_kg="31.0"), "#/runners/2/weight_kg"),
    "a box as text": (changed_runner(box="3"), "#/runners/2/box"),
    "a box of one and a half": (changed_runner(box=1.5), "#/runners/2/box"),
    "a box that is true": (changed_runner(box=True), "#/runners/2/box"),
    "an unknown field": (changed_runner(colour="red"), "#/runners/2/colour"),
    "a price below one": (changed_runner(price=0.5), "#/runners/2/price"),
    "an early speed above one": (changed_runner(early_speed=1.5), "#/runners/2/early_speed"),
    "a past early speed below none": (changed_run(early_speed=-0.1), "#/runners/2/form/0/early_speed"),
    "a past place price below one": (changed_run(place_bsp=0.5), "#/runners/2/form/0/place_bsp"),
    "a past rated price of 0": (changed_run(rated_price=0), "#/runners/2/form/0/rated_price"),
    "a NaN weight": (changed_runner(weight_kg=float("nan")), "#/runners/2/weight_kg"),
    "an infinite time": (changed_run(time_s=float("inf")), "#/runners/2/form/0/time_s"),
    "a time of 0": (changed_run(time_s=0), "#/runners/2/form/0/time_s"),
    "runners that are a number": (make_card(runners=5), "#/runners"),
    "a list": ([], "#"),
    "null": (None, "#"),
    "a name of 10,000 letters": (changed_runner(name="A" * 10_000), "#/runners/2/name"),
    "a huge integer": (make_card(distance_m=10**400), "#/distance_m"),
}


@pytest.mark.parametrize("name", BAD_CARDS)
def test_a_bad_card_is_refused_with_the_place_and_the_rule(service: RunningService, name: str) -> None:
    card, pointer = BAD_CARDS[name]
    answer = service.client.post(
        "/predict", content=json.dumps(card), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert len(answer.content) < 20_000


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"date": ', b"\xff\xfe\x00", b'{"track": "\xc3\x28"}', b"[" * 50_000, b"\x00" * 9]
)
def test_what_is_not_json_is_a_400(service: RunningService, body: bytes) -> None:
    answer = service.client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, MEDIA_TYPE)


def test_the_input_is_never_repeated(service: RunningService) -> None:
    answer = service.predict(changed_runner(weight_kg="<script>secret</script>", form="<script>secret"))
    assert answer.status_code == 422
    assert "secret" not in answer.text


def test_ten_megabytes_are_refused_and_the_next_request_is_answered(service: RunningService) -> None:
    answer = service.predict(make_card(track="A" * 10_000_000))
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, MEDIA_TYPE)
    assert service.predict(make_card()).status_code == 200


def test_a_long_body_that_does_not_say_its_length_is_refused_too(service: RunningService) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    answer = service.client.post("/predict", content=chunks(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, MEDIA_TYPE)
    assert service.predict(make_card()).status_code == 200


def test_a_body_of_exactly_the_limit_is_read(service: RunningService) -> None:
    limit = ServiceSettings().max_body_bytes
    for n_bytes, status in ((limit, 200), (limit + 1, 413)):
        body = json.dumps(make_card()).encode().ljust(n_bytes)
        answer = service.client.post("/predict", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status


def test_another_media_type_is_a_415(service: RunningService) -> None:
    answer = service.client.post("/predict", data={"track": "Sandown Park"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (415, MEDIA_TYPE)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/predict", 405), ("GET", "/nothing", 404)])
def test_a_wrong_address_or_method_is_a_problem(
    service: RunningService, method: str, path: str, status: int
) -> None:
    answer = service.client.request(method, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, MEDIA_TYPE)
    assert answer.json()["status"] == status
    if status == 405:
        assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("version", ["99", "0", "-1", "seven", "1.0", "٣", "9" * 40, "%00", "1e3"])
def test_a_version_that_is_not_there_is_a_404(service: RunningService, version: str) -> None:
    answer = service.client.get(f"/models/{version}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, MEDIA_TYPE)
    assert answer.json()["type"] == "urn:greyhound:problem:no-such-version"


@pytest.mark.parametrize(
    "raw",
    [
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_malformed_http_hurts_no_one_else(service: RunningService, raw: bytes) -> None:
    parts = urlsplit(service.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as sock:
        sock.sendall(raw)
        answer = sock.recv(200)
    assert b" 5" not in answer[:12]
    assert httpx.get(f"{service.url}/health/live").status_code == 200
