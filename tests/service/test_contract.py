"""What is promised elsewhere: the committed OpenAPI document, the error table, the settings, the imports."""

import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

import model_registry.errors
import racing.domain.errors
import service.errors
from racing.domain.cards import Card, PastRun, Runner
from service.app import create_app
from service.openapi.document import as_text
from service.problems import PROBLEM_TYPES, problem_type_of
from service.schemas import card
from service.schemas.card import CardIn, PastRunIn, RunnerIn
from service.schemas.status import Summary
from service.settings import ServiceSettings
from tests.service.builders import RunningService, make_registry

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "training",
    "optuna",
    "imblearn",
    "sklearn",
    "xgboost",
    "catboost",
    "pandas",
    "matplotlib",
    "scipy",
}
STATUS_KEYS = [
    "success",
    "model_type",
    "accuracy",
    "auc_score",
    "f1_score",
    "last_trained",
    "features",
    "samples",
    "class_balance",
    "calibration",
    "optimization",
]


def errors_of(module: ModuleType) -> set[type[Exception]]:
    """Every error class of a module that is not its root."""
    classes = [c for _, c in inspect.getmembers(module, inspect.isclass) if issubclass(c, Exception)]
    return {c for c in classes if c.__module__ == module.__name__ and Exception not in c.__bases__}


def test_every_error_is_mapped_to_a_problem_of_its_own() -> None:
    ours = errors_of(racing.domain.errors) | errors_of(model_registry.errors) | errors_of(service.errors)
    assert ours == set(PROBLEM_TYPES)
    assert len({kind.slug for kind in PROBLEM_TYPES.values()}) == len(PROBLEM_TYPES)


def test_an_error_that_is_not_ours_is_unexpected() -> None:
    assert problem_type_of(ZeroDivisionError()).status == 500


def test_the_committed_openapi_document_is_the_generated_one() -> None:
    committed = (ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8")
    assert committed == as_text(create_app(ServiceSettings()).openapi()), "python -m service.openapi"


def test_every_field_of_every_schema_says_what_it_is_and_gives_an_example() -> None:
    document = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))
    silent = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, shape in schema.get("properties", {}).items()
        if "$ref" not in shape  # its own schema says it
        and not (shape.get("description") and ("examples" in shape or "$ref" in json.dumps(shape)))
    ]
    assert silent == []


OTHER_ANSWERS = {
    "/events": "text/event-stream",
    "/metrics": "text/plain",
    "/predict/batch": "application/x-ndjson",
    "/models/{version}/report": "text/html",
}


def test_every_error_of_every_route_is_documented_as_a_problem() -> None:
    document = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]
            for status, response in operation["responses"].items():
                success = OTHER_ANSWERS.get(path, "application/json")
                wanted = "application/problem+json" if status >= "400" else success
                assert set(response["content"]) == {wanted}, (path, status)


def test_every_setting_is_documented_and_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(field.description for field in ServiceSettings.model_fields.values())
    monkeypatch.setenv("GREYHOUND_CHAMPION_POLL_S", "0.5")
    assert ServiceSettings().champion_poll_s == 0.5


@pytest.mark.parametrize("path", ["/model_status", "/api/model_status"])
def test_the_status_begins_with_the_keys_that_pages_read(service: RunningService, path: str) -> None:
    status = service.client.get(path).json()
    assert list(status)[: len(STATUS_KEYS)] == STATUS_KEYS == list(Summary.model_fields)
    assert status["success"] is True
    assert status["model_type"] == "Handmade"
    assert status["last_trained"] == "2026-03-01T08:05:30Z"


def test_the_versions_are_listed_with_aliases_and_metrics(service: RunningService) -> None:
    listed = service.client.get("/models").json()["models"]
    assert [(entry["version"], entry["aliases"]) for entry in listed] == [(1, ["champion"])]
    assert listed[0]["metrics"]["auc"] == 0.7
    assert service.client.get("/models/1").json() == listed[0]


def test_the_docs_page_is_there(service: RunningService) -> None:
    assert "swagger" in service.client.get("/docs").text
    assert service.client.get("/").headers["Location"] == "/docs"
    assert service.client.get("/openapi.json").json()["paths"].keys() >= {"/predict", "/model_status"}


@pytest.mark.parametrize(("model", "value"), [(CardIn, Card), (RunnerIn, Runner), (PastRunIn, PastRun)])
def test_inputs_have_the_fields_of_the_card_that_they_become(model: type[BaseModel], value: type) -> None:
    assert set(model.model_fields) == set(value.__dataclass_fields__)


def test_inputs_refuse_what_they_do_not_know() -> None:
    inputs = [c for c in vars(card).values() if inspect.isclass(c) and c.__name__.endswith("In")]
    assert len(inputs) == 3
    for model in inputs:
        assert issubclass(model, BaseModel)
        assert model.model_config["extra"] == "forbid"


def test_the_service_starts_and_serves_where_no_training_library_can_be_imported(tmp_path: Path) -> None:
    uri = make_registry(tmp_path)
    code = f"""
import asyncio, sys
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(FORBIDDEN)!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, NotInstalled())
from service.app import create_app
from service.settings import ServiceSettings
app = create_app(ServiceSettings(registry={uri!r}, database=None, kept_champion=""))
async def start():
    async with app.router.lifespan_context(app):
        assert app.state.service.slots.get().version == 1
asyncio.run(start())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
