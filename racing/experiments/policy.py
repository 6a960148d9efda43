"""The policy of an experiment: what the guard may do by itself, and on which evidence."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from racing.domain.errors import ExperimentRefused

Action = Literal["manual", "promote", "roll-back"]
ACTIONS: tuple[Action, ...] = ("manual", "promote", "roll-back")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the guard may do, and when; gains are in nats per race.

    ``manual`` recommends only. ``promote`` makes a challenger champion when the lower end of its gain passes
    ``margin`` after ``min_races`` races and ``min_days`` days. ``roll-back`` is the policy of a promotion:
    the previous champion goes on in shadow for ``probation_races`` races, and comes back when the new one is
    worse.
    """

    action: Action = "manual"
    alpha: float = 0.05
    """Chance of a wrong verdict, over all looks together."""
    margin: float = 0.0
    min_races: int = 200
    min_days: int = 7
    probation_races: int = 1000
    cool_down_hours: float = 24.0
    """After the guard changed the champion it changes nothing for so long; fuses still act."""

    def __post_init__(self) -> None:
        limits = (
            (self.action in ACTIONS, f"an action is one of {', '.join(ACTIONS)}", self.action),
            (0.0001 <= self.alpha <= 0.5, "alpha lies in 0.0001..0.5", self.alpha),
            (0 <= self.margin <= 1, "a margin lies in 0..1", self.margin),
            (1 <= self.min_races <= 1_000_000, "min_races lies in 1..1000000", self.min_races),
            (0 <= self.min_days <= 365, "min_days lies in 0..365", self.min_days),
            (1 <= self.probation_races <= 1_000_000, "probation_races is 1 to 1000000", self.probation_races),
            (0 <= self.cool_down_hours <= 8760, "cool_down_hours lies in 0..8760", self.cool_down_hours),
        )  # fmt: skip
        for holds, rule, value in limits:
            if not holds:
                raise ExperimentRefused(f"{rule}, got {value!r}")

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Policy":
        """Return a policy that :meth:`to_json` wrote."""
        return cls(**json.loads(text))
