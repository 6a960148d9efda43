"""The OpenAPI document: FastAPI's, and what FastAPI cannot derive from the routes."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.openapi.readable import link_versions, make_readable
from service.openapi.responses import problem
from service.problems import MEDIA_TYPE
from service.schemas.automation import AutomationIn
from service.schemas.card import CardIn
from service.schemas.events import EVENTS
from service.schemas.experiments import ExperimentIn, ShareIn, StopIn
from service.schemas.prices import PricesIn
from service.schemas.problem import BrokenRule, Problem
from service.schemas.promotions import PromotionIn, RollbackIn
from service.schemas.results import ResultsIn
from service.schemas.upcoming import CardsIn, ScratchingIn

TITLE = "Greyhound win probabilities"
VERSION = "1.0.0"
DESCRIPTION = """
Calibrated win probabilities for greyhound races, from the model that is champion in the registry now.

* **Predict** a race with `POST /predict`: press *Try it out*, the example runs as it is.
* **Ask why** with `POST /predict?explain=true`: each runner's answer then has what its form, box and times
  contribute.
* **Price bets** with `POST /predict?bets=exacta,quinella,trifecta,first_four`: the likeliest combinations
  of each.
* **See** which model answers, and how good it is, with `GET /model_status`.
* **Send** JSON in UTF-8, as it is or with `Content-Encoding: gzip`. HEAD is answered wherever GET is, OPTIONS
  with the methods of an address, and a slash at the end of an address makes no difference.
* **From a page of another origin** (CORS): no page may call, unless the service is started with its origin in
  `GREYHOUND_CORS_ORIGINS='["https://races.example"]'`. It may then use GET, HEAD and POST with
  `Content-Type`, `Content-Encoding`, `X-Request-ID` and an API key in `Authorization` or `X-API-Key`, and
  read `X-Request-ID` and `Retry-After` of the answer; cookies are never used.
* Every answer bears `X-Request-ID`; send your own, and it is used.
* Every error is a problem document (RFC 9457, `application/problem+json`): `type` for
  programs, `detail` for people, and for a bad card `errors`, one entry a broken rule, with a JSON Pointer to
  the field.
"""
TAGS = [
    {"name": "prediction", "description": "From a card to probabilities."},
    {"name": "races", "description": "Races that are stored, and form guides, as cards."},
    {"name": "race day", "description": "Races to come, their prices, and what happens meanwhile."},
    {"name": "monitor", "description": "Is what serves well, and what somebody should look at."},
    {"name": "prediction log", "description": "What was answered, and how it came out."},
    {"name": "model", "description": "Which versions there are, and which one serves."},
    {"name": "promotion", "description": "Change the version that serves; takes an API key."},
    {"name": "automation", "description": "What the service does by itself, and the switch that stops it."},
    {
        "name": "experiments",
        "description": "Compare challengers with the champion while it serves; changes take an API key.",
    },
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
# Bodies that routes read themselves, so that FastAPI does not see their models.
_INPUTS: tuple[type[BaseModel], ...] = (
    AutomationIn, CardIn, CardsIn, ExperimentIn, PricesIn, PromotionIn, ResultsIn, RollbackIn, ScratchingIn,
    ShareIn, StopIn,
)  # fmt: skip


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
    models += [(model, "serialization") for model in EVENTS]
    _, ours = models_json_schema(
        [*models, (BrokenRule, "serialization")],  # type: ignore[list-item]
        ref_template="#/components/schemas/{model}",
    )
    schemas = document["components"]["schemas"] | ours["$defs"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    for path, operation in ((path, op) for path, ops in document["paths"].items() for op in ops.values()):
        _drop_default_422(operation)
        if "requestBody" in operation or path.startswith("/webhooks/"):
            operation.setdefault("parameters", []).append(REQUEST_ID)
        _add_answers_of_security(path, operation)
        for response in operation["responses"].values():
            response.setdefault("headers", {})["X-Request-ID"] = {
                "description": "The request's id.",
                "schema": {"type": "string"},
            }
    link_versions(document["paths"])
    make_readable(document)
    return document


def _add_answers_of_security(path: str, operation: dict[str, Any]) -> None:
    """Add what any request may be answered before its route; a setting may make any route need a key."""
    if path.startswith(("/health/", "/webhooks/")):
        return
    operation["responses"] |= {str(status): problem(status) for status in (401, 403, 429, 503)}
    operation["responses"] = dict(sorted(operation["responses"].items()))
    operation.setdefault("security", [{}, {"bearer": []}, {"api_key": []}])


def _drop_default_422(operation: dict[str, Any]) -> None:
    """Drop FastAPI's own description of a 422, which is not what we answer."""
    fault = operation["responses"].get("422")
    if fault and MEDIA_TYPE not in fault["content"]:
        del operation["responses"]["422"]
