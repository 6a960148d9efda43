"""MLflow's scoring protocol, as ``mlflow models serve`` speaks it for the same registered model.

Bodies and answers after https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally (MLflow 3).
"""

import csv
import importlib.metadata
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from service.dependencies import state_of
from service.errors import BodyUnreadable, FeaturesRefused, NotJson
from service.inference_protocols.feature_columns import (
    PROBABILITY,
    RACE_ID,
    Columns,
    score_columns,
    score_matrix,
)
from service.inference_protocols.native_errors import route_with_errors
from service.observability.metrics import Metrics
from service.request_bodies import CSV, JSON, media_type_of, utf8_of
from service.serving.slots import Snapshot

_CODES = {400: "BAD_REQUEST", 404: "RESOURCE_DOES_NOT_EXIST", 503: "TEMPORARILY_UNAVAILABLE"}
_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def _error(status: int, sentence: str) -> Mapping[str, Any]:
    return {
        "error_code": _CODES.get(status, "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST"),
        "message": sentence,
    }


router = APIRouter(include_in_schema=False, route_class=route_with_errors(_error))


@router.get("/ping")
@router.get("/health")
async def ping(request: Request) -> Response:
    """Answer 200 once a champion is loaded."""
    state_of(request).slots.get()
    return Response("\n", media_type="application/json")


@router.get("/version")
async def version() -> Response:
    """Answer with the version of MLflow, as its server does; what serves has its skinny package only."""
    return Response(importlib.metadata.version("mlflow-skinny"), media_type="text/plain")


@router.post("/invocations")
async def invocations(request: Request) -> Response:
    """Score rows of features, JSON in one of four forms or CSV with a header."""
    state = state_of(request)
    champion, body = state.slots.get(), await request.body()
    request.scope["model_version"] = champion.version  # for the log line
    match media_type_of(request, default=JSON):
        case "application/json":
            probabilities = _score_json(champion, _parsed(utf8_of(body)), state.metrics)
        case "text/csv":
            probabilities = score_columns(champion, _csv_columns(body), state.metrics)
        case other:
            raise NotJson(
                f"send the header `Content-Type: {JSON}` or `Content-Type: {CSV}`, not {other[:50]!r}"
            )
    predictions = [{PROBABILITY: probability} for probability in probabilities]
    return Response(json.dumps({"predictions": predictions}), media_type=JSON)


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body, parse_constant=_unknown)  # pandas users write NaN
    except (ValueError, RecursionError) as error:
        raise BodyUnreadable(f"the body is no JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise FeaturesRefused(f"the body must be an object with one of {', '.join(_FORMS)}")
    return parsed


def _unknown(constant: str) -> None:
    if constant != "NaN":
        raise ValueError(f"{constant} is no number that a feature can have")


def _score_json(champion: Snapshot, body: Mapping[str, Any], metrics: Metrics) -> list[float]:
    forms = [form for form in _FORMS if form in body]
    if len(forms) != 1 or set(body) - {*_FORMS, "params"}:
        raise FeaturesRefused(
            f"the body must have one of {', '.join(_FORMS)}, got {', '.join(sorted(body)[:5]) or 'none'}"
        )
    if body.get("params"):
        raise FeaturesRefused("this model takes no params")
    (form,) = forms
    rows = body[form]
    match form, rows:
        case "dataframe_split", {"columns": list(names), "data": list(data)}:
            return score_columns(champion, _columns_of_rows(names, data), metrics)
        case "dataframe_records" | "instances", [dict(), *_]:
            return score_columns(champion, _columns_of_records(rows), metrics)
        case "inputs", dict():
            return score_columns(champion, {name: _as_list(name, rows[name]) for name in rows}, metrics)
        case "instances" | "inputs", [list(), *_]:
            return score_matrix(champion, [_as_list("a row", row) for row in rows], metrics)
    raise FeaturesRefused(
        f"{form} is not in one of MLflow's forms, see docs/how-to/other-servers-protocols.md"
    )


def _columns_of_rows(names: Sequence[Any], rows: Sequence[Any]) -> Columns:
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise FeaturesRefused("columns must be texts, each once")
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise FeaturesRefused(f"row {number} must be a list of {len(names)} values, one a column")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _columns_of_records(records: Sequence[Any]) -> Columns:
    if not all(isinstance(record, dict) for record in records):
        raise FeaturesRefused("records must all be objects, a row each")
    names = dict.fromkeys(name for record in records for name in record)
    return {name: [record.get(name) for record in records] for name in names}


def _csv_columns(body: bytes) -> Columns:
    """Return the columns of a CSV with a header; an empty field, NaN or NA is unknown, as pandas reads it."""
    try:
        header, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise BodyUnreadable(f"the body is no CSV in UTF-8 with a header: {error}") from None
    columns = _columns_of_rows(header, [row for row in rows if row])
    return {name: list(map(_race_id if name == RACE_ID else _number, columns[name])) for name in columns}


def _race_id(field: str) -> str | None:
    return field.strip() or None


def _number(field: str) -> float | str | None:
    if field.strip().lower() in ("", "nan", "na", "null"):
        return None
    try:
        return float(field)
    except ValueError:
        return field  # refused with its column and row


def _as_list(name: Any, value: Any) -> list[Any]:
    """Return a list of numbers; of ``[[1], [2]]``, a column as numpy would write it, its values."""
    if not isinstance(value, list):
        raise FeaturesRefused(f"{name} must be a list of numbers")
    if value and all(isinstance(part, list) and len(part) == 1 for part in value):
        return [part[0] for part in value]
    return value
