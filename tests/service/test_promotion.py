"""Promotions while the service runs: nothing fails, nothing mixes, and the new version answers soon."""

import time
from pathlib import Path

import pytest

from tests.service.builders import address, make_card, make_registry, open_registry, running_service
from tests.service.load import Load, send_webhook
from tests.service.process import service_process

SECRET = "correct horse battery staple"
N_MOVES = 25  # each way


@pytest.mark.parametrize(("way", "poll_s"), [("polling", 0.2), ("webhook", 60.0)])
def test_moves_of_the_alias_under_load_fail_no_request_mix_no_answer_and_show_soon(
    tmp_path: Path, way: str, poll_s: float
) -> None:
    uri = make_registry(tmp_path, exponents=(0.5, 2.0))
    move = open_registry(uri)._store.client.set_registered_model_alias
    waits = []
    settings = {"champion_poll_s": str(poll_s), "webhook_secret": SECRET}
    with service_process(uri, tmp_path, **settings) as service:
        with Load(service.url, make_card(8), n_clients=4, interval_s=0.1) as load:
            for i in range(N_MOVES):
                wanted = 2 - i % 2
                moved_at = time.perf_counter()
                move("greyhound-win", "champion", str(wanted))
                if way == "webhook":
                    moved_at = time.perf_counter()
                    assert send_webhook(service.client, SECRET).status_code == 202
                waits.append(load.first_of(wanted, moved_at) - moved_at)
        status = service.client.get("/model_status").json()

    assert {answer.status for answer in load.answers} == {200}
    shown = {(answer.version, answer.probabilities) for answer in load.answers}
    assert len(shown) == 2  # one answer a version, and none that is a bit of both
    assert {version for version, _ in shown} == {1, 2}
    # Far from the 60 s until it would look by itself; benchmarks/serving/promotions.py tells the figures.
    assert max(waits) < 30, f"{sorted(waits)} s"
    assert status["n_swaps"] == N_MOVES + 1
    assert status["last_swap"]["golden_difference"] > 0


def test_without_a_registry_it_is_live_then_ready_after_the_first_promotion(tmp_path: Path) -> None:
    with running_service(address(tmp_path)) as service:
        assert service.client.get("/health/live").status_code == 200
        for answer in (service.client.get("/health/ready"), service.predict(make_card())):
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:greyhound:problem:not-ready"
            assert "promote" in answer.json()["detail"]
        status = service.client.get("/model_status").json()
        assert status["success"] is False
        assert status["registry"]["error"]
        assert service.client.get("/models").status_code == 503
        make_registry(tmp_path)
        service.wait_until(lambda status: status["version"] == 1)
        assert service.client.get("/health/ready").json() == {"status": "ready", "version": 1}
        assert service.predict(make_card()).status_code == 200


def test_a_registry_without_a_champion_is_not_ready_until_there_is_one(tmp_path: Path) -> None:
    uri = make_registry(tmp_path, promote=None)
    with running_service(uri) as service:
        assert service.client.get("/health/ready").status_code == 503
        assert service.client.get("/model_status").json()["registry"]["error"] is None
        open_registry(uri).promote(1, reason="it is good", by="test")
        assert service.wait_until(lambda status: status["champion_since"])["success"]
