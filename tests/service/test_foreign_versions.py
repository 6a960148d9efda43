"""A champion that another program registered: what the service, its status and its readiness say of it."""

from pathlib import Path
from typing import Any

import pytest

from tests.service.builders import (
    address,
    empty_registry,
    make_card,
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
)
from tests.service.foreign import make_foreign_champion


@pytest.mark.parametrize("kind", ["sklearn", "pyfunc"])
def test_it_is_refused_as_foreign_and_readiness_and_status_say_what_to_do(tmp_path: Path, kind: str) -> None:
    empty_registry(tmp_path)
    uri = address(tmp_path)
    version = make_foreign_champion(uri, kind)
    with running_service(uri) as service:
        status = service.wait_until(lambda status: status["refusals"])
        refusal = status["refusals"][0]
        assert (refusal["version"], refusal["why"], refusal["is_final"]) == (version, "foreign", True)
        assert "is not a model of this product: it has no artifact document" in refusal["reason"]
        assert "corrupt" not in refusal["reason"]
        assert status["why_none"]["reason"] == "champion-refused"
        for answer in (service.client.get("/health/ready"), service.predict(make_card())):
            problem = answer.json()
            assert (answer.status_code, problem["type"]) == (503, "urn:greyhound:problem:not-ready")
            assert problem["reason"] == "champion-refused"
            assert (
                f"version {version}, was refused because it is not a model of this product"
                in problem["detail"]
            )
            assert "promote another version or roll back" in problem["detail"]
        shown = service.client.get(f"/models/{version}/evidence")
        assert (shown.status_code, shown.json()["type"]) == (404, "urn:greyhound:problem:foreign-model")


def test_it_leaves_the_version_before_serving_and_the_status_says_so(tmp_path: Path) -> None:
    uri = make_registry(tmp_path)
    with running_service(uri) as service:
        version = make_foreign_champion(uri, "pyfunc")
        status = service.wait_until(lambda status: status["champion_refused"])
        assert (status["version"], status["registry"]["champion_version"]) == (1, version)
        assert status["why_none"] is None
        assert "not a model of this product" in status["champion_refused"]
        assert service.client.get("/health/ready").json() == {"status": "ready", "version": 1}
        point_alias_at(uri, 1)
        service.wait_until(lambda status: status["champion_refused"] is None)


def ready(service: Any) -> dict[str, Any]:
    answer: dict[str, Any] = service.client.get("/health/ready").json()
    return answer


def test_each_reason_for_not_being_ready_has_a_code_and_says_what_to_do(tmp_path: Path) -> None:
    uri = make_registry(tmp_path, promote=None)
    with running_service(uri) as service:
        service.wait_until(lambda status: status["registry"]["last_contact"])
        answer = ready(service)
        assert (answer["reason"], "promote a version" in answer["detail"]) == ("no-champion", True)
        store = tmp_path / "mlflow.db"
        store.rename(tmp_path / "away.db")
        service.wait_until(lambda status: status["registry"]["error"])
        answer = ready(service)
        assert (answer["reason"], "the registry cannot be read" in answer["detail"]) == (
            "registry-unavailable",
            True,
        )
        assert answer["type"] == "urn:greyhound:problem:not-ready"
        (tmp_path / "away.db").rename(store)
        (open_registry(uri).fetch(1) / "members/member_0.onnx").unlink()
        point_alias_at(uri, 1)
        service.wait_until(lambda status: status["refusals"])
        answer = ready(service)
        assert (answer["reason"], "a file is missing" in answer["detail"]) == ("champion-refused", True)


def test_a_client_without_a_key_gets_the_reason_but_no_path_of_the_machine(tmp_path: Path) -> None:
    uri = make_registry(tmp_path)
    (open_registry(uri).fetch(1) / "members/member_0.onnx").unlink()
    with running_service(uri, protect="everything") as service:
        answer = ready(service)
        assert answer["reason"] == "champion-refused"
        assert str(tmp_path) not in str(answer)
        assert "/model_status has more" in answer["detail"]
