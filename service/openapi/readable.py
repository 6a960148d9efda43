"""Makes the OpenAPI document good to read and to try out, where FastAPI leaves it bare."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
# Where an answer names a version.
_NAMES_A_VERSION = {
    ("/predict", "post"): "$response.body#/model_version",
    ("/model_status", "get"): "$response.body#/version",
    ("/models", "get"): "$response.body#/models/0/version",
    ("/models/{version}/promote", "post"): "$response.body#/version",
    ("/rollback", "post"): "$response.body#/version",
}
_TAKES_A_VERSION = {
    "show": ("/models/{version}", "get", "What is on record of this version."),
    "evidence": ("/models/{version}/evidence", "get", "What it was trained on and how good it is."),
    "promote": ("/models/{version}/promote", "post", "Make this version the champion."),
}


def make_readable(document: Json) -> None:
    """Describe successes, fill in the forms of those who try it out, and drop titles that repeat names."""
    schemas = document["components"]["schemas"]
    for shape in _fields(schemas):
        shape.pop("title", None)
    for operations in document["paths"].values():
        for method, operation in operations.items():
            _describe_successes(operation, schemas)
            for parameter in operation.get("parameters", []):
                parameter["schema"].pop("title", None)
                if parameter.get("required") or method == "post":  # what only filters stays empty in the form
                    _show_example(parameter)


def _fields(schemas: Mapping[str, Json]) -> Iterator[Json]:
    for schema in schemas.values():
        yield from schema.get("properties", {}).values()


def _describe_successes(operation: Json, schemas: Mapping[str, Json]) -> None:
    """Say of a success what it brings, where FastAPI says but that it is one."""
    for response in operation["responses"].values():
        content = response.get("content", {}).get("application/json", {})
        if response["description"] == "Successful Response" and "$ref" in content.get("schema", {}):
            name = content["schema"]["$ref"].rpartition("/")[2]
            response["description"] = schemas[name]["description"]


def _show_example(parameter: Json) -> None:
    """Fill the form in: Swagger UI takes a parameter's own example, not its schema's."""
    if "example" not in parameter and "examples" in parameter["schema"]:
        parameter["example"] = parameter["schema"]["examples"][0]


def link_versions(paths: dict[str, Any]) -> None:
    """Add OpenAPI links from the answers that name a version to the operations that take one."""
    for (path, method), where in _NAMES_A_VERSION.items():
        paths[path][method]["responses"]["200"]["links"] = {
            name: {
                "operationId": paths[target][target_method]["operationId"],
                "parameters": {"version": where},
                "description": description,
            }
            for name, (target, target_method, description) in _TAKES_A_VERSION.items()
        }
