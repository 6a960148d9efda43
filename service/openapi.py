"""The OpenAPI document: what FastAPI cannot know of it; ``python -m service.openapi FILE`` writes it."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from model_registry.errors import GatesNotPassed, NoSuchVersion
from racing.domain.errors import CardRefused
from service.errors import (
    BodyTooLarge,
    BodyUnreadable,
    KeyMissing,
    NotJson,
    NotReady,
    RateLimited,
    ScopeMissing,
)
from service.links import link_versions
from service.problems import KINDS, MEDIA_TYPE, BrokenRule, Problem
from service.promotion import PromotionIn, RollbackIn
from service.readable import make_readable
from service.results import ResultsIn
from service.schemas import CardIn

TITLE = "Greyhound win probabilities"
VERSION = "1.0.0"
DESCRIPTION = """
Calibrated win probabilities for greyhound races, from the model that is champion in the registry now.

* **Predict** a race with `POST /predict`: press *Try it out*, the example runs as it is.
* **Ask why** with `POST /predict?explain=true`: each runner's answer then has what its form, box and times
  contribute.
* **See** which model answers, and how good it is, with `GET /model_status`.
* **Send** JSON in UTF-8, as it is or with `Content-Encoding: gzip`. HEAD is answered wherever GET is, OPTIONS
  with the methods of an address, and a slash at the end of an address makes no difference.
* **From a page of another origin** (CORS): no page may call, unless the service is started with its origin in
  `GREYHOUND_CORS_ORIGINS='["https://races.example"]'`. It may then use GET, HEAD and POST with
  `Content-Type`, `Content-Encoding`, `X-Request-ID` and an API key in `Authorization` or `X-API-Key`, and
  read `X-Request-ID` and `Retry-After` of the answer; cookies are never used.
* Every answer bears `X-Request-ID`; send your own, and it is kept.
* Whatever goes wrong is told as a problem document (RFC 9457, `application/problem+json`): `type` for
  programs, `detail` for people, and for a bad card `errors`, one entry a broken rule, with a JSON Pointer to
  the field.
"""
TAGS = [
    {"name": "prediction", "description": "From a card to probabilities."},
    {"name": "races", "description": "Races that are stored, and form guides, as cards."},
    {"name": "prediction log", "description": "What was answered, and how it came out."},
    {"name": "model", "description": "Which versions there are, and which one serves."},
    {"name": "promotion", "description": "Change the version that serves; takes an API key."},
    {"name": "watching", "description": "For Prometheus."},
    {"name": "health", "description": "For orchestrators and load balancers."},
]
REQUEST_ID: dict[str, Any] = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "Your own id of this request: up to 64 letters, digits, dots, dashes and "
    "underscores. One of another form is replaced.",
    "schema": {"type": "string"},
    "example": "meeting-12-race-6",
}
_REASONS = {
    400: "The body is not JSON in UTF-8, or not the gzip file that it claims to be",
    401: "An API key is needed, or the key or the signature that was sent is not right",
    403: "The API key lacks the scope that this needs, or no secret is set by which deliveries are known",
    404: "There is no such version, nothing of this kind of it, or no such race",
    409: "A rule forbids it: it is the champion already, failed its gates, there is none to go back to, or "
    "the delivery was taken before",
    413: "The body, once unpacked, is longer than the service takes (256 KiB unless set otherwise)",
    415: "The body claims to be something else than the JSON or CSV that it must be, or to be encoded "
    "otherwise than by gzip",
    422: "The request does not fit its schema, or the card breaks a rule; `errors` says where and which",
    429: "Too many requests, or too many keys that are none; `Retry-After` says when to come back",
    503: "No model is loaded, the registry or the race database is away or did not answer in time "
    "(`detail` says which), or too many requests wait (`Retry-After` then says when to come back)",
}
# One kind of problem a status, as an example.
_EXAMPLES: Mapping[int, type[Exception]] = {
    400: BodyUnreadable,
    401: KeyMissing,
    403: ScopeMissing,
    404: NoSuchVersion,
    409: GatesNotPassed,
    413: BodyTooLarge,
    415: NotJson,
    422: CardRefused,
    429: RateLimited,
    503: NotReady,
}
# Read by handlers themselves, so FastAPI does not see them.
_INPUTS: tuple[type[BaseModel], ...] = (CardIn, PromotionIn, ResultsIn, RollbackIn)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may answer with these problems."""
    return {status: _problem(status) for status in statuses}


def json_content(model: type[BaseModel], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``openapi_extra`` of a route that reads its body itself, as JSON of a model."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    content = {"application/json": {"schema": schema, "example": dict(example)}}
    return {"requestBody": {"required": True, "content": content}}


def parameters(*described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``openapi_extra`` of a route that reads parameters itself."""
    return {"parameters": [dict(parameter) for parameter in described]}


def operation_id(route: APIRoute) -> str:
    """Return a route's name in the document, after its handler; methods of clients are named alike."""
    return route.name.removeprefix("get_").replace("post_", "send_")


def describe(app: FastAPI) -> None:
    """Let the app serve the whole document at ``/openapi.json``."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.title, app.version, app.description = TITLE, VERSION, DESCRIPTION
    app.openapi = openapi  # type: ignore[method-assign]


def as_text(document: Mapping[str, Any]) -> str:
    """Return the document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=TITLE, version=VERSION, description=DESCRIPTION, routes=app.routes, tags=TAGS
    )
    models = [*((model, "validation") for model in _INPUTS), (Problem, "serialization")]
    _, ours = models_json_schema(
        [*models, (BrokenRule, "serialization")],  # type: ignore[list-item]
        ref_template="#/components/schemas/{model}",
    )
    schemas = document["components"]["schemas"] | ours["$defs"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    for path, operation in ((path, op) for path, ops in document["paths"].items() for op in ops.values()):
        _without_default_422(operation)
        _behind_the_door(path, operation)
        for response in operation["responses"].values():
            response.setdefault("headers", {})["X-Request-ID"] = {
                "description": "The request's id.",
                "schema": {"type": "string"},
            }
    link_versions(document["paths"])
    make_readable(document)
    return document


def _behind_the_door(path: str, operation: dict[str, Any]) -> None:
    """Tell what the door may say to any request; what takes no key by default may do so by a setting."""
    if path.startswith(("/health/", "/webhooks/")):
        return
    operation["responses"] |= {str(status): _problem(status) for status in (401, 403, 429, 503)}
    operation["responses"] = dict(sorted(operation["responses"].items()))
    operation.setdefault("security", [{}, {"bearer": []}, {"api_key": []}])


def _without_default_422(operation: dict[str, Any]) -> None:
    """Drop FastAPI's own 422, whose shape we do not answer."""
    fault = operation["responses"].get("422")
    if fault and MEDIA_TYPE not in fault["content"]:
        del operation["responses"]["422"]


def _problem(status: int) -> dict[str, Any]:
    kind = KINDS[_EXAMPLES[status]]
    example: dict[str, Any] = {
        "type": f"urn:greyhound:problem:{kind.slug}",
        "title": kind.title,
        "status": status,
        "detail": _REASONS[status],
        "request_id": "4f9d1c2ab35e47c0a7c2f1a90d1be812",
    }
    if status == 422:
        example["errors"] = [
            {"pointer": "#/runners/2/box", "rule": "Input should be less than or equal to 10"}
        ]
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    return {"description": _REASONS[status], "content": content}


if __name__ == "__main__":
    from service.app import create_app
    from service.settings import ServiceSettings

    Path(sys.argv[1] if len(sys.argv) > 1 else "openapi/openapi.json").write_text(
        as_text(create_app(ServiceSettings()).openapi()), encoding="utf-8"
    )
