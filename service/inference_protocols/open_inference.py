"""The Open Inference Protocol V2 over REST, which MLServer, KServe and Triton speak.

After its specification, https://github.com/kserve/open-inference-protocol (inference_rest.md). The model
takes either one tensor ``features`` of shape (n_rows, n_features), or a tensor a feature of shape (n_rows,)
or (n_rows, 1); beside either, ``race_id``. JSON only: Triton's binary extension is not spoken.
"""

import importlib.metadata
import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Request, Response

from model_registry.errors import NoSuchVersion
from model_registry.registry import MODEL
from service.dependencies import json_body, state_of
from service.errors import FeaturesRefused, Stopping
from service.inference_protocols.feature_columns import PROBABILITY, RACE_ID, score_columns
from service.inference_protocols.native_errors import route_with_errors
from service.serving.slots import Snapshot

FEATURES = "features"
_MOST_VALUES = 1_000_000  # more than any body holds
Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64",
    "BYTES",
]  # fmt: skip


class RequestInput(msgspec.Struct, forbid_unknown_fields=True):
    """A tensor, its numbers flat or, with two axes, nested by rows; null is unknown."""

    name: str
    shape: list[int]
    datatype: Datatype
    data: list[Any]
    parameters: dict[str, Any] | None = None


class RequestOutput(msgspec.Struct, forbid_unknown_fields=True):
    """An output that is wanted."""

    name: str
    parameters: dict[str, Any] | None = None


class InferenceRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What ``infer`` takes."""

    inputs: list[RequestInput]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[RequestOutput] | None = None


def _error(status: int, sentence: str) -> Mapping[str, Any]:
    return {"error": sentence}


router = APIRouter(prefix="/v2", include_in_schema=False, route_class=route_with_errors(_error))
_decode = msgspec.json.Decoder(InferenceRequest).decode


@router.get("")
async def server_metadata() -> dict[str, Any]:
    """Answer who serves."""
    return {"name": "greyhound", "version": importlib.metadata.version("greyhound"), "extensions": []}


@router.get("/health/live")
async def server_live() -> dict[str, bool]:
    """Answer 200 as long as the process answers."""
    return {"live": True}


@router.get("/health/ready")
async def server_ready(request: Request) -> dict[str, bool]:
    """Answer 200 once a champion is loaded, and 503 before and when about to stop."""
    _champion(request, MODEL, None)
    return {"ready": True}


@router.get("/models/{name}/ready")
@router.get("/models/{name}/versions/{version}/ready")
async def model_ready(request: Request, name: str, version: str | None = None) -> dict[str, Any]:
    """Answer 200 if the model, or a version of it, serves."""
    _champion(request, name, version)
    return {"name": name, "ready": True}


@router.get("/models/{name}")
@router.get("/models/{name}/versions/{version}")
async def model_metadata(request: Request, name: str, version: str | None = None) -> dict[str, Any]:
    """Answer what the model takes and gives."""
    champion = _champion(request, name, version)
    n_features = len(champion.model.spec.features)
    return {
        "name": name,
        "versions": [str(champion.version)],
        "platform": "greyhound_onnx",
        "inputs": [
            {
                "name": FEATURES,
                "datatype": "FP32",
                "shape": [-1, n_features],
                "parameters": {"columns": list(champion.model.spec.features)},
            },
            {"name": RACE_ID, "datatype": "INT64", "shape": [-1], "parameters": {"optional": True}},
        ],
        "outputs": [{"name": PROBABILITY, "datatype": "FP64", "shape": [-1]}],
    }


@router.post("/models/{name}/infer")
@router.post("/models/{name}/versions/{version}/infer")
async def infer(request: Request, name: str, version: str | None = None) -> Response:
    """Score the rows of some races."""
    champion = _champion(request, name, version)
    request.scope["model_version"] = champion.version  # for the log line
    if "inference-header-content-length" in request.headers:
        raise FeaturesRefused("tensors must be sent as JSON: the binary extension is not spoken here")
    try:
        wanted = _decode(await json_body(request))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise FeaturesRefused(f"the body is no inference request: {error}") from None
    for output in wanted.outputs or ():
        if output.name != PROBABILITY:
            raise FeaturesRefused(f"the only output is {PROBABILITY!r}, got {output.name[:50]!r}")
    probabilities = score_columns(champion, _columns(wanted.inputs, champion), state_of(request).metrics)
    answer = {
        "model_name": name,
        "model_version": str(champion.version),
        "id": request.scope["request_id"] if wanted.id is None else wanted.id,
        "outputs": [
            {"name": PROBABILITY, "shape": [len(probabilities)], "datatype": "FP64", "data": probabilities}
        ],
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _champion(request: Request, name: str, version: str | None) -> Snapshot:
    state = state_of(request)
    if state.draining.has_begun:
        raise Stopping("the service is about to stop: send no more requests here")
    champion = state.slots.get()
    if name != MODEL:
        raise NoSuchVersion(f"the model here is {MODEL!r}, got {name[:50]!r}")
    if version is not None and version != str(champion.version):
        raise NoSuchVersion(
            f"version {champion.version} serves, and no other is loaded; got {version[:50]!r}"
        )
    return champion


def _columns(inputs: list[RequestInput], champion: Snapshot) -> dict[str, list[Any]]:
    """Return the inputs' tensors as columns by name."""
    columns: dict[str, list[Any]] = {}
    for tensor in inputs:
        values, shape = _flat(tensor), tensor.shape
        if tensor.name == FEATURES:
            names = champion.model.spec.features
            if len(shape) != 2 or shape[1] != len(names):
                rule = f"{FEATURES!r} must be of shape [n_rows, {len(names)}], a column a feature"
                raise FeaturesRefused(f"{rule}, got {shape}")
            parts = {name: values[place :: len(names)] for place, name in enumerate(names)}
        else:
            if len(shape) not in (1, 2) or shape[1:] not in ([], [1]):
                raise FeaturesRefused(
                    f"{tensor.name[:50]!r} must be of shape [n_rows] or [n_rows, 1], got {shape}"
                )
            parts = {tensor.name: values}
        if parts.keys() & columns.keys():
            raise FeaturesRefused(f"{tensor.name[:50]!r} gives a column a second time")
        columns |= parts
    return columns


def _flat(tensor: RequestInput) -> list[Any]:
    """Return a tensor's values in the order of its rows; nested, they are so once for each further axis."""
    name, shape, values = tensor.name[:50], tensor.shape, tensor.data
    if tensor.datatype == "BYTES" and tensor.name != RACE_ID:
        raise FeaturesRefused(f"{name!r} must be of numbers, got BYTES")
    if len(shape) not in (1, 2) or not all(0 <= size <= _MOST_VALUES for size in shape):
        raise FeaturesRefused(
            f"{name!r} must have a shape of one or two axes, each 0 to {_MOST_VALUES:,} long"
        )
    if len(shape) == 2 and any(isinstance(row, list) for row in values):
        values = [value for row in values for value in (row if isinstance(row, list) else [row])]
    if math.prod(shape) != len(values):
        rule = f"{name!r} must have as many values as its shape {shape} says"
        raise FeaturesRefused(f"{rule}, got {len(values)}")
    return values
