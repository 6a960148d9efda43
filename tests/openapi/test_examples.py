"""Every request that the document shows as an example succeeds at a real service, as it is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.openapi.test_document import OPERATIONS
from tests.service.builders import RunningService, make_registry
from tests.service.keys import service_with_keys

# Deliveries are signed by MLflow, for one moment and once; no example could be.
SIGNED = {"POST /webhooks/mlflow"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with two versions, of which the second serves, and a client that may do everything."""
    folder: Path = tmp_path_factory.mktemp("examples")
    registry = make_registry(folder, exponents=(1.0, 2.0), promote=2)
    with service_with_keys(folder, registry, boss="promote results") as (running, keys):
        running.client.headers.update(keys["boss"])
        yield running


def example_of(parameter: dict[str, Any]) -> Any:
    shown = parameter["schema"].get("examples", [None])
    return parameter.get("example", shown[0])


def request_of(name: str, operation: dict[str, Any], kind: str | None) -> httpx.Request:
    method, _, path = name.partition(" ")
    query, headers = {}, {}
    for parameter in operation.get("parameters", []):
        value = example_of(parameter)
        if value is None:
            continue
        if parameter["in"] == "path":
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
    return httpx.Request(
        method, f"http://service{path}", params=query or None, headers=headers, content=content
    )


# What brings races and versions about comes before what shows them.
ASKED = [
    (name, kind)
    for name in sorted(OPERATIONS, key=lambda name: name.startswith("GET"))
    for kind in OPERATIONS[name].get("requestBody", {}).get("content", {None: {}})
    if name not in SIGNED
]


@pytest.mark.parametrize(("name", "kind"), ASKED)
def test_an_example_runs_as_it_is(service: RunningService, name: str, kind: str | None) -> None:
    request = request_of(name, OPERATIONS[name], kind)
    url = str(request.url).replace("http://service", service.url)
    if name == "POST /rollback":  # there must be something to go back to, whatever ran before
        service.client.post("/models/1/promote", json={"reason": "so that there is one to go back to"})
    answer = service.client.request(request.method, url, content=request.content, headers=request.headers)
    assert answer.is_success, answer.text
    if kind and name == "POST /predict/batch":
        assert ["win_probability" in line for line in answer.text.splitlines()] == [True] * len(
            answer.text.splitlines()
        )
        assert answer.text
