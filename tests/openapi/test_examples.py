"""Every request that the document shows as an example succeeds at a real service, as it is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.schemas.results import EXAMPLE_RESULTS
from service.schemas.upcoming import EXAMPLE_CARDS
from tests.openapi.test_document import OPERATIONS
from tests.service.builders import RunningService, open_registry
from tests.service.keys import service_with_keys
from tests.service.trained import make_trained_registry

# Deliveries are signed by MLflow, for one moment and once; no example could be.
SIGNED = {"POST /webhooks/mlflow"}
# A stream without an end, and a body that names a stored race by its number: tests/service/events has both.
OF_THEIR_OWN = {"GET /events", "POST /prices"}


# Numbers that the race database gives; they are taken from where the service lists them.
LISTED = {"race_id": ("/races?date=2026-03-14", "races"), "dog_id": ("/dogs?q=sir tick", "dogs")}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with two trained versions, the second of them champion, a stored race, and a key for all."""
    folder: Path = tmp_path_factory.mktemp("examples")
    registry = make_trained_registry(folder, 1.59, 1.57)
    open_registry(registry).promote(2, reason="a test wants it", by="test", forced=True)
    open_registry(registry).record_gates(1, [])  # a version that failed them answers no races of a split
    with service_with_keys(folder, registry, boss="promote results") as (running, keys):
        running.client.headers.update(keys["boss"])
        running.client.post("/results", json=EXAMPLE_RESULTS).raise_for_status()
        running.client.post("/races/upcoming", json=EXAMPLE_CARDS).raise_for_status()
        yield running


def example_of(parameter: dict[str, Any]) -> Any:
    shown = parameter["schema"].get("examples", [None])
    return parameter.get("example", shown[0])


def request_of(service: RunningService, name: str, kind: str | None) -> httpx.Request:
    operation = OPERATIONS[name]
    method, _, path = name.partition(" ")
    query, headers = {}, {}
    for parameter in operation.get("parameters", []):
        value = example_of(parameter)
        if value is None:
            continue
        if parameter["in"] == "path":
            if parameter["name"] in LISTED:
                address, listed = LISTED[parameter["name"]]
                found = service.client.get(address).json()[listed]
                value = found[-1 if path.endswith("/scratchings") else 0]["id"]  # the last race is to come
            if parameter["name"] == "experiment_id":
                value = start_split(service)
            path = path.replace(f"{{{parameter['name']}}}", str(value))
        elif parameter["in"] == "query":
            query[parameter["name"]] = str(value)
        else:
            headers[parameter["name"]] = str(value)
    content = None
    if kind:
        example = operation["requestBody"]["content"][kind]["example"]
        content = example if isinstance(example, str) else json.dumps(example)
        headers["Content-Type"] = kind
    return service.client.build_request(method, path, params=query or None, headers=headers, content=content)


def stop_what_runs(service: RunningService) -> None:
    """Let version 2 be champion, and no experiment run."""
    running = service.client.get("/experiments").json()["active"]
    if running is not None:
        service.client.post(
            f"/experiments/{running}/stop", json={"reason": "the next one"}
        ).raise_for_status()
    service.client.post("/models/2/promote", json={"reason": "if it is not", "force": True})


def start_split(service: RunningService) -> int:
    """Start an experiment of the only kind that every operation takes, and return its number."""
    stop_what_runs(service)
    split = {"challengers": [1], "mode": "split", "share": 0.2, "reason": "an example"}
    number: int = service.client.post("/experiments", json=split).raise_for_status().json()["id"]
    return number


EXAMPLES = [
    (name, kind)
    for name, operation in OPERATIONS.items()
    for kind in operation.get("requestBody", {}).get("content", {None: {}})
    if name not in SIGNED | OF_THEIR_OWN
]


@pytest.mark.parametrize(("name", "kind"), EXAMPLES)
def test_an_example_runs_as_it_is(service: RunningService, name: str, kind: str | None) -> None:
    request = request_of(service, name, kind)
    if name == "POST /rollback":  # there must be something to go back to, whatever ran before
        service.client.post("/models/1/promote", json={"reason": "so that there is one", "force": True})
    if name == "POST /experiments":
        stop_what_runs(service)
    answer = service.client.send(request)
    assert answer.is_success, answer.text
    if name == "POST /predict/batch":  # its lines would tell of refused cards
        lines = answer.text.splitlines()
        assert lines
        assert all("win_probability" in line for line in lines)
