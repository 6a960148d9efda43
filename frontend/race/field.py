"""The field of a race as the page shows it: the answer, the card and the outcome, runner by runner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from frontend.race.stakes import Staking, edge
from frontend.race.traps import n_traps
from greyhound_client.models import ContributionOut, FinishOut, OutcomeOut, PredictionOut, RunnerOut

N_REASONS = 3
NOTICEABLE = 0.02  # log odds: 2 % more or less is no reason


@dataclass(frozen=True)
class FieldRow:
    """One runner that starts; bars are in percent of the longest."""

    place: int
    """Where it stands on the card, from 0."""
    runner: RunnerOut
    price: float | None
    """The market's, as on the card."""
    edge: float | None
    """What a stake of 1 at that price returns by the model's chance, less the stake."""
    stake: float | None
    """A fractional Kelly's; None where nobody wants to see it."""
    bar: float
    market_at: float | None
    speaks_for: tuple[ContributionOut, ...]
    speaks_against: tuple[ContributionOut, ...]
    finish: FinishOut | None

    def contribution_of(self, topic: str) -> ContributionOut | None:
        """Return the contribution of a topic; None if the card was not explained."""
        why = self.runner.explanation
        found = (one for one in (why.contributions if why else ()) if one.topic == topic)
        return next(found, None)


@dataclass(frozen=True)
class NotStarting:
    """A reserve, or a runner that is scratched."""

    place: int
    runner: RunnerOut
    is_box_free: bool
    """Whether nobody else starts from its box."""


@dataclass(frozen=True)
class Field:
    """The starters, the likeliest first, and the others as they stand on the card."""

    rows: tuple[FieldRow, ...]
    not_starting: tuple[NotStarting, ...]
    free_boxes: tuple[int, ...]
    """Those that a reserve could start from, the boxes of the scratched first."""
    topics: tuple[str, ...]
    """Of all reasons, those that matter most in this field first."""

    @property
    def has_market(self) -> bool:
        """Return whether the market's view is known."""
        return all(row.runner.market_probability is not None for row in self.rows)

    @property
    def has_prices(self) -> bool:
        """Return whether any starter has a price, and so an edge."""
        return any(row.edge is not None for row in self.rows)

    @property
    def has_combined(self) -> bool:
        """Return whether model and market were combined."""
        return all(row.runner.combined_probability is not None for row in self.rows)

    @property
    def winners(self) -> tuple[FieldRow, ...]:
        """Return who won, where it is known."""
        return tuple(row for row in self.rows if row.finish and row.finish.won)


def field_of(
    card: dict[str, Any],
    answer: PredictionOut,
    outcome: OutcomeOut | None = None,
    *,
    country: str | None = None,
    staking: Staking | None = None,
) -> Field:
    """Return the field of a race."""
    finishes = {finish.name: finish for finish in outcome.runners} if outcome else {}
    runners = list(enumerate(answer.runners))  # in the order of the card
    starting = [(place, one) for place, one in runners if one.status == "starter"]
    taken = {one.box for _, one in starting}
    longest = max(max(one.win_probability, one.market_probability or 0.0) for _, one in starting)
    rows = [
        FieldRow(
            place=place,
            runner=one,
            price=(price := _price(card["runners"][place])),
            edge=edge(one.win_probability, price),
            stake=staking.stake(one.win_probability, price) if staking else None,
            bar=_percent(one.win_probability, longest),
            market_at=None if one.market_probability is None else _percent(one.market_probability, longest),
            speaks_for=_largest(one, for_it=True),
            speaks_against=_largest(one, for_it=False),
            finish=finishes.get(one.name),
        )
        for place, one in sorted(starting, key=lambda row: row[1].rank)
    ]
    others = [
        NotStarting(place, one, is_box_free=one.box not in taken)
        for place, one in runners
        if one.status != "starter"
    ]
    left = {one.box for _, one in runners if one.status == "scratched"}
    free = sorted(set(range(1, n_traps(country) + 1)) - taken, key=lambda box: (box not in left, box))
    return Field(tuple(rows), tuple(others), tuple(free), _topics(answer.runners))


def _price(runner: dict[str, Any]) -> float | None:
    price = runner.get("price")
    return float(price) if isinstance(price, int | float) else None


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
