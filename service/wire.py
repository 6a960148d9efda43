"""The schemas once more, for speed: pydantic's models as msgspec's structs, made from their JSON Schemas.

Pydantic says what goes over the wire: it documents every field and words every error.  Reading a card of 8
runners with 6 runs each is the largest part of a request, though, and msgspec reads it in a third of the
time.  What it refuses is read again by pydantic, which decides, so it must never take what pydantic does not.
"""

import datetime as dt
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel


def struct_of(model: type[BaseModel], *, mode: str = "validation") -> Any:
    """Return the struct of a model: the same fields with the same limits, no unknown fields."""
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
                limits = msgspec.Meta(min_length=part.get("minItems"), max_length=part.get("maxItems"))
                return Annotated[list[type_of(part["items"])], limits]  # type: ignore[misc]
            case "string" if part.get("format") == "date":
                return dt.date
            case "string":
                pattern = part.get("pattern")
                limits = msgspec.Meta(
                    min_length=part.get("minLength"),
                    max_length=part.get("maxLength"),
                    # In Python's expressions $ also stands before a last line's end.
                    pattern=pattern and pattern.removesuffix("$") + r"\Z",
                )
                return Annotated[str, limits]
            case "integer" | "number" as kind:
                limits = msgspec.Meta(
                    ge=part.get("minimum"), le=part.get("maximum"), gt=part.get("exclusiveMinimum")
                )
                return Annotated[int if kind == "integer" else float, limits]
            case "boolean":
                return bool
        return _unreadable(part)

    def struct(name: str, part: dict[str, Any]) -> Any:
        fields = []
        for field, said in part["properties"].items():
            if field in part.get("required", ()):
                fields.append((field, type_of(said)))
            else:
                fields.append((field, type_of(said), said.get("default", [])))
        fields.sort(key=len)  # those without a default first
        known[name] = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True, gc=False)
        return known[name]

    return struct(schema["title"], schema)


def _unreadable(part: dict[str, Any]) -> Any:
    raise TypeError(f"a schema for the wire holds plain values, lists and models, got {part}")
