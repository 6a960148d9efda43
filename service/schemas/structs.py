"""Pydantic's models as msgspec's structs, made from their JSON Schemas: three times as fast to read."""

import datetime as dt
from collections.abc import Collection
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel


def structs_of(
    model: type[BaseModel], *, mode: str = "validation", absent: Collection[str] = ()
) -> dict[str, Any]:
    """Return the msgspec structs of a model and of the models in it, by name: same fields, same limits.

    Fields in ``absent`` are not written unless they are set.
    """
    schema = model.model_json_schema(mode=mode)  # type: ignore[arg-type]
    structs: dict[str, Any] = {}

    def type_of(part: dict[str, Any]) -> Any:
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            return structs.get(name) or struct(name, schema["$defs"][name])
        if "anyOf" in part:
            options = [type_of(option) for option in part["anyOf"]]
            return options[0] | None if options[1] is None else _unsupported(part)
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
                bounds: Any = {name: part[keyword] for name, keyword in limits.items() if keyword in part}
                number: Any = int if part["type"] == "integer" else float
                return Annotated[number, msgspec.Meta(**bounds)] if bounds else number
            case "boolean":
                return bool
        return _unsupported(part)

    def struct(name: str, part: dict[str, Any]) -> Any:
        fields: list[Any] = []
        for field, of_field in part["properties"].items():
            if field in absent:
                fields.append((field, type_of(of_field) | msgspec.UnsetType, msgspec.UNSET))
            elif field in part.get("required", ()):
                fields.append((field, type_of(of_field)))
            else:
                fields.append((field, type_of(of_field), of_field.get("default", [])))
        fields.sort(key=len)  # those without a default first
        structs[name] = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True, gc=False)
        return structs[name]

    struct(schema["title"], schema)
    return structs


def _unsupported(part: dict[str, Any]) -> Any:
    raise TypeError(f"a schema for structs holds plain values, lists and models, got {part}")
