"""Promotions while the service runs: nothing fails, nothing mixes, nothing broken gets in."""

import threading
from pathlib import Path

import httpx
import numpy as np

from tests.service.builders import (
    address,
    make_card,
    make_model,
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
    win_probabilities,
)

N_CLIENTS, N_MOVES = 8, 30


def test_thirty_moves_of_the_alias_under_load_fail_no_request_and_mix_no_answer(tmp_path: Path) -> None:
    uri = make_registry(tmp_path, exponents=(0.5, 2.0))
    card, answers, stop = make_card(8), [], threading.Event()

    with running_service(uri, champion_poll_s=0.02) as service:

        def ask() -> None:
            with httpx.Client(base_url=service.url, timeout=20) as client:
                while not stop.wait(0.05):  # a load, not a race for the processor that service and test share
                    answers.append(client.post("/predict", json=card))

        clients = [threading.Thread(target=ask) for _ in range(N_CLIENTS)]
        for client in clients:
            client.start()
        for move in range(N_MOVES):
            wanted = 2 - move % 2
            point_alias_at(uri, wanted)
            service.wait_until(lambda status, wanted=wanted: status["version"] == wanted, seconds=5)
        stop.set()
        for client in clients:
            client.join()
        status = service.client.get("/model_status").json()

    assert {answer.status_code for answer in answers} == {200}
    by_version: dict[int, set[tuple[float, ...]]] = {}
    for answer in answers:
        by_version.setdefault(answer.json()["model_version"], set()).add(tuple(win_probabilities(answer)))
    assert {version: len(different) for version, different in by_version.items()} == {1: 1, 2: 1}
    one, two = (np.array(next(iter(by_version[version]))) for version in (1, 2))
    assert np.abs(one - two).max() > 0.1
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
        assert service.wait_until(lambda status: status["success"])["champion_since"]


def test_a_tampered_version_is_refused_once_and_the_old_one_serves_on(tmp_path: Path) -> None:
    uri = make_registry(tmp_path, exponents=(0.5, 2.0, 1.0))
    graph = next(open_registry(uri).fetch(2).glob("members/*.onnx"))
    with running_service(uri) as service:
        before = win_probabilities(service.predict(make_card()))
        graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")
        point_alias_at(uri, 2)
        status = service.wait_until(lambda status: status["refusals"])
        assert "digest" in status["refusals"][0]["reason"]
        assert (status["version"], status["registry"]["champion_version"]) == (1, 2)
        assert (win_probabilities(service.predict(make_card())) == before).all()
        point_alias_at(uri, 3)  # the alias moves on, and so does the service
        service.wait_until(lambda status: status["version"] == 3)
        assert len(service.client.get("/model_status").json()["refusals"]) == 1


def test_a_version_of_unknown_features_is_refused(tmp_path: Path) -> None:
    uri = make_registry(tmp_path)
    make_model(tmp_path / "strange", features=("box", "star_sign", "weight_kg"))
    open_registry(uri).register(tmp_path / "strange")
    with running_service(uri) as service:
        point_alias_at(uri, 2)
        status = service.wait_until(lambda status: status["refusals"])
        assert "star_sign" in status["refusals"][0]["reason"]
        assert status["version"] == 1


def test_the_registry_going_away_stops_nothing(tmp_path: Path) -> None:
    uri = make_registry(tmp_path)
    with running_service(uri) as service:
        store = tmp_path / "mlflow.db"
        store.rename(tmp_path / "gone.db")
        service.wait_until(lambda status: status["registry"]["error"])
        assert service.predict(make_card()).status_code == 200
        assert service.client.get("/models").status_code == 503
        (tmp_path / "gone.db").rename(store)
        service.wait_until(lambda status: status["registry"]["error"] is None)
