"""The option of what a training's features may know, and what the champion knows."""

from collections.abc import Callable
from typing import Any

import click

from model_registry.registry import ModelRegistry
from racing.features import KNOWS, knowledge_of
from training.evaluation.champion import champion_inputs

AS_BY_DEFAULT = "form"


def knows_option(*, default: str | None, otherwise: str = "") -> Callable[[Callable[..., Any]], Any]:
    """Return ``--knows``; without a default the help text says what happens ``otherwise``."""
    return click.option(
        "--feature-scope",
        "--knows",
        "feature_scope",
        type=click.Choice(list(KNOWS)),
        default=default,
        show_default=default is not None,
        help="Which prices features may hold: `results` none, `form` those of past races, `rated` also the "
        "rated price of the race itself, `prices-10m` instead the market's ten minutes before the off."
        f"{otherwise}",
    )


def as_the_champion(registry: ModelRegistry) -> str:
    """Return what the champion knows; ``form`` if there is none, or none whose inputs this release has."""
    return knowledge_of(champion_inputs(registry)) or AS_BY_DEFAULT
