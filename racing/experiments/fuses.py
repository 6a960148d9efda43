"""Fuses: a version that was just promoted and fails at its work goes back at once, without statistics.

What a process saw of the champion's latest answers is held against fixed limits. A quality verdict takes
hundreds of races; a version that gives errors, no numbers or late answers shows within seconds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FuseName = Literal["errors", "not-scored", "slow", "golden", "range"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FuseLimits:
    """When a fuse blows. Each asks for several cards: one strange card is nobody's fault."""

    hours: float = 24.0
    """After a promotion, in which fuses act; 0 is never. Later a failure is rather the surroundings'."""
    model_ms: float = 50.0
    """The model's time for a card: the median of ``n_cards``, or the 95th percentile of ``n_more_cards``."""
    n_cards: int = 20
    """Cards at least, where most of them are slow."""
    n_more_cards: int = 100
    """Cards at least, for a tail of slow ones, and for the range of probabilities."""
    n_failures: int = 5
    """Unexpected errors at least."""
    failure_share: float = 0.02
    """Of the latest cards, that may end in an unexpected error."""
    n_not_scored: int = 3
    """Cards for which the model gave no finite number."""
    beyond_share: float = 0.25
    """Of the probabilities, that may lie beyond all that the training's test races had: coarse, since fields
    and tracks differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestAnswers:
    """What one process saw of the champion: its latest cards, the oldest first."""

    version: int
    n_errors: int = 0
    """Unexpected errors among the latest cards."""
    n_not_scored: int = 0
    n_cards: int = 0
    """Latest cards, failed ones included."""
    model_ms: NDArray[np.float64]
    """Of shape (n_answered,): the model's time for each card."""
    probabilities: NDArray[np.float64]
    """Of shape (n_runners,): the win probabilities given."""
    golden_error: str | None = None
    """What is wrong with the golden card, scored again just now; None if nothing is."""


@dataclass(frozen=True, slots=True)
class BlownFuse:
    """A limit that the champion broke, in a sentence and numbers."""

    name: FuseName
    reason: str
    numbers: dict[str, float]


def blown_fuse(
    seen: LatestAnswers, limits: FuseLimits, *, reference: tuple[float, float] | None = None
) -> BlownFuse | None:
    """Return the first limit that the latest answers break, if one does.

    Parameters
    ----------
    reference
        Between which all probabilities of the training's test races lay, see :func:`usual_range`.
    """
    return next(_blown(seen, limits, reference), None)


def usual_range(reference: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the least and greatest win probability of the training's test races, by ``reference.json``.

    None where the artifact does not say.
    """
    described = reference.get("win_probability")
    if not isinstance(described, Mapping):
        return None
    low, high = described.get("min"), described.get("max")
    if not (isinstance(low, int | float) and isinstance(high, int | float) and 0 <= low < high <= 1):
        return None
    return float(low), float(high)


def _blown(
    seen: LatestAnswers, limits: FuseLimits, reference: tuple[float, float] | None
) -> Iterator[BlownFuse]:
    version = f"version {seen.version}"
    if seen.n_not_scored >= limits.n_not_scored:
        numbers = {"n_not_scored": float(seen.n_not_scored), "n_cards": float(seen.n_cards)}
        rule = f"gave no finite number for {seen.n_not_scored} of its latest {seen.n_cards} cards"
        yield BlownFuse(
            "not-scored", f"{version} {rule} (allowed: fewer than {limits.n_not_scored})", numbers
        )
    share = seen.n_errors / max(seen.n_cards, 1)
    if seen.n_errors >= limits.n_failures and share > limits.failure_share:
        numbers = {"n_errors": float(seen.n_errors), "n_cards": float(seen.n_cards), "share": share}
        rule = f"failed on {seen.n_errors} of its latest {seen.n_cards} cards"
        yield BlownFuse("errors", f"{version} {rule} (allowed: {limits.failure_share:.0%})", numbers)
    if seen.golden_error is not None:
        yield BlownFuse("golden", f"{version} no longer answers its golden card: {seen.golden_error}", {})
    for q, n_cards in ((0.5, limits.n_cards), (0.95, limits.n_more_cards)):
        if (
            len(seen.model_ms) < n_cards
            or (took_ms := float(np.quantile(seen.model_ms, q))) <= limits.model_ms
        ):
            continue
        numbers = {f"p{100 * q:.0f}_ms": took_ms, "limit_ms": limits.model_ms}
        rule = f"takes {took_ms:.0f} ms for a card ({q:.0%} of its latest {len(seen.model_ms)} took less)"
        yield BlownFuse("slow", f"{version} {rule}, allowed are {limits.model_ms:g}", numbers)
    if reference is not None and len(seen.model_ms) >= limits.n_more_cards and len(seen.probabilities):
        low, high = reference
        beyond = float(np.mean((seen.probabilities < low) | (seen.probabilities > high)))
        if beyond > limits.beyond_share:
            numbers = {"share_beyond": beyond, "low": low, "high": high}
            rule = f"gives {beyond:.0%} of the runners a win probability outside {low:.3f}..{high:.3f}"
            yield BlownFuse(
                "range", f"{version} {rule}, where those of the training's test races lay", numbers
            )
