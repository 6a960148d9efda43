"""Many cards in one request: each is answered or refused on its own, in order, by one version."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from racing.domain.names import name_key
from tests.greyhound.test_predict_command import form_guide
from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    make_runner,
    point_alias_at,
    running_service,
)
from tests.service.observability.samples import samples, value

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
EVERY_BET = {"bets": "exacta,quinella,trifecta,first_four", "top": 200}


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that takes little at once."""
    registry = make_registry(tmp_path_factory.mktemp("registry"))
    with running_service(registry, max_batch_cards=3, max_batch_bytes=20_000, max_body_bytes=2048) as service:
        yield service


def send(service: RunningService, cards: Any, **options: Any) -> list[dict[str, Any]]:
    answer = service.client.post("/predict/batch", json=cards, **options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def of_runners(answer: dict[str, Any]) -> list[dict[str, Any]]:
    runners: list[dict[str, Any]] = answer["runners"]
    return runners


def test_an_array_and_lines_are_answered_as_single_cards_are(service: RunningService) -> None:
    cards = [make_card(n) for n in (6, 2, 8)]
    alone = [of_runners(service.predict(card).json()) for card in cards]
    assert [of_runners(answer) for answer in send(service, cards)] == alone
    lines = "\n".join(json.dumps(card) for card in cards) + "\n\n"
    answer = service.client.post("/predict/batch", content=lines, headers=NDJSON | {"X-Request-ID": "day-1"})
    answers = [json.loads(line) for line in answer.text.splitlines()]
    assert [of_runners(one) for one in answers] == alone
    assert [one["request_id"] for one in answers] == ["day-1.0", "day-1.1", "day-1.2"]


def test_a_card_that_is_refused_stops_no_other(service: RunningService) -> None:
    twice = make_card(3)
    twice["runners"][1]["box"] = 1
    good, bad, worse, last = send(service, [make_card(3), twice, {"date": "soon"}, make_card(4)])
    assert len(of_runners(good)) == 3
    assert bad["type"] == "urn:greyhound:problem:card-refused"
    assert bad["errors"][0]["pointer"] == "#/runners/0/box"
    assert worse["type"] == "urn:greyhound:problem:invalid-request"
    assert len(of_runners(last)) == 4


def test_no_cards_are_no_answers(service: RunningService) -> None:
    assert send(service, []) == []


@pytest.mark.parametrize(
    ("content", "kind", "status", "detail"),
    [
        ("{", "application/json", 400, "array"),
        ("{}", "application/json", 400, "array"),
        ("[]", "text/plain", 415, "application/x-ndjson"),
        ("nothing", "text/csv", 422, "file-refused"),
    ],
)
def test_what_is_no_batch_is_refused_whole(
    service: RunningService, content: str, kind: str, status: int, detail: str
) -> None:
    answer = service.client.post("/predict/batch", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert detail in answer.text
    assert "form-guide-" not in answer.text


def test_too_many_cards_and_too_long_a_body_are_refused_with_the_limit(little: RunningService) -> None:
    assert len(send(little, [make_card(2)] * 3)) == 3
    detail = "a batch has at most 3 cards; this one has more"
    for content, headers in (
        (json.dumps([make_card(2)] * 4), {}),
        ("[1, 2, 3, 4, and what follows is not looked at", {}),
        ("1\n2\n \n3\n4", NDJSON),
    ):
        many = little.client.post("/predict/batch", content=content, headers=JSON | headers)
        assert (many.status_code, many.json()["detail"]) == (413, detail)
    long = little.client.post("/predict/batch", json=[make_card(8, track="A" * 20_000)])
    assert (long.status_code, long.json()["type"]) == (413, "urn:greyhound:problem:body-too-large")


def test_a_long_body_may_take_its_time_if_it_keeps_arriving(tmp_path: Path) -> None:
    body = json.dumps([make_card(8)] * 6).encode()
    with running_service(make_registry(tmp_path), body_timeout_s=2, max_body_bytes=1024) as service:

        def sent(parts: Iterator[bytes]) -> httpx.Response:
            return service.client.post("/predict/batch", content=parts, headers=JSON)

        def steadily() -> Iterator[bytes]:
            for start in range(0, len(body), len(body) // 12):
                time.sleep(0.25)
                yield body[start : start + len(body) // 12]

        def with_a_rest() -> Iterator[bytes]:
            yield body[:-1]
            time.sleep(4)
            yield body[-1:]

        assert sent(steadily()).status_code == 200
        slow = sent(with_a_rest())
        assert (slow.status_code, slow.json()["type"]) == (408, "urn:greyhound:problem:body-too-slow")
        assert "512 bytes a second, and never pause for 2 s" in slow.json()["detail"]


def test_the_phases_of_its_cards_are_counted(service: RunningService) -> None:
    def n_counted() -> float:
        return value(samples(service.url), "greyhound_predict_phase_seconds_count", phase="model")

    before = n_counted()
    send(service, [make_card(3)] * 4)
    assert n_counted() == before + 4


def test_a_form_guide_is_a_card(service: RunningService, tmp_path: Path) -> None:
    guide = form_guide(tmp_path, "Race 6 - SAN - 14 March 2026.csv")
    answer = service.client.post(
        "/predict/batch",
        content=guide.read_bytes(),
        params={"name": f"../../{guide.name}"},
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 200, answer.text
    runners = of_runners(json.loads(answer.text))
    assert len(runners) == 10
    assert all(name_key(runner["name"]) for runner in runners)


def test_all_answers_of_a_batch_come_from_one_version_while_the_alias_moves(tmp_path: Path) -> None:
    uri = make_registry(tmp_path, exponents=(0.5, 2.0))
    with (
        running_service(uri, champion_poll_s=0.02) as service,
        httpx.stream(
            "POST", f"{service.url}/predict/batch", json=[make_card(8)] * 2000, timeout=60
        ) as answer,
    ):
        lines = answer.iter_lines()
        first = json.loads(next(lines))  # while the others are still to come
        point_alias_at(uri, 2)
        service.wait_until(lambda status: status["version"] == 2)
        versions = [first["model_version"], *(json.loads(line)["model_version"] for line in lines)]
    assert versions == [1] * 2000


def test_a_card_that_is_too_long_or_no_json_is_refused_alone(little: RunningService) -> None:
    body = b"[" + json.dumps(make_card(2)).encode() + b', {"a": }, ' + b" " * 3000 + b"{}]"
    lines = little.client.post("/predict/batch", content=body, headers=JSON).text.splitlines()
    good, broken, long = map(json.loads, lines)
    assert len(of_runners(good)) == 2
    assert (broken["status"], broken["type"]) == (400, "urn:greyhound:problem:body-unreadable")
    assert (long["status"], long["type"]) == (413, "urn:greyhound:problem:body-too-large")
    assert long["detail"] == "a card has at most 2048 bytes, got 3003"


def test_a_form_guide_in_a_batch_has_the_limit_of_a_card(little: RunningService) -> None:
    answer = little.client.post("/predict/batch", content=b"a" * 3000, headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:greyhound:problem:body-too-large")


@pytest.mark.parametrize("params", [EVERY_BET, {"bets": "exacta"}])
def test_a_card_has_the_bets_in_a_batch_that_it_has_alone_to_the_last_bit(
    service: RunningService, params: dict[str, Any]
) -> None:
    scratched = make_card(8)
    scratched["runners"][2]["is_scratched"] = True
    scratched["runners"].append(make_runner(3, rug=9, name="Ninth Dog"))
    cards = [make_card(7), scratched, make_card(3), make_card(2)]
    body = "\n".join(map(json.dumps, cards))
    answer = service.client.post(
        "/predict/batch", content=body, headers=NDJSON | {"X-Request-ID": "day-2"}, params=params
    )
    alone = [
        service.predict(card, params=params, headers={"X-Request-ID": f"day-2.{number}"}).text
        for number, card in enumerate(cards)
    ]
    assert answer.text.splitlines() == alone
    (exacta, *_) = json.loads(alone[1])["bets"]
    assert 3 not in {rug for one in exacta["combinations"] for rug in one["rugs"]}


def test_a_batch_without_bets_has_none_and_a_card_that_is_refused_stops_no_bet(
    service: RunningService,
) -> None:
    assert all("bets" not in answer for answer in send(service, [make_card(3), make_card(4)]))
    bad, good = send(service, [{"date": "soon"}, make_card(4)], params={"bets": "quinella"})
    assert bad["type"] == "urn:greyhound:problem:invalid-request"
    assert good["bets"][0]["n_combinations"] == 6


def test_a_bet_that_is_none_refuses_the_batch_before_a_card_is_answered(service: RunningService) -> None:
    for params, pointer in (({"bets": "duet"}, "?bets"), ({"bets": "exacta", "top": 201}, "?top")):
        answer = service.client.post("/predict/batch", json=[make_card(2)], params=params)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_single_cards_are_answered_while_a_batch_with_every_bet_runs(service: RunningService) -> None:
    n_cards = 400
    lines, is_begun = [], threading.Event()

    def read() -> None:
        with httpx.stream(
            "POST",
            f"{service.url}/predict/batch",
            json=[make_card(8)] * n_cards,
            params=EVERY_BET,
            timeout=60,
        ) as answer:
            for line in answer.iter_lines():
                lines.append(line)
                is_begun.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert is_begun.wait(60)
    for _ in range(5):
        assert service.predict(make_card(8)).status_code == 200
    n_meanwhile = len(lines)
    reader.join(60)
    assert n_meanwhile < len(lines) == n_cards
