"""Who is better: by outcomes, by the closing market's expectation, and which of the two decides.

**How alpha is spent.** Both intervals have the level 1 - alpha / 2, so the chance that either of them is ever
wrong is at most alpha (union bound), and what is shown is what decides: by either way. On real differences
the price of it is some 15 % more races than alpha for each, which would err twice as often together.

**Which decides.** The market where it is trusted, since it needs a twentieth of the races; outcomes where
they alone decide or the market is not trusted. If both decide, differently, neither counts: one is wrong.

**When the market is trusted.** The difference by_outcome - by_market has mean 0 where closing prices are
calibrated. Its confidence sequence has level 1 - alpha, and the market is trusted while it contains 0:
wrongly withheld, ever, with chance alpha at most, which costs races and no error, since outcomes have their
own half. What the check cannot do: to find a bias takes as many races as a decision by outcomes does.
So leave by_market out (NaN) for a contestant that is made from the race's own prices.
"""

import math
from dataclasses import dataclass
from typing import Literal

from racing.comparison.confidence import (
    START_RACES,
    Direction,
    Estimate,
    asymptotic,
    difference,
    estimate_of,
    moments,
)
from racing.comparison.forecast import MOST_RACES_TO_GO, paired_races_to_go, races_needed, split_races_to_go
from racing.comparison.gains import ArmScores, Gains

__all__ = [
    "MOST_RACES_TO_GO", "ArmScores", "Verdict", "paired_verdict", "races_needed", "split_verdict",
    "verdict_text", "within",
]  # fmt: skip

DecidedBy = Literal["market", "outcomes"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the races so far say of B against A (of the challenger against the champion), in nats a race."""

    alpha: float
    """The chance, at most, that one of the two intervals is ever wrong."""
    by_outcome: Estimate
    by_market: Estimate
    agreement: Estimate
    """Of by_outcome - by_market, over the races that have both."""
    is_market_trusted: bool
    """There are races with closing prices, and the agreement contains 0."""
    decision: Direction
    decided_by: DecidedBy | None
    races_to_go_by_outcome: int | None
    """Races until this way decides if the effect stays as it is; None where it has decided, before there is
    an interval, and for more than :data:`MOST_RACES_TO_GO`."""
    races_to_go_by_market: int | None
    """The same by the market, in races with closing prices or without, as many of each as so far."""

    @property
    def is_contradictory(self) -> bool:
        """Whether both ways decide, and differently."""
        directions = {self.by_outcome.direction, self.by_market.direction}
        return self.is_market_trusted and directions == {"better", "worse"}


def paired_verdict(gains: Gains, *, alpha: float = 0.05) -> Verdict:
    """Return the verdict on B against A, which both predicted the same races; any order gives the same."""
    n = len(gains.by_outcome)
    outcome, market = moments(gains.by_outcome), moments(gains.by_market)
    return _verdict(
        alpha,
        estimate_of(outcome, alpha=alpha / 2),
        estimate_of(market, alpha=alpha / 2),
        asymptotic(gains.by_outcome - gains.by_market, alpha=alpha),
        paired_races_to_go(outcome, n, alpha / 2),
        paired_races_to_go(market, n, alpha / 2),
    )


def split_verdict(champion: ArmScores, challenger: ArmScores, *, alpha: float = 0.05) -> Verdict:
    """Return the verdict on a challenger that answered other races than the champion.

    Which arm answers a race must not depend on anything that makes it easier or harder for one of them.
    """
    n = len(champion.by_outcome) + len(challenger.by_outcome)
    outcome = moments(champion.by_outcome), moments(challenger.by_outcome)
    market = moments(champion.by_market), moments(challenger.by_market)
    both = (
        moments(champion.by_outcome - champion.by_market),
        moments(challenger.by_outcome - challenger.by_market),
    )
    return _verdict(
        alpha,
        difference(*outcome, alpha=alpha / 2),
        difference(*market, alpha=alpha / 2),
        difference(*both, alpha=alpha),
        split_races_to_go(*outcome, n, alpha / 2),
        split_races_to_go(*market, n, alpha / 2),
    )


def _verdict(
    alpha: float,
    by_outcome: Estimate,
    by_market: Estimate,
    agreement: Estimate,
    to_go_by_outcome: int | None,
    to_go_by_market: int | None,
) -> Verdict:
    trusted = agreement.n_races > 0 and agreement.low <= 0 <= agreement.high
    decision, decided_by = _decide(by_outcome.direction, by_market.direction if trusted else "undecided")
    return Verdict(
        alpha,
        by_outcome,
        by_market,
        agreement,
        trusted,
        decision,
        decided_by,
        to_go_by_outcome,
        to_go_by_market,
    )


def _decide(outcomes: Direction, market: Direction) -> tuple[Direction, DecidedBy | None]:
    if market == "undecided":
        return (outcomes, None if outcomes == "undecided" else "outcomes")
    if outcomes not in ("undecided", market):
        return "undecided", None
    return market, "market"


def verdict_text(verdict: Verdict, *, new: str, old: str, races_per_day: float | None = None) -> list[str]:
    """Return the verdict in plain sentences, the decision first.

    ``new`` and ``old`` name the contestants as they stand in "Version 7 is better than 5".
    """
    found = verdict
    market = _Way(found.by_market, found.races_to_go_by_market, "closing prices")
    outcomes = _Way(found.by_outcome, found.races_to_go_by_outcome, "outcomes alone")
    with_market = found.agreement.n_races > 0 and found.is_market_trusted
    first, second = (market, outcomes) if with_market else (outcomes, None)
    if found.decided_by == "outcomes" and second:
        first, second = outcomes, market
    if found.is_contradictory:
        sentences = [
            f"Closing prices say that {within(new)} is {market.of.direction} than {old}, outcomes that it is "
            f"{outcomes.of.direction}: neither counts.",
            *(f"By {way.name} {way.so_far()} ({way.races()})." for way in (market, outcomes)),
        ]
    elif found.decision == "undecided":
        sentences = [
            f"Not decided yet between {within(new)} and {old}: {first.so_far()} "
            f"({first.name}; {first.races()}){first.forecast('; ', races_per_day)}."
        ]
        if second and second.has_interval:
            sentences.append(f"By {second.name} {second.so_far()}{second.forecast('; ', races_per_day)}.")
    else:
        beside = ""
        if second and second.of.direction == found.decision:
            beside = f"; by {second.name} too, by {second.size()}"
        elif second:
            beside = f"; by {second.name} not decided yet{second.forecast(': ', races_per_day)}"
        sentences = [
            f"{new} is {found.decision} than {old} by {first.size()} per race "
            f"({first.name}; {first.races()}){beside}."
        ]
    if found.agreement.n_races > 0 and not found.is_market_trusted:
        gap = _Way(found.agreement, None, "")
        sentences.append(
            "The verdict by closing prices is withheld: they and the outcomes differ "
            f"by {gap.size()} per race, which is not chance."
        )
    return sentences


def within(text: str) -> str:
    """Return a text as it stands within a sentence: names of price lists keep their letters."""
    return text[0].lower() + text[1:] if text.startswith(("Version ", "Not decided ", "Closing ")) else text


@dataclass(frozen=True, slots=True)
class _Way:
    of: Estimate
    races_to_go: int | None
    name: str

    @property
    def has_interval(self) -> bool:
        return self.of.low != -math.inf

    def size(self) -> str:
        """Return how large the difference is, whichever of the two is better."""
        of = self.of
        if of.direction == "worse":
            of = Estimate(of.n_races, -of.mean, -of.high, -of.low)
        return _interval(of)

    def so_far(self) -> str:
        if self.has_interval:
            return f"{'+' if self.of.mean > 0 else ''}{_interval(self.of)} per race so far"
        if self.of.n_races < START_RACES:
            return f"it takes {START_RACES} races at least"
        return "the two hardly ever differ"

    def races(self) -> str:
        n = self.of.n_races
        return f"{n:,} race{'' if n == 1 else 's'}"

    def forecast(self, before: str, races_per_day: float | None) -> str:
        if not self.has_interval:
            return ""
        if self.races_to_go is None:
            return f"{before}more than {MOST_RACES_TO_GO:,} more races at this rate"
        n = _rounded(self.races_to_go)
        days = ""
        if races_per_day and races_per_day > 0:
            n_days = max(1, _rounded(self.races_to_go / races_per_day))
            days = f", {n_days:,} day{'s' if n_days > 1 else ''}"
        return f"{before}about {n:,} more race{'s' if n > 1 else ''} at this rate{days}"


def _interval(of: Estimate) -> str:
    """Return .0020 [.0012, .0029]: four digits, a fifth where the mean needs it."""
    digits = 4 if abs(of.mean) >= 0.00095 or of.mean == 0 else 5
    mean, low, high = (f"{value:.{digits}f}".replace("0.", ".", 1) for value in (of.mean, of.low, of.high))
    return f"{mean} [{low}, {high}]"


def _rounded(value: float) -> int:
    """Return a number to two digits: a forecast knows no more."""
    return int(float(f"{max(value, 1):.2g}"))
