"""The schemas once more, for speed: pydantic's models as msgspec's structs, made from their JSON Schemas.

Pydantic says what goes over the wire: it documents every field and words every error.  Reading a card of 8
runners with 6 runs each is the largest part of a request, though, and msgspec reads it in a third of the
time.  What it refuses is read again by pydantic, which decides, so it must never take what pydantic does not.
"""

import datetime as dt
from typing import Annotated, Any, cast

import msgspec
from pydantic import BaseModel

from racing.domain.cards import Card
from service.faults import validated
from service.schemas import CardIn


def structs_of(model: type[BaseModel], *, mode: str = "validation") -> dict[str, Any]:
    """Return the structs of a model and of the models in it, by name: the same fields, the same limits."""
    schema = model.model_json_schema(mode=mode)  # type: ignore[arg-type]
    known: dict[str, Any] = {}

    def type_of(part: dict[str, Any]) -> Any:
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            return known.get(name) or struct(name, schema["$defs"][name])
        if "anyOf" in part:
            options = [type_of(option) for option in part["anyOf"]]
            return options[0] | None if options[1] is None else _unreadable(part)
        match part.get("type"):
            case "null":
                return None
            case "array":
                length = msgspec.Meta(min_length=part.get("minItems"), max_length=part.get("maxItems"))
                return Annotated[list[type_of(part["items"])], length]  # type: ignore[misc]
            case "string" if part.get("format") == "date":
                return dt.date
            case "string":
                pattern = part.get("pattern")
                text = msgspec.Meta(
                    min_length=part.get("minLength"),
                    max_length=part.get("maxLength"),
                    # In Python's expressions $ also stands before a last line's end.
                    pattern=pattern and pattern.removesuffix("$") + r"\Z",
                )
                return Annotated[str, text]
            case "integer" | "number":
                limits = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum"}
                given: Any = {name: part[said] for name, said in limits.items() if said in part}
                number: Any = int if part["type"] == "integer" else float
                return Annotated[number, msgspec.Meta(**given)] if given else number
            case "boolean":
                return bool
        return _unreadable(part)

    def struct(name: str, part: dict[str, Any]) -> Any:
        fields: list[Any] = []
        for field, said in part["properties"].items():
            if field in part.get("required", ()):
                fields.append((field, type_of(said)))
            else:
                fields.append((field, type_of(said), said.get("default", [])))
        fields.sort(key=len)  # those without a default first
        known[name] = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True, gc=False)
        return known[name]

    struct(schema["title"], schema)
    return known


def _unreadable(part: dict[str, Any]) -> Any:
    raise TypeError(f"a schema for the wire holds plain values, lists and models, got {part}")


_STRUCTS = structs_of(CardIn)
_READ_CARD = msgspec.json.Decoder(_STRUCTS[CardIn.__name__]).decode


def read_card(body: bytes) -> Card:
    """Return the card of a request's body.

    It has the attributes of :class:`racing.domain.cards.Card`, with lists for tuples.

    Raises
    ------
    pydantic.ValidationError
        With every fault of the body, or the first ones if they are more than fifty.
    """
    try:
        card = _READ_CARD(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        card = validated(CardIn, body, _is_good)
    return cast(Card, card)


def _is_good(model: type[BaseModel], part: Any) -> bool:
    try:
        msgspec.convert(part, _STRUCTS[model.__name__])
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
