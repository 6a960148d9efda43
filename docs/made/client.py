"""The generated part of the Python client's page: its methods and its errors, from their docstrings."""

import inspect
from collections.abc import Iterable, Iterator
from typing import get_args, get_type_hints

import greyhound_client
from docs.made.markdown import code, of_docstring, table
from greyhound_client import GreyhoundClient, GreyhoundError, RetryPolicy


def client_page() -> str:
    """Return what is added to the page."""
    parts = ["", "## GreyhoundClient", *_of_class(GreyhoundClient)]
    for name, method in inspect.getmembers(GreyhoundClient, inspect.isfunction):
        if not name.startswith("_"):
            parts += [f"### {name}", _signature(name, method), of_docstring(inspect.getdoc(method))]
    parts += ["## RetryPolicy", *_of_class(RetryPolicy)]
    parts += ["## Errors", table(("error", "is a", "meaning"), [_error(error) for error in _errors()])]
    parts += [
        "A `Problem` carries the answer of the service:",
        *_of_class(greyhound_client.Problem, signature=False),
    ]
    return "\n\n".join(parts) + "\n"


def _of_class(cls: type, *, signature: bool = True) -> Iterator[str]:
    """Yield its signature and docstring; the entries of a numpydoc section become definitions."""
    if signature:
        yield _signature(cls.__name__, cls)
    sections = inspect.getdoc(cls) or ""
    text, _, entries = sections.partition("\n\nParameters\n")
    if not entries:
        text, _, entries = sections.partition("\n\nAttributes\n")
    yield of_docstring(text)
    items: list[list[str]] = []
    for line in entries.splitlines()[1:]:
        if line.strip() and not line.startswith(" "):
            items.append([line.strip()])
        elif items:
            items[-1].append(line.strip())
    for head, *body in items:
        names, _, kind = head.partition(" : ")
        yield f"`{names}`\n:   {of_docstring(' '.join(body))}" + (f" <small>{kind}</small>" if kind else "")


def _signature(name: str, what: object) -> str:
    """Return it as Python writes it, a parameter a line where it is long."""
    signature = inspect.signature(what)  # type: ignore[arg-type]
    places, names = [], []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            names += [f"{key}: {_kind(of)} = ..." for key, of in _keys(parameter.annotation)]
        elif parameter.kind is parameter.KEYWORD_ONLY:
            names.append(_parameter(parameter))
        elif parameter.name not in ("self", "client"):
            places.append(_parameter(parameter))
    parameters = [*places, "*", *names] if names else places
    answer = signature.return_annotation
    returns = "" if answer in (inspect.Signature.empty, None) else f" -> {_kind(answer)}"
    line = f"{name}({', '.join(parameters)}){returns}"
    if len(line) > 90:
        line = f"{name}(\n" + "".join(f"    {each},\n" for each in parameters) + f"){returns}"
    return f"```python\n{line}\n```"


def _parameter(parameter: inspect.Parameter) -> str:
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{parameter.name}: {_kind(parameter.annotation)}{default}"


def _keys(unpacked: object) -> Iterable[tuple[str, object]]:
    """Return the keys of a typed dictionary that is unpacked into keywords, and what each may be."""
    return get_type_hints(get_args(unpacked)[0]).items()


def _kind(annotation: object) -> str:
    text = inspect.formatannotation(annotation).replace("~", "")
    for module in ("models", "endpoints", "transport", "errors"):
        text = text.replace(f"greyhound_client.{module}.", "")
    for module in ("typing.", "collections.abc.", "datetime."):
        text = text.replace(module, "")
    return text


def _errors() -> list[type[Exception]]:
    members = [getattr(greyhound_client, name) for name in greyhound_client.__all__]
    errors = [one for one in members if isinstance(one, type) and issubclass(one, GreyhoundError)]
    return sorted(errors, key=lambda error: [base.__name__ for base in reversed(error.__mro__)])


def _error(error: type[Exception]) -> tuple[str, str, str]:
    base = error.__mro__[1].__name__
    return code(error.__name__), code(base), of_docstring((error.__doc__ or "").split("\n\n")[0])
