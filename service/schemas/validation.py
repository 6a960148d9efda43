"""Reads a body by its model, and collects the first faults only: enough to mend it, however many it has.

Pydantic collects every fault, and 256 KiB hold 30,000: that took a quarter of a second, to show fifty. So a
body that is refused is cut down to what shows fifty faults and one, and pydantic describes those.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, from_json, to_json

MAX_FAULTS = 50
Model = TypeVar("Model", bound=BaseModel)
Path = tuple[str | int, ...]
IsGood = Callable[[type[BaseModel], Any], bool]
"""Returns whether a part of a body surely has no fault."""


def is_valid(model: type[BaseModel], part: Any) -> bool:
    """Return whether pydantic takes a part of a body."""
    try:
        model.__pydantic_validator__.validate_json(to_json(part, inf_nan_mode="constants"))
    except ValidationError:
        return False
    return True


def validated(model: type[Model], body: bytes, is_good: IsGood = is_valid) -> Model:
    """Return what a body of JSON holds.

    Raises
    ------
    pydantic.ValidationError
        With every fault, or with some more than fifty: the first ones.
    """
    try:
        whole = from_json(body)
    except ValueError:
        return model.model_validate_json(body)  # which says where it is no JSON
    few = _Cut(is_good)
    part = few.of(model, whole, ())
    if few.has_cut:
        try:
            model.model_validate_json(to_json(part, inf_nan_mode="constants"))
        except ValidationError as error:
            raise _with_true_lengths(error, few.lengths) from None
    return model.model_validate_json(body)


class _Cut:
    """Takes out of a body what follows its first faults."""

    def __init__(self, is_good: IsGood) -> None:
        self._is_good = is_good
        self._n_left = MAX_FAULTS + 1
        self.has_cut = False
        self.lengths: dict[Path, int] = {}
        """Of lists that are too long, and are no longer so long."""

    def of(self, model: type[BaseModel], part: Any, path: Path) -> Any:
        """Return a part of a body that has faults, without what follows the first ones."""
        if not isinstance(part, dict):
            self._n_left -= 1
            return part
        n_before, lists = self._n_left, _lists_of(model)
        shortened = self._without_most_unknown_fields(part, _names_of(model))
        for name, (inner, max_length) in lists.items():
            if isinstance(shortened.get(name), list):
                shortened[name] = self._of_list(inner, max_length, shortened[name], (*path, name))
        if self._n_left == n_before:  # the fault is in a field of its own
            self._n_left -= 1
        return shortened

    def _of_list(
        self, model: type[BaseModel], max_length: int | None, parts: list[Any], path: Path
    ) -> list[Any]:
        if max_length is not None and len(parts) > max_length:
            self._n_left -= 1
            self.has_cut = True
            self.lengths[path] = len(parts)
            return [None] * (max_length + 1)  # one fault: too many
        shortened: list[Any] = []
        for number, part in enumerate(parts):
            if self._n_left <= 0:
                self.has_cut = True
                break
            shortened.append(part if self._is_good(model, part) else self.of(model, part, (*path, number)))
        return shortened

    def _without_most_unknown_fields(self, part: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
        shortened: dict[str, Any] = {}
        for name, value in part.items():
            if name not in names:
                if self._n_left <= 0:
                    self.has_cut = True
                    continue
                self._n_left -= 1
            shortened[name] = value
        return shortened


def _with_true_lengths(error: ValidationError, lengths: Mapping[Path, int]) -> ValidationError:
    """Return the error of a cut body with the lengths that its lists had."""
    faults: list[InitErrorDetails] = []
    for fault in error.errors(include_url=False, include_input=False):
        text = fault["msg"]
        if fault["type"] == "too_long" and fault["loc"] in lengths:
            text = text.replace(f"not {fault['ctx']['actual_length']}", f"not {lengths[fault['loc']]}")
        kind = PydanticCustomError(fault["type"], "{text}", {"text": text})
        faults.append({"type": kind, "loc": fault["loc"], "input": None})
    return ValidationError.from_exception_data(error.title, faults)


@cache
def _names_of(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items())


@cache
def _lists_of(model: type[BaseModel]) -> dict[str, tuple[type[BaseModel], int | None]]:
    """Return the fields that are lists of models, with the model and the longest length."""
    found = {}
    for name, field in model.model_fields.items():
        inner = next(_models_in(field.annotation), None)
        if inner is not None:
            lengths = [limit.max_length for limit in field.metadata if hasattr(limit, "max_length")]
            found[field.alias or name] = (inner, lengths[0] if lengths else None)
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if get_origin(annotation) is Annotated:
        yield from _models_in(get_args(annotation)[0])
    elif get_origin(annotation) is list:
        (inner,) = get_args(annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield inner
