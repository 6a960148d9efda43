"""What a route adds to its description: the problems that it answers, and a body that it reads itself."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

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
from service.problems import MEDIA_TYPE, PROBLEM_TYPES
from service.schemas.problem import Problem

_REASONS = {
    400: "The body is not JSON in UTF-8, or not the gzip file that it claims to be",
    401: "An API key is needed, or the key or the signature that was sent is not right",
    403: "The API key lacks the scope that this needs, or no secret is set by which deliveries are known",
    404: "There is no such version, nothing of this kind of it, no such race or dog, or no such experiment",
    409: "A rule forbids it: it is the champion already, failed its gates, there is none to go back to, "
    "another experiment runs, or the delivery was taken before",
    413: "The body, once unpacked, is longer than the service takes (256 KiB unless set otherwise)",
    415: "The body claims to be something else than the JSON or CSV that it must be, or to be encoded "
    "otherwise than by gzip",
    422: "The request does not fit its schema, or the card breaks a rule; `errors` says where and which",
    429: "Too many requests, or too many keys that are none; `Retry-After` says when to come back",
    503: "No model is loaded, the registry or the race database is away or did not answer in time "
    "(`detail` says which), or too many requests wait (`Retry-After` then says when to come back)",
}
# The type of problem that is shown as the example of a status.
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


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may answer with these problems."""
    return {status: problem(status) for status in statuses}


def problem(status: int) -> dict[str, Any]:
    """Return the description of a problem document of a status."""
    problem_type = PROBLEM_TYPES[_EXAMPLES[status]]
    example: dict[str, Any] = {
        "type": f"urn:greyhound:problem:{problem_type.slug}",
        "title": problem_type.title,
        "status": status,
        "detail": _REASONS[status],
        "request_id": "4f9d1c2ab35e47c0a7c2f1a90d1be812",
    }
    if status == 422:
        example["errors"] = [
            {"pointer": "#/runners/2/box", "rule": "Input should be less than or equal to 10"}
        ]
    documented = {MEDIA_TYPE: {"schema": reference(Problem), "example": example}}
    return {"description": _REASONS[status], "content": documented}


def json_content(model: type[BaseModel], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``openapi_extra`` of a route that reads its body itself, as JSON of a model.

    See :func:`service.dependencies.json_body` for why routes do.
    """
    return content({"application/json": (reference(model), dict(example))})


def content(by_media_type: Mapping[str, tuple[Mapping[str, Any], Any]]) -> dict[str, Any]:
    """Return the ``openapi_extra`` of a route that reads its body itself: a schema and an example each."""
    documented = {
        media_type: {"schema": dict(schema), "example": example}
        for media_type, (schema, example) in by_media_type.items()
    }
    return {"requestBody": {"required": True, "content": documented}}


def reference(model: type[BaseModel]) -> dict[str, Any]:
    """Return the reference to a model among the document's schemas."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}
