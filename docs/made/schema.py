"""JSON Schema as a phrase: what a value may be."""

import json
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]

_BOUNDS = {
    "exclusiveMinimum": "above {:g}",
    "minimum": "from {:g}",
    "exclusiveMaximum": "below {:g}",
    "maximum": "to {:g}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}
_TYPES = {"integer": "whole number", "string": "text", "boolean": "true or false", "array": "list"}


def kind(schema: Json, link: str = "#{}") -> str:
    """Return what a value may be, in Markdown: its type, its bounds, or a link to its schema."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}]({link.format(name.lower())})"
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(kind(choice, link) for choice in choices))
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    name = schema.get("format") or schema.get("type", "anything")
    phrase = [{"null": "null"}.get(name, _TYPES.get(name, name))]
    if name == "array" and "items" in schema:
        phrase = [f"list of {kind(schema['items'], link)}"]
    if name == "object" and isinstance(schema.get("additionalProperties"), dict):
        phrase = [f"object of {kind(schema['additionalProperties'], link)}"]
    bounds = [template.format(schema[name]) for name, template in _BOUNDS.items() if name in schema]
    return " ".join([*phrase, ", ".join(bounds)]).strip()


def written(value: object) -> str:
    """Return a default as one writes it; nothing for none."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return f"{value:g}"
    return json.dumps(list(value) if isinstance(value, tuple) else value)
