"""MLflow's signed webhook: sent by a real tracking server, and refused where it is not the registry's."""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow.webhooks.delivery import _generate_hmac_signature
from pydantic import SecretStr, ValidationError

from greyhound.cli import main
from service.serving.webhook_verifier import MAX_REMEMBERED, WebhookVerifier, sign
from service.settings import ServiceSettings
from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
    win_probabilities,
)
from tests.service.tracking import tracking_server

SECRET = "correct horse battery staple"
NEVER = 60  # seconds between two polls: a swap before that comes from a webhook
BODY = b'{"entity": "model_version_alias", "action": "created", "data": {"version": "99"}}'


def delivery(
    secret: str = SECRET, *, seconds_ago: int = 0, body: bytes = BODY, **changes: str
) -> dict[str, Any]:
    """The headers and body of a delivery signed as MLflow signs it."""
    identity, sent_at = str(uuid.uuid4()), str(int(time.time()) - seconds_ago)
    signature = _generate_hmac_signature(secret, identity, sent_at, body.decode())
    headers = {"X-MLflow-Signature": signature, "X-MLflow-Delivery-Id": identity}
    headers |= {"X-MLflow-Timestamp": sent_at, "Content-Type": "application/json"}
    return {"headers": headers | changes, "content": body}


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"), exponents=(0.5, 2.0))


@pytest.fixture(scope="module")
def notified(uri: str) -> Iterator[RunningService]:
    """A service that polls only when a webhook wakes it."""
    with running_service(uri, champion_poll_s=NEVER, webhook_secret=SECRET) as service:
        yield service


def test_a_tracking_server_tells_of_a_promotion_and_the_service_follows_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # artifacts that a server sends are cached below
    monkeypatch.setenv("GREYHOUND_WEBHOOK_SECRET", SECRET)
    with (
        tracking_server(tmp_path / "server") as server,
        running_service(server.url, champion_poll_s=NEVER, webhook_secret=SECRET) as service,
    ):
        before = win_probabilities(service.predict(make_card()))
        webhook = [f"{service.url}/webhooks/mlflow", "--registry", server.url]
        added = CliRunner().invoke(main, ["models", "webhook", "add", *webhook])
        assert added.exit_code == 0, added.output
        assert "took a try" in added.output
        assert SECRET not in added.output
        again = CliRunner().invoke(main, ["models", "webhook", "add", *webhook, "--json"])
        assert json.loads(again.output)["failure"] is None
        listed = CliRunner().invoke(main, ["models", "webhook", "list", "--registry", server.url])
        assert listed.output.split() == [json.loads(again.output)["id"], webhook[0]]
        server.registry.promote(2, reason="it is better")
        status = service.wait_until(lambda status: status["version"] == 2, seconds=NEVER / 2)
        assert (win_probabilities(service.predict(make_card())) != before).any()
        assert status["registry"]["error"] is None
        server.registry.rollback(reason="it was not")
        service.wait_until(lambda status: status["version"] == 1, seconds=NEVER / 2)
        listed = CliRunner().invoke(main, ["models", "webhook", "list", "--registry", server.url])
        assert service.url in listed.output
        removed = listed.output.split()[0]
        CliRunner().invoke(main, ["models", "webhook", "remove", removed, "--registry", server.url])
        listed = CliRunner().invoke(main, ["models", "webhook", "list", "--registry", server.url])
        assert listed.output == ""


def test_a_database_sends_no_webhooks_and_the_command_says_so(uri: str) -> None:
    arguments = ["https://service.example/webhooks/mlflow", "--registry", uri]
    added = CliRunner().invoke(main, ["models", "webhook", "add", *arguments, "--secret", SECRET])
    assert added.exit_code == 4
    assert "tracking server" in added.stderr


def test_a_signed_delivery_makes_it_look_and_what_it_says_of_versions_is_not_believed(
    uri: str, notified: RunningService
) -> None:
    point_alias_at(uri, 2)
    assert notified.client.post("/webhooks/mlflow", **delivery()).json() == {"is_taken": True}
    notified.wait_until(lambda status: status["version"] == 2, seconds=NEVER / 2)
    assert open_registry(uri).champion_version_number() == 2


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        (delivery("another secret than ours"), "must sign"),
        (delivery() | {"content": BODY.replace(b"99", b"98")}, "must sign"),
        (delivery(**{"X-MLflow-Timestamp": "1"}), "must sign"),
        (delivery(**{"X-MLflow-Delivery-Id": "another"}), "must sign"),
        (delivery(**{"X-MLflow-Signature": ""}), "must sign"),
        (delivery(**{"X-MLflow-Signature": "v1,\u00ff\u00ff".encode("latin-1")}), "must sign"),  # type: ignore[arg-type]
        ({"content": BODY}, "must sign"),
        (delivery(seconds_ago=301), "within 300 s"),
        (delivery(seconds_ago=-1_000_000), "within 300 s"),
    ],
)
def test_a_delivery_that_is_not_the_registrys_is_refused_and_changes_nothing(
    notified: RunningService, sent: dict[str, Any], rule: str
) -> None:
    def it_looked() -> bool:
        before = notified.client.get("/model_status").json()["registry"]["last_look"]
        answer = notified.client.post("/webhooks/mlflow", **sent)
        assert answer.status_code == 401
        assert answer.json()["type"] == "urn:greyhound:problem:webhook-forged"
        assert rule in answer.json()["detail"]
        assert SECRET not in answer.text
        time.sleep(0.1)
        return bool(notified.client.get("/model_status").json()["registry"]["last_look"] != before)

    assert not (it_looked() and it_looked())  # once may be the look that it takes every minute


@pytest.mark.parametrize(("identity", "sent_at"), [("", None), ("x" * 201, None), ("x", "soon"), ("x", "-1")])
def test_a_rightly_signed_delivery_needs_an_id_and_a_time(
    notified: RunningService, identity: str, sent_at: str | None
) -> None:
    at = sent_at or str(int(time.time()))
    headers = {"X-MLflow-Delivery-Id": identity, "X-MLflow-Timestamp": at}
    headers["X-MLflow-Signature"] = sign(SECRET.encode(), identity, at, BODY)
    answer = notified.client.post("/webhooks/mlflow", content=BODY, headers=headers)
    assert answer.status_code == 401


def test_a_delivery_is_taken_once(notified: RunningService) -> None:
    sent = delivery()
    assert notified.client.post("/webhooks/mlflow", **sent).status_code == 202
    again = notified.client.post("/webhooks/mlflow", **sent)
    assert (again.status_code, again.json()["type"]) == (409, "urn:greyhound:problem:webhook-replayed")


def test_a_body_that_is_too_long_is_turned_away(notified: RunningService) -> None:
    assert notified.client.post("/webhooks/mlflow", **delivery(body=b"x" * 300_000)).status_code == 413


def test_without_a_secret_no_delivery_is_taken(service: RunningService) -> None:
    answer = service.client.post("/webhooks/mlflow", **delivery())
    assert answer.status_code == 403
    assert "GREYHOUND_WEBHOOK_SECRET" in answer.json()["detail"]


def test_a_short_secret_is_no_secret() -> None:
    with pytest.raises(ValidationError, match="at least 16"):
        ServiceSettings(webhook_secret="fifteen letters")
    assert "horse" not in repr(ServiceSettings(webhook_secret=SECRET))


def test_what_it_remembers_of_deliveries_is_bounded() -> None:
    deliveries = WebhookVerifier(SecretStr(SECRET))
    at = str(int(time.time()))
    for i in range(MAX_REMEMBERED + 100):
        signature = sign(SECRET.encode(), str(i), at, b"")
        deliveries.take(signature=signature, delivery=str(i), sent_at=at, body=b"")
    assert len(deliveries._taken) == MAX_REMEMBERED
