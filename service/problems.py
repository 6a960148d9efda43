"""Errors on the wire: RFC 9457 problem documents, and the one table that maps our errors to them."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from model_registry import errors as registry_errors
from racing.domain import errors as racing_errors
from service import errors
from service.methods import allowed_methods, is_preflight
from service.schemas.validation import MAX_FAULTS

MEDIA_TYPE = "application/problem+json"
MAX_VIOLATIONS = MAX_FAULTS
MAX_TEXT = 300
log = logging.getLogger("greyhound.service")


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A type of problem; its ``detail``, if any, replaces the error's message, which may hold an address."""

    status: int
    slug: str
    title: str
    detail: str | None = None


PROBLEM_TYPES: Mapping[type[Exception], ProblemType] = {
    racing_errors.CardRefused: ProblemType(422, "card-refused", "The card breaks a rule"),
    racing_errors.FileRefused: ProblemType(422, "file-refused", "The file is refused"),
    racing_errors.NotEnoughHistory: ProblemType(
        409, "not-enough-history", "There are too few races for this"
    ),
    racing_errors.RatingsStale: ProblemType(409, "ratings-stale", "Stored runs are not rated yet"),
    racing_errors.ExperimentRefused: ProblemType(409, "experiment-refused", "The experiment is refused"),
    racing_errors.NoSuchDog: ProblemType(404, "no-such-dog", "The database has no such dog"),
    racing_errors.NoSuchExperiment: ProblemType(404, "no-such-experiment", "There is no such experiment"),
    racing_errors.NoSuchSeal: ProblemType(404, "no-such-seal", "The record has no such seal"),
    racing_errors.NoSuchPrediction: ProblemType(404, "no-such-prediction", "The log has no such prediction"),
    racing_errors.PricesRefused: ProblemType(422, "prices-refused", "The prices are refused"),
    racing_errors.NoSuchRace: ProblemType(404, "no-such-race", "The database has no such race"),
    racing_errors.DatabaseUnavailable: ProblemType(503, "database-unavailable", "The race database is away"),
    registry_errors.NoChampion: ProblemType(503, "no-champion", "No version is champion"),
    registry_errors.NoReport: ProblemType(404, "no-report", "The version has no report"),
    registry_errors.NoSuchVersion: ProblemType(404, "no-such-version", "The registry has no such version"),
    registry_errors.GatesNotPassed: ProblemType(
        409, "gates-not-passed", "The version did not pass its gates"
    ),
    registry_errors.PromotionRefused: ProblemType(409, "promotion-refused", "The promotion is refused"),
    registry_errors.RegistryUnavailable: ProblemType(
        503, "registry-unavailable", "The registry is away", "the model registry cannot be reached now"
    ),
    registry_errors.ArtifactBroken: ProblemType(
        503, "artifact-broken", "The version's files are broken", "see /model_status"
    ),
    registry_errors.ForeignModel: ProblemType(
        404, "foreign-model", "The version is not a model of this product"
    ),
    registry_errors.SourceRefused: ProblemType(
        404, "source-refused", "The version's files lie where they may not"
    ),
    registry_errors.ParityError: ProblemType(
        503, "not-in-parity", "The version does not answer as its estimator did"
    ),
    registry_errors.NotScored: ProblemType(
        500, "not-scored", "The model has no answer", "the model gives no number for a runner"
    ),
    errors.BatchTooLong: ProblemType(413, "batch-too-long", "The batch has too many cards"),
    errors.BodyNotGzip: ProblemType(400, "body-not-gzip", "The body is not gzip"),
    errors.BodyTooLarge: ProblemType(413, "body-too-large", "The body is too long"),
    errors.BodyTooSlow: ProblemType(408, "body-too-slow", "The body did not arrive in time"),
    errors.BodyUnreadable: ProblemType(400, "body-unreadable", "The body is not JSON"),
    errors.EncodingNotRead: ProblemType(415, "encoding-not-read", "The body's encoding is not read"),
    errors.FeaturesRefused: ProblemType(400, "features-refused", "The features are refused"),
    errors.ModelTooSlow: ProblemType(503, "model-too-slow", "The version is too slow"),
    errors.HeadersTooLarge: ProblemType(431, "head-too-long", "The head of the request is too long"),
    errors.HeadTooSlow: ProblemType(408, "head-too-slow", "The head of the request did not arrive in time"),
    errors.KeyMissing: ProblemType(401, "key-missing", "An API key is needed"),
    errors.KeyNotMade: ProblemType(422, "key-not-made", "The key breaks a rule"),
    errors.KeyRefused: ProblemType(401, "key-refused", "The API key is refused"),
    errors.KeysUnknown: ProblemType(503, "keys-unknown", "The API keys cannot be read"),
    errors.NoAnswerInTime: ProblemType(503, "no-answer-in-time", "There was no answer in time"),
    errors.NoSuchKey: ProblemType(404, "no-such-key", "There is no such key"),
    errors.ScopeMissing: ProblemType(403, "scope-missing", "The API key does not allow this"),
    errors.RateLimited: ProblemType(429, "too-many", "Too many requests"),
    errors.NotCsv: ProblemType(415, "not-csv", "The body must be CSV"),
    errors.NotJson: ProblemType(415, "not-json", "The body must be JSON"),
    errors.NotReady: ProblemType(503, "not-ready", "No model is loaded"),
    errors.OutcomeUnknown: ProblemType(503, "outcome-unknown", "Whether it was done is not known"),
    errors.Overloaded: ProblemType(503, "overloaded", "Too many requests wait"),
    errors.PortTaken: ProblemType(503, "port-taken", "The service cannot listen there"),
    errors.WebhookForged: ProblemType(401, "webhook-forged", "The webhook is not the registry's"),
    errors.WebhookReplayed: ProblemType(409, "webhook-replayed", "The webhook was delivered before"),
    errors.WebhooksOff: ProblemType(403, "webhooks-off", "No webhook is taken"),
    errors.Stopping: ProblemType(503, "stopping", "The service is stopping"),
}
INVALID = ProblemType(422, "invalid-request", "The request does not fit its schema")
UNEXPECTED = ProblemType(
    500, "unexpected", "Something unexpected happened", "the log has more under this request id"
)


EXPECTED = (
    racing_errors.RacingError, registry_errors.RegistryError, errors.ServiceError, ValidationError,
)  # fmt: skip
"""Errors of ours, and of input that does not fit its schema."""


class ProblemResponse(Response):
    """A problem document."""

    media_type = MEDIA_TYPE


def install(app: FastAPI) -> None:
    """Let the app answer every error with a problem document."""
    for root in EXPECTED:
        app.add_exception_handler(root, answer_to_error)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(HTTPException, _of_http_exception)
    app.add_exception_handler(Exception, _of_bug)


def problem_type_of(error: Exception) -> ProblemType:
    """Return the type of problem that an error is: that of the nearest class among its ancestors."""
    return next((PROBLEM_TYPES[cls] for cls in type(error).__mro__ if cls in PROBLEM_TYPES), UNEXPECTED)


def problem_response(error: Exception, request_id: str | None) -> ProblemResponse:
    """Return the answer to an error of ours, or to input that does not fit its schema."""
    if isinstance(error, ValidationError):
        return _of_validation(error, request_id)
    problem_type = problem_type_of(error)
    if isinstance(error, racing_errors.CardRefused):
        broken = [(_pointer(violation.path), violation.rule) for violation in error.violations]
        return _response(problem_type, _n_broken(len(broken)), request_id, broken)
    if isinstance(error, errors.NotReady):
        return _response(problem_type, str(error), request_id, reason=error.reason)
    lines = [(f"line {line}", rule) for line, rule in getattr(error, "lines", ())]
    detail = problem_type.detail or str(error)
    return _response(
        problem_type, detail, request_id, lines or None, headers=_headers_of(error, problem_type)
    )


def _headers_of(error: Exception, problem_type: ProblemType) -> dict[str, str]:
    """Return the headers of an error: how to authenticate, when to retry, or that the connection ends."""
    if isinstance(error, errors.BodyTooSlow):
        return {"Connection": "close"}
    if isinstance(error, errors.EncodingNotRead):
        return {"Accept-Encoding": "gzip"}  # RFC 7694
    if problem_type.status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="greyhound"'}
    retry_after_s = getattr(error, "retry_after_s", None)
    return {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}


def _of_validation(error: ValidationError, request_id: str | None) -> ProblemResponse:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        return problem_response(errors.BodyUnreadable(faults[0]["msg"]), request_id)
    broken = [(_pointer(fault["loc"]), fault["msg"]) for fault in faults[: MAX_VIOLATIONS + 1]]
    return _response(INVALID, _n_broken(len(broken)), request_id, broken)


def _n_broken(n: int) -> str:
    if n > MAX_VIOLATIONS:
        return f"more than {MAX_VIOLATIONS} rules are broken, see errors for the first {MAX_VIOLATIONS}"
    return "1 rule is broken, see errors" if n == 1 else f"{n} rules are broken, see errors"


def _response(
    problem_type: ProblemType,
    detail: str,
    request_id: str | None,
    broken: Iterable[tuple[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    reason: str | None = None,
) -> ProblemResponse:
    body: dict[str, Any] = {
        "type": f"urn:greyhound:problem:{problem_type.slug}",
        "title": problem_type.title,
        "status": problem_type.status,
        "detail": detail[:MAX_TEXT],
        "request_id": request_id,
    }
    if reason is not None:
        body["reason"] = reason
    if broken is not None:
        first = islice(broken, MAX_VIOLATIONS)
        body["errors"] = [{"pointer": pointer, "rule": rule[:MAX_TEXT]} for pointer, rule in first]
    return ProblemResponse(json.dumps(body), status_code=problem_type.status, headers=dict(headers or {}))


def _pointer(path: tuple[str | int, ...]) -> str:
    """Return a JSON Pointer as a URI fragment; a field name of the sender's own is cut, not echoed whole."""
    steps = (str(step)[:40].replace("~", "~0").replace("/", "~1") for step in path)
    return "/".join(("#", *steps))


def _request_id(request: Request) -> str | None:
    return request.scope.get("request_id")


async def answer_to_error(request: Request, error: Exception) -> Response:
    """Return the answer to one of :data:`EXPECTED`; what is our fault is logged."""
    response = problem_response(error, _request_id(request))
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request %s: %s: %s", _request_id(request), type(error).__name__, error)
    return response


async def _of_parameters(request: Request, error: Exception) -> Response:
    """Answer a query parameter that does not fit; bodies are read by the handlers, see `_of_validation`."""
    assert isinstance(error, RequestValidationError)
    broken = [(f"?{fault['loc'][-1]}", fault["msg"]) for fault in error.errors()]
    return _response(INVALID, _n_broken(len(broken)), _request_id(request), broken)


async def _of_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    problem_type = ProblemType(error.status_code, title.lower().replace(" ", "-"), title)
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "there is nothing at this address; /docs shows what there is"
    else:
        detail = str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = allowed_methods(request.scope)
        detail = f"this address takes {headers['Allow']}, not {request.scope['method']}"
        if is_preflight(request.scope):
            detail = "pages of other origins may not call the service; see GREYHOUND_CORS_ORIGINS"
    return _response(problem_type, detail, _request_id(request), headers=headers)


async def _of_bug(request: Request, error: Exception) -> Response:
    request_id = _request_id(request)
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }  # no middleware adds them here
    if request_id:
        headers["X-Request-ID"] = request_id
    return _response(UNEXPECTED, str(UNEXPECTED.detail), request_id, headers=headers)
