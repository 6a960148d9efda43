"""The OpenAPI document tells all that its readers need: text, units, examples, errors."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.openapi.client_models import DOCUMENT

DOCUMENTED: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENTED["components"]["schemas"]
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENTED["paths"].items()
    for method, operation in operations.items()
}
PROBLEM = "application/problem+json"
UNITS = {
    "_s": r"second|from seeing|uptime|time",
    "_m": r"metre",
    "_kg": r"kilogram",
    "_ms": r"millisecond|\bms\b",
    "_bytes": r"byte|size",
    "_lengths": r"length",
    "probability": r"chance|prob|1 / price|model and market|market|as answered",
    "price": r"decimal odds|price",
}


def test_the_document_is_valid() -> None:
    validate(DOCUMENTED)


def test_it_says_what_the_api_is_and_prediction_comes_first() -> None:
    tags = [tag["name"] for tag in DOCUMENTED["tags"]]
    assert tags[0] == "prediction"
    assert all(tag["description"] for tag in DOCUMENTED["tags"])
    assert set(tags) == {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
    assert re.fullmatch(r"\d+\.\d+\.\d+", DOCUMENTED["info"]["version"])


def test_operations_bear_short_names_of_their_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name) for name in names), names


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does_takes_and_answers(name: str) -> None:
    operation = OPERATIONS[name]
    assert len(operation["tags"]) == 1
    assert 5 < len(operation["summary"]) < 60
    assert len(operation["description"]) > 20
    for parameter in operation.get("parameters", []):
        assert parameter["description"], parameter
        assert "schema" in parameter
        if parameter.get("required"):
            assert "example" in parameter or "examples" in parameter["schema"], parameter
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        assert "example" in content, kind
    assert sum(status < "400" for status in operation["responses"]) == 1
    for status, answer in operation["responses"].items():
        assert answer["description"] not in ("", "Successful Response"), status
        if status >= "400":
            (content,) = answer["content"].items()
            assert content[0] == PROBLEM
            assert content[1]["example"]["status"] == int(status)
            assert content[1]["example"]["type"].startswith("urn:greyhound:problem:")
            assert "..." not in content[1]["example"]["type"]
        assert "X-Request-ID" in answer["headers"]


def fields() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, schema in SCHEMAS.items():
        for field, shape in schema.get("properties", {}).items():
            yield name, field, shape


def test_every_schema_and_field_says_what_it_is_and_gives_an_example() -> None:
    assert [name for name, schema in SCHEMAS.items() if not schema.get("description")] == []
    silent = [
        f"{name}.{field}"
        for name, field, shape in fields()
        if "$ref" not in shape  # its own schema says it
        and not (shape.get("description") and ("examples" in shape or "$ref" in json.dumps(shape)))
    ]
    assert silent == []


def test_every_field_with_a_unit_in_its_name_says_it_in_its_description() -> None:
    unsaid = [
        f"{name}.{field}: {shape.get('description')}"
        for name, field, shape in fields()
        for ending, text in UNITS.items()
        if field.endswith(ending) and not re.search(text, shape.get("description", ""), re.I)
    ]
    assert unsaid == []


def test_every_moment_says_that_it_is_in_utc() -> None:
    moments = [one for one in fields() if "date-time" in json.dumps(one[2])]
    assert moments
    assert [f"{name}.{field}" for name, field, shape in moments if "UTC" not in shape["description"]] == []


def examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Each example of the document with its schema."""
    for name, field, shape in fields():
        for example in shape.get("examples", []):
            yield f"{name}.{field}", shape, example
    for name, operation in OPERATIONS.items():
        for parameter in operation.get("parameters", []):
            for example in [parameter[key] for key in ("example",) if key in parameter]:
                yield f"{name} ?{parameter['name']}", parameter["schema"], example
            for example in parameter["schema"].get("examples", []):
                yield f"{name} ?{parameter['name']}", parameter["schema"], example
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            for kind, content in part.get("content", {}).items():
                if "example" in content and "schema" in content:
                    yield f"{name} {kind}", content["schema"], content["example"]


def test_every_example_fits_its_schema() -> None:
    whole = Resource.from_contents(DOCUMENTED, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:document", whole)
    shown, wrong = list(examples()), []
    for where, schema, example in shown:
        absolute = json.loads(json.dumps(schema).replace('"#/components', '"urn:document#/components'))
        faults = OAS31Validator(absolute, registry=registry).iter_errors(example)
        wrong += [f"{where}: {fault.message}" for fault in faults]
    assert len(shown) > 200
    assert wrong == []
