"""How figures and names are written in the report; an unknown figure is a dash."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from racing.metrics import Difference
from training.export.summary import BALANCES, KINDS, NOUNS

MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EN DASH}"


def number(value: float | None, digits: int = 4) -> str:
    """Return a figure with fixed decimals."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:,.{digits}f}".replace("-", MINUS)


def signed(value: float | None, digits: int = 4) -> str:
    """Return a difference with its sign."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:+.{digits}f}".replace("-", MINUS)


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in percent."""
    text = number(share if share is None else 100 * share, digits)
    return text if text == UNKNOWN else f"{text}\N{NO-BREAK SPACE}%"


def interval(gap: Difference, digits: int = 4) -> str:
    """Return a difference with its 95 % interval."""
    if not math.isfinite(gap.difference):
        return UNKNOWN
    return f"{signed(gap.difference, digits)} [{signed(gap.low, digits)}, {signed(gap.high, digits)}]"


def with_error(gap: Difference | None) -> str:
    """Return a difference with its standard error in brackets."""
    if gap is None or not math.isfinite(gap.difference):
        return UNKNOWN
    return f"{signed(gap.difference)} ({(gap.high - gap.low) / 3.92:.4f})"


def level_with_error(level: Difference | None) -> str:
    """Return a loss with its standard error in brackets."""
    if level is None or not math.isfinite(level.difference):
        return UNKNOWN
    return f"{number(level.difference)} ({(level.high - level.low) / 3.92:.4f})"


def parameter(value: Any) -> str:
    """Return the value of a model's parameter with three digits."""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def kind(name: str) -> str:
    """Return a family's name as people write it."""
    return KINDS.get(name, name.replace("_", " "))


def noun(name: str) -> str:
    """Return a family or a blend as it stands within a sentence, with its article."""
    return NOUNS.get(name, name.replace("_", " "))


def balance(name: str) -> str:
    """Return what is done about the few winners, as people call it."""
    return BALANCES.get(name, "nothing" if name == "none" else name)


def races_text(window: Mapping[str, Any]) -> str:
    """Return how many races a part of the data has: whole ones, and apart from them the others."""
    whole, others = window["races"], window.get("other_races", 0)
    races = f"{whole:,} whole race" + ("" if whole == 1 else "s")
    return f"{races} and {others:,} known in part" if others else races


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def among(names: Sequence[str]) -> str:
    """Return names as a sentence lists them."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
