"""Which changes of an OpenAPI document break who relied on the one before.

There is one question about every schema: *does the wide one allow all that the narrow one allows?* Of a
request the new schema must be the wide one, since it must take what was taken; of an answer the old one,
since who knows it must understand what is answered now. Answers may gain fields; clients ignore what they
do not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
# Where a greater number allows more, and where a smaller one does.
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_SAME = ("pattern", "format")


def breaking_changes(old: Json, new: Json) -> list[str]:
    """Return a line for each change that breaks clients of the old document."""
    return list(dict.fromkeys(_of_documents(old, new)))


def _of_documents(old: Json, new: Json) -> Iterator[str]:
    for path, operations in old["paths"].items():
        for method, before in operations.items():
            name, after = f"{method.upper()} {path}", new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{name}: is gone"
                continue
            if before["operationId"] != after["operationId"]:
                yield f"{name}: operationId was {before['operationId']}, is {after['operationId']}"
            if {} in before.get("security", [{}]) and {} not in after.get("security", [{}]):
                yield f"{name}: takes a key now"
            yield from _of_parameters(name, before, after, old, new)
            yield from _of_bodies(name, before.get("requestBody"), after.get("requestBody"), old, new)
            yield from _of_answers(name, before["responses"], after["responses"], old, new)


def _of_parameters(name: str, before: Json, after: Json, old: Json, new: Json) -> Iterator[str]:
    had, has = ({(one["in"], one["name"]): one for one in op.get("parameters", [])} for op in (before, after))
    for key, parameter in has.items():
        if parameter.get("required") and not had.get(key, {}).get("required"):
            yield f"{name}: parameter {key[1]} is required now"
    for key, parameter in had.items():
        if key not in has:
            yield f"{name}: parameter {key[1]} is gone"
        else:
            compared = _Compared(narrow_in=old, wide_in=new, is_answer=False)
            yield from compared.misfits(parameter["schema"], has[key]["schema"], f"{name}: ?{key[1]}")


def _of_bodies(name: str, had: Json | None, has: Json | None, old: Json, new: Json) -> Iterator[str]:
    if has and has.get("required") and not (had or {}).get("required"):
        yield f"{name}: a body is required now"
    for kind, content in (had or {}).get("content", {}).items():
        taken = (has or {}).get("content", {}).get(kind)
        if taken is None:
            yield f"{name}: takes {kind} no more"
        else:
            compared = _Compared(narrow_in=old, wide_in=new, is_answer=False)
            yield from compared.misfits(content["schema"], taken["schema"], f"{name}: request")


def _of_answers(name: str, had: Json, has: Json, old: Json, new: Json) -> Iterator[str]:
    for status, before in had.items():
        after = has.get(status)
        if after is None:
            yield f"{name}: status {status} is gone"
            continue
        for header in before.get("headers", {}).keys() - after.get("headers", {}).keys():
            yield f"{name}: {status} has no header {header} any more"
        for kind, content in before.get("content", {}).items():
            answered = after.get("content", {}).get(kind)
            if answered is None:
                yield f"{name}: {status} is not {kind} any more"
            elif "schema" in content:
                compared = _Compared(narrow_in=new, wide_in=old, is_answer=True)
                yield from compared.misfits(
                    answered.get("schema", {}), content["schema"], f"{name}: {status}"
                )


@dataclass
class _Compared:
    """Two documents, and which of them has the schemas that must allow no more than those of the other."""

    narrow_in: Json
    wide_in: Json
    is_answer: bool

    def __post_init__(self) -> None:
        self._inside: set[tuple[str, str]] = set()

    def misfits(self, narrow: Json, wide: Json, where: str) -> Iterator[str]:
        """Yield why something that the narrow schema allows may not be allowed by the wide one."""
        pair = (str(narrow.get("$ref")), str(wide.get("$ref")))
        if pair in self._inside:  # a schema within itself
            return
        if "None" not in pair:
            self._inside.add(pair)
        choices = _choices(wide, self.wide_in)
        for one in _choices(narrow, self.narrow_in):
            found = min((list(self._of_choice(one, choice, where)) for choice in choices), key=len)
            yield from found
        self._inside.discard(pair)

    def _of_choice(self, narrow: Json, wide: Json, where: str) -> Iterator[str]:
        yield from self._of_values(narrow, wide, where)
        yield from self._of_fields(narrow, wide, where)
        for part, step in (("items", "[]"), ("additionalProperties", "{}")):
            inner, outer = narrow.get(part), wide.get(part)
            if isinstance(inner, dict) and isinstance(outer, dict):
                yield from self.misfits(inner, outer, where + step)

    def _of_values(self, narrow: Json, wide: Json, where: str) -> Iterator[str]:
        kinds = {narrow.get("type"), "number"} if narrow.get("type") == "integer" else {narrow.get("type")}
        if wide.get("type") is not None and wide["type"] not in kinds:
            yield self._difference(where, "type", narrow.get("type"), wide["type"])
            return
        allowed, values = _values(wide), _values(narrow)
        if allowed is not None and (values is None or not set(values) <= set(allowed)):
            yield self._difference(where, "values", values, allowed)
        for limit in (*_UPPER, *_LOWER, *_SAME):
            inner, outer = narrow.get(limit), wide.get(limit)
            if outer is None or inner == outer:
                continue
            fits = inner is not None and (
                (limit in _UPPER and inner <= outer) or (limit in _LOWER and inner >= outer)
            )
            if not fits:
                yield self._difference(where, limit, inner, outer)

    def _of_fields(self, narrow: Json, wide: Json, where: str) -> Iterator[str]:
        fields, known = narrow.get("properties", {}), wide.get("properties", {})
        for name in set(wide.get("required", ())) - set(narrow.get("required", ())):
            if not self.is_answer:
                yield f"{where}.{name}: is required now"
            elif name in fields:
                yield f"{where}.{name}: may be absent now"
        if self.is_answer:
            yield from (f"{where}.{name}: is gone" for name in known.keys() - fields.keys())
        elif wide.get("additionalProperties") is False:
            yield from (f"{where}.{name}: is not taken any more" for name in fields.keys() - known.keys())
        for name in fields.keys() & known.keys():
            yield from self.misfits(fields[name], known[name], f"{where}.{name}")

    def _difference(self, where: str, what: str, narrow: Any, wide: Any) -> str:
        before, after = (wide, narrow) if self.is_answer else (narrow, wide)
        return f"{where}: {what} was {_shown(before)}, is {_shown(after)}"


def _choices(schema: Json, document: Json) -> list[Json]:
    """Return the schemas of which a value fits one: of ``anyOf``, and of several types one each."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        return [choice for one in several for choice in _choices(one, document)]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return [schema]


def _values(schema: Json) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _shown(value: Any) -> str:
    return "open" if value is None else str(value)
