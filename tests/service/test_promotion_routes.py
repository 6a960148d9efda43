"""``POST /models/{version}/promote`` and ``/rollback``: recorded under the key's name, and served at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.builders import RunningService, make_card, make_registry, open_registry
from tests.service.keys import service_with_keys

SLOW = {"champion_poll_s": 60.0}  # so that nothing but the request itself brings the promotion in


@pytest.fixture
def promotable(tmp_path: Path) -> Iterator[tuple[RunningService, dict[str, str], str]]:
    """A service that looks at the registry once a minute, a key that promotes, and the registry."""
    uri = make_registry(tmp_path, exponents=(0.5, 2.0))
    with service_with_keys(tmp_path, uri, SLOW, **{"release pipeline": "promote"}) as (service, keys):
        yield service, keys["release pipeline"], uri


def post(service: RunningService, path: str, key: dict[str, str], body: Any) -> httpx.Response:
    return service.client.post(path, json=body, headers=key)


def test_a_promotion_is_recorded_and_served_before_it_is_answered(
    promotable: tuple[RunningService, dict[str, str], str],
) -> None:
    service, key, uri = promotable
    assert service.predict(make_card()).json()["model_version"] == 1
    answer = post(service, "/models/2/promote", key, {"reason": " better on July "})
    assert answer.status_code == 200, answer.text
    record = answer.json()
    at = record.pop("at")
    assert record == {
        "number": 2,
        "action": "promote",
        "version": 2,
        "previous": 1,
        "reason": "better on July",
        "by": "release pipeline",
        "forced": False,
        "is_carried_out": True,
        "is_on_probation": False,
        "serving_version": 2,
    }
    assert service.predict(make_card()).json()["model_version"] == 2
    record = open_registry(uri).history()[-1]
    assert (record.by, record.reason, record.at.isoformat()) == (
        "release pipeline",
        "better on July",
        at.replace("Z", "+00:00"),
    )

    back = post(service, "/rollback", key, {"reason": "prices were late"}).json()
    assert (back["action"], back["version"], back["serving_version"]) == ("rollback", 1, 1)
    assert service.predict(make_card()).json()["model_version"] == 1
    again = post(service, "/rollback", key, {"reason": "once more"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:greyhound:problem:promotion-refused")


def test_a_version_that_failed_its_gates_takes_force(
    promotable: tuple[RunningService, dict[str, str], str],
) -> None:
    service, key, uri = promotable
    open_registry(uri).record_gates(2, ["ece must be at most 0.015, got 0.2"])
    refused = post(service, "/models/2/promote", key, {"reason": "a try"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:greyhound:problem:gates-not-passed")
    assert "got 0.2" in refused.json()["detail"]
    assert service.client.get("/model_status").json()["version"] == 1
    forced = post(service, "/models/2/promote", key, {"reason": "a try", "force": True}).json()
    assert (forced["forced"], forced["serving_version"]) == (True, 2)


def test_a_promotion_on_probation_says_so_on_record(
    promotable: tuple[RunningService, dict[str, str], str],
) -> None:
    service, key, uri = promotable
    answer = post(service, "/models/2/promote", key, {"reason": "a try", "probation": True}).json()
    assert answer["is_on_probation"] is True
    probation = open_registry(uri).history()[-1].probation
    assert probation is not None
    assert (probation.action, probation.probation_races) == ("roll-back", 1000)
    listed = service.client.get("/promotions").json()["promotions"]
    assert [record["is_on_probation"] for record in listed] == [True, False]


@pytest.fixture(scope="module")
def unchanged(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunningService, dict[str, str], str]]:
    """A service for all requests that are to change nothing, a key that promotes, and the registry."""
    folder = tmp_path_factory.mktemp("unchanged")
    uri = make_registry(folder, exponents=(0.5, 2.0))
    with service_with_keys(folder, uri, SLOW, ada="promote") as (service, keys):
        yield service, keys["ada"], uri


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/models/1/promote", {"reason": "x"}, 409, "is the champion already"),
        ("/models/9/promote", {"reason": "x"}, 404, "no version 9"),
        ("/models/two/promote", {"reason": "x"}, 404, "whole number"),
        ("/models/2/promote", {}, 422, "#/reason"),
        ("/models/2/promote", {"reason": "   "}, 422, "#/reason"),
        ("/models/2/promote", {"reason": "x" * 2001}, 422, "#/reason"),
        ("/models/2/promote", {"reason": "x", "force": "yes"}, 422, "#/force"),
        ("/models/2/promote", {"reason": "x", "by": "root"}, 422, "#/by"),
        ("/rollback", {"reason": "x", "force": True}, 422, "#/force"),
        ("/rollback", [], 422, "#"),
    ],
)
def test_what_breaks_a_rule_changes_nothing(
    unchanged: tuple[RunningService, dict[str, str], str], path: str, body: Any, status: int, message: str
) -> None:
    service, key, uri = unchanged
    answer = post(service, path, key, body)
    assert answer.status_code == status, answer.text
    assert message in answer.text
    assert len(open_registry(uri).history()) == 1


def test_a_broken_version_is_not_promoted_and_the_old_one_serves_on(
    promotable: tuple[RunningService, dict[str, str], str],
) -> None:
    service, key, uri = promotable
    graph = next(open_registry(uri).fetch(2).glob("members/*.onnx"))
    graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")
    answer = post(service, "/models/2/promote", key, {"reason": "a try"})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:greyhound:problem:artifact-broken")
    assert service.predict(make_card()).json()["model_version"] == 1
    assert len(open_registry(uri).history()) == 1


def test_a_registry_that_is_away_is_a_503(promotable: tuple[RunningService, dict[str, str], str]) -> None:
    service, key, uri = promotable
    Path(uri.removeprefix("sqlite:///")).unlink()
    for path in ("/models/2/promote", "/rollback"):
        answer = post(service, path, key, {"reason": "a try"})
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:greyhound:problem:registry-unavailable",
        )
    assert service.predict(make_card()).status_code == 200
