"""No client of the released API is broken unawares, and what finds it finds every kind of change."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.openapi.breaking import Json, breaking_changes
from tests.openapi.client_models import ROOT

FOLDER = ROOT / "openapi"
Change = Callable[[Json], Any]


def read(name: str) -> Json:
    found: Json = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return found


RELEASED = read("released.json")


def major(document: Json) -> int:
    return int(document["info"]["version"].partition(".")[0])


def test_the_released_api_is_not_broken_unless_its_major_version_says_so() -> None:
    now = read("openapi.json")
    broken = breaking_changes(RELEASED, now)
    assert broken == [] or major(now) > major(RELEASED), (
        f"{broken}: mend it, or give the API a new major version; openapi/CHANGELOG.md says how"
    )


def test_the_changelog_tells_of_the_released_version_and_of_the_present_one() -> None:
    found = re.findall(r"^## (\d+\.\d+\.\d+)", (FOLDER / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert found[0] == read("openapi.json")["info"]["version"]
    assert RELEASED["info"]["version"] in found


def schema(document: Json, name: str) -> Json:
    found: Json = document["components"]["schemas"][name]
    return found


def field(document: Json, name: str, of: str) -> Json:
    found: Json = schema(document, of)["properties"][name]
    return found


def predict(document: Json) -> Json:
    found: Json = document["paths"]["/predict"]["post"]
    return found


def scores_by(document: Json) -> Json:
    found: Json = document["paths"]["/predictions/score"]["get"]
    return next(parameter for parameter in found["parameters"] if parameter["name"] == "by")


def require(document: Json, name: str, of: str) -> None:
    schema(document, of).setdefault("required", []).append(name)


BREAKING: dict[str, tuple[Change, str]] = {
    "a removed path": (lambda d: d["paths"].pop("/rollback"), "POST /rollback: is gone"),
    "a removed operation": (lambda d: d["paths"]["/models"].pop("get"), "GET /models: is gone"),
    "a renamed operation": (
        lambda d: predict(d).update(operationId="ask"), "POST /predict: operationId was predict, is ask"
    ),
    "a key that is needed": (lambda d: predict(d).update(security=[{"bearer": []}]), "takes a key now"),
    "a removed status": (lambda d: predict(d)["responses"].pop("422"), "POST /predict: status 422 is gone"),
    "a removed header": (
        lambda d: predict(d)["responses"]["200"]["headers"].pop("X-Request-ID"), "no header X-Request-ID"
    ),
    "another media type of an answer": (
        lambda d: predict(d)["responses"]["200"].update(content={"text/csv": {}}),
        "200 is not application/json any more",
    ),
    "another media type of a request": (
        lambda d: predict(d)["requestBody"]["content"].pop("application/json"),
        "takes application/json no more",
    ),
    "a removed field of an answer": (
        lambda d: schema(d, "RunnerOut")["properties"].pop("rank"), "200.runners[].rank: is gone"
    ),
    "a field of an answer that may be absent": (
        lambda d: schema(d, "RunnerOut")["required"].remove("rank"), "runners[].rank: may be absent now"
    ),
    "an answer that may be null": (
        lambda d: field(d, "rank", "RunnerOut").update(type=["integer", "null"]),
        "rank: type was integer, is null",
    ),
    "a wider type of an answer": (
        lambda d: field(d, "rank", "RunnerOut").update(type="number"), "rank: type was integer, is number"
    ),
    "a wider range of an answer": (
        lambda d: field(d, "win_probability", "RunnerOut").update(maximum=100), "maximum was 1"
    ),
    "a new value of an answer": (
        lambda d: field(d, "action", "PromotionOut")["enum"].append("retire"), "action: values was"
    ),
    "another format of an answer": (
        lambda d: field(d, "at", "PromotionOut").pop("format"), "at: format was date-time, is open"
    ),
    "other values of a mapping": (
        lambda d: field(d, "metrics", "VersionOut")["additionalProperties"].update(type="string"),
        "metrics{}: type was number, is string",
    ),
    "a new required field of a request": (
        lambda d: require(d, "grade", "CardIn"), "grade: is required now"
    ),
    "a removed field of a request": (
        lambda d: schema(d, "RaceResultIn")["properties"].pop("grade"), "grade: is not taken any more"
    ),
    "a narrower range of a request": (
        lambda d: field(d, "box", "RunnerIn").update(maximum=8), "runners[].box: maximum was 10, is 8"
    ),
    "a new limit of a request": (
        lambda d: field(d, "name", "RunnerIn").update(pattern="^[A-Z]+$"), "name: pattern was open"
    ),
    "fewer in a request": (
        lambda d: field(d, "runners", "CardIn").update(maxItems=8), "runners: maxItems was 10, is 8"
    ),
    "a narrower type of a request": (
        lambda d: field(d, "bsp", "RunnerResultIn").update(anyOf=[{"type": "integer"}, {"type": "null"}]),
        "bsp: type was number, is integer",
    ),
    "null no longer taken": (
        lambda d: field(d, "price", "RunnerIn")["anyOf"].pop(), "price: type was null, is number"
    ),
    "fewer values of a parameter": (
        lambda d: scores_by(d)["schema"]["enum"].remove("track"), "?by: values was"
    ),
    "a new required parameter": (
        lambda d: predict(d)["parameters"].append(
            {"name": "day", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "parameter day is required now",
    ),
    "a removed parameter": (
        lambda d: predict(d).update(parameters=predict(d)["parameters"][1:]), "parameter explain is gone"
    ),
}  # fmt: skip

# Of results, as a card is answered too (`POST /cards`), where looser rules are no harmless change.
HARMLESS: dict[str, Change] = {
    "other text": lambda d: predict(d).update(summary="Odds", description="All new."),
    "a new path": lambda d: d["paths"].update({"/new": d["paths"]["/models"]}),
    "a new status": lambda d: predict(d)["responses"].update({"418": {"description": "A teapot."}}),
    "a new field of an answer": lambda d: schema(d, "RunnerOut")["properties"].update(x={"type": "string"}),
    "a new optional field of a request": lambda d: schema(d, "CardIn")["properties"].update(
        x={"type": "string"}
    ),
    "a wider range of a request": lambda d: field(d, "distance_m", "RaceResultIn").update(maximum=2000),
    "a field of a request that is not needed": lambda d: schema(d, "RaceResultIn")["required"].remove(
        "track"
    ),
    "a narrower range of an answer": lambda d: field(d, "rank", "RunnerOut").update(maximum=10),
    "a new value of a parameter": lambda d: scores_by(d)["schema"]["enum"].append("grade"),
    "a new optional parameter": lambda d: predict(d)["parameters"].append(
        {"name": "day", "in": "query", "schema": {"type": "string"}}
    ),
    "an answer that is never null any more": lambda d: field(d, "combined_probability", "RunnerOut")[
        "anyOf"
    ].pop(),
}


@pytest.mark.parametrize("kind", BREAKING)
def test_a_change_that_breaks_clients_is_found_and_nothing_else(kind: str) -> None:
    change, text = BREAKING[kind]
    changed = copy.deepcopy(RELEASED)
    change(changed)
    found = breaking_changes(RELEASED, changed)
    assert found
    assert all(text in line for line in found), found


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_change_that_breaks_nobody_is_let_by(kind: str) -> None:
    changed = copy.deepcopy(RELEASED)
    HARMLESS[kind](changed)
    assert changed != RELEASED
    assert breaking_changes(RELEASED, changed) == []
