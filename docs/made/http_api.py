"""The page of the HTTP API, from the committed OpenAPI document."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.made.markdown import code, table
from docs.made.schema import Json, kind, written

DOCUMENT = Path(__file__).parents[2] / "openapi" / "openapi.json"

_INTRODUCTION = """
# HTTP API

{description}

A running service shows the same at `/docs`, where every example can be tried, and hands the document itself
out at `/openapi.json`. This page is made from `openapi/openapi.json`, version {version}, at each build.

Requests and answers are JSON. Where a route takes an API key, send it as `Authorization: Bearer gh_...` or
`X-API-Key: gh_...` ([how keys work](../how-to/keys-and-tls.md)). Unknown fields in a request are refused.
"""


def http_api_page() -> str:
    """Return the page."""
    document = json.loads(DOCUMENT.read_text())
    info = document["info"]
    parts = [_INTRODUCTION.format(description=info["description"].strip(), version=info["version"])]
    routes = [
        (path, method, operation)
        for path, of_path in document["paths"].items()
        for method, operation in of_path.items()
    ]
    tags = {tag["name"]: tag.get("description", "") for tag in document.get("tags", ())}
    for tag in dict.fromkeys([*tags, *(operation["tags"][0] for *_, operation in routes)]):
        parts += [f"## {tag.capitalize()}", tags.get(tag, "")]
        for path, method, operation in routes:
            if operation["tags"][0] == tag:
                parts += _route(path, method.upper(), operation)
    parts += ["## Schemas", "What requests and answers hold. *Needed* fields are always there."]
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts += _schema(name, schema)
    return "\n\n".join(part for part in parts if part)


def _route(path: str, method: str, operation: Json) -> Iterator[str]:
    yield f"### {method} {path}"
    yield f"**{operation['summary']}.** {operation.get('description', '')}"
    yield _key_text(operation)
    if operation.get("parameters"):
        rows = [_parameter(parameter) for parameter in operation["parameters"]]
        yield table(("parameter", "in", "may be", "meaning"), rows)
    yield from _request(path, method, operation)
    yield table(("status", "answer", ""), [_answer(*answer) for answer in operation["responses"].items()])


def _key_text(operation: Json) -> str:
    security = operation.get("security")
    if not security:
        return ""
    if {} in security:
        return "Takes an API key only where `GREYHOUND_PROTECT=everything`."
    return "Takes an API key."


def _parameter(parameter: Json) -> tuple[str, ...]:
    needed = " (needed)" if parameter.get("required") else ""
    default = parameter["schema"].get("default")
    otherwise = f" Default: `{written(default)}`." if default not in (None, "") else ""
    meaning = parameter.get("description", "") + otherwise
    return code(parameter["name"]) + needed, parameter["in"], kind(parameter["schema"]), meaning


def _request(path: str, method: str, operation: Json) -> Iterator[str]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body, `{media}`: {kind(content.get('schema', {}))}."
        example = _example(content)
        if media != "application/json" or example is None:
            continue
        key = "" if {} in operation.get("security", [{}]) else ' -H "X-API-Key: $KEY"'
        body = json.dumps(example, indent=2, ensure_ascii=False).replace("'", "'\\''")
        address = f"localhost:8000{path.replace('{version}', '2')}"
        yield f"```\ncurl -s {address}{key} -H 'content-type: application/json' -d '{body}'\n```"


def _example(content: Json) -> Any:
    if "example" in content:
        return content["example"]
    examples = list(content.get("examples", {}).values())
    return examples[0].get("value") if examples else None


def _answer(status: str, answer: Json) -> tuple[str, ...]:
    contents = answer.get("content", {})
    schemas = [kind(content["schema"]) for content in contents.values() if content.get("schema")]
    return code(status), answer["description"], " or ".join(dict.fromkeys(schemas))


def _schema(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}"
    yield str(schema.get("description", ""))
    needed = schema.get("required", ())
    rows = []
    for field, of in schema.get("properties", {}).items():
        example = next(iter(of.get("examples", ())), of.get("example"))
        shown = "" if example is None or isinstance(example, dict | list) else f" E.g. `{written(example)}`."
        meaning = of.get("description", "") + shown
        rows.append((code(field), kind(of), "needed" if field in needed else "", meaning))
    if rows:
        yield table(("field", "may be", "", "meaning"), rows)
