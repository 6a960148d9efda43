"""The field of a race as the page shows it: the answer, the card and the outcome, runner by runner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from client.models import ContributionOut, FinishOut, OutcomeOut, PredictionOut, RunnerOut

N_REASONS = 3
NOTICEABLE = 0.02  # log odds: 2 % more or less is no reason


@dataclass(frozen=True)
class FieldRow:
    """One runner; bars are in percent of the longest."""

    runner: RunnerOut
    price: float | None
    """The market's, as on the card."""
    bar: float
    market_at: float | None
    speaks_for: tuple[ContributionOut, ...]
    speaks_against: tuple[ContributionOut, ...]
    finish: FinishOut | None

    def said_of(self, topic: str) -> ContributionOut | None:
        """Return what a topic contributes."""
        why = self.runner.explanation
        found = (one for one in (why.contributions if why else ()) if one.topic == topic)
        return next(found, None)


@dataclass(frozen=True)
class Field:
    """The runners, the likeliest first."""

    rows: tuple[FieldRow, ...]
    topics: tuple[str, ...]
    """Of all reasons, those that matter most in this field first."""

    @property
    def has_market(self) -> bool:
        """Return whether the market's view is known."""
        return all(row.runner.market_probability is not None for row in self.rows)

    @property
    def has_combined(self) -> bool:
        """Return whether model and market were combined."""
        return all(row.runner.combined_probability is not None for row in self.rows)

    @property
    def winners(self) -> tuple[FieldRow, ...]:
        """Return who won, where it is known."""
        return tuple(row for row in self.rows if row.finish and row.finish.won)


def field_of(card: dict[str, Any], answer: PredictionOut, outcome: OutcomeOut | None = None) -> Field:
    """Return the field of a race."""
    prices = {runner["box"]: runner.get("price") for runner in card["runners"]}
    finishes = {finish.box: finish for finish in outcome.runners} if outcome else {}
    longest = max(max(one.win_probability, one.market_probability or 0.0) for one in answer.runners)
    rows = [
        FieldRow(
            runner=one,
            price=prices.get(one.box),
            bar=_percent(one.win_probability, longest),
            market_at=None if one.market_probability is None else _percent(one.market_probability, longest),
            speaks_for=_largest(one, for_it=True),
            speaks_against=_largest(one, for_it=False),
            finish=finishes.get(one.box),
        )
        for one in sorted(answer.runners, key=lambda one: one.rank)
    ]
    return Field(tuple(rows), _topics(answer.runners))


def _percent(value: float, longest: float) -> float:
    return round(100 * value / longest, 2)


def _largest(runner: RunnerOut, *, for_it: bool) -> tuple[ContributionOut, ...]:
    """Return the largest contributions in one direction; the service sends them sorted."""
    all_of_them = runner.explanation.contributions if runner.explanation else []
    sign = 1 if for_it else -1
    return tuple([one for one in all_of_them if sign * one.contribution > NOTICEABLE][:N_REASONS])


def _topics(runners: Sequence[RunnerOut]) -> tuple[str, ...]:
    total: dict[str, float] = {}
    for runner in runners:
        for one in runner.explanation.contributions if runner.explanation else ():
            total[one.topic] = total.get(one.topic, 0.0) + abs(one.contribution)
    return tuple(sorted(total, key=lambda topic: -total[topic]))
