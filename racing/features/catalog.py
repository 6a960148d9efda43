"""What a feature is: a function of a race view whose name is the feature's, in an ordered catalog.

Names are append-only: a changed formula is a new name. Every function returns one float a runner, NaN where
the answer is unknown, and sees nothing of the race's own day but its card.
"""

from collections.abc import Callable
from dataclasses import dataclass

from racing.domain.runs import Floats
from racing.features.view import RaceView

Formula = Callable[[RaceView], Floats]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the feature matrix."""

    name: str
    group: str
    """``card``, ``form``, ``ratings``, ``field``, ``rated`` or ``price``."""
    description: str
    formula: Formula
    is_categorical: bool = False
    needs: str = "results"
    """What must be known beside cards and results: ``results`` nothing, ``prices`` those of past races,
    ``rated`` what Betfair's model says of this very race, ``price_10m`` the market's price of it ten minutes
    before the off."""


KNOWS: dict[str, tuple[str, ...]] = {
    "results": ("results",),
    "form": ("results", "prices"),
    "rated": ("results", "prices", "rated"),
    "prices-10m": ("results", "prices", "price_10m"),
}
"""What a model may know: no prices at all; those of past races; beside them the rated price of the race
itself; or, instead of that, the market's price of the race ten minutes before the off."""

_CATALOG: dict[str, Feature] = {}


def feature(
    group: str, *, is_categorical: bool = False, needs: str = "results"
) -> Callable[[Formula], Formula]:
    """Enter a function into the catalog, under its own name, described by its docstring's first line."""

    def enter(formula: Formula) -> Formula:
        description = (formula.__doc__ or "").splitlines()[0]
        add_feature(Feature(formula.__name__, group, description, formula, is_categorical, needs))
        return formula

    return enter


def add_feature(new: Feature) -> None:
    """Enter a feature; two of one name are a mistake."""
    if new.name in _CATALOG:
        raise ValueError(f"a feature's name is unique, got {new.name!r} twice")
    _CATALOG[new.name] = new


def catalog() -> tuple[Feature, ...]:
    """Return all features entered so far, in order."""
    return tuple(_CATALOG.values())
