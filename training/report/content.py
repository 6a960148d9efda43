"""The content of a report: plain values, with no model and no table of races."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from racing.metrics import Difference, Reliability
from training.evaluation.evaluation import Evaluation
from training.evaluation.importance import Importance
from training.evaluation.monotone import Monotone
from training.evaluation.slices import Slice
from training.gates import Gate
from training.search.choice import Larger

BY_RACE = "by race"
"""The balance of trials that learn from races as a whole: each has one winner, nothing is to balance."""

Standing = Literal["undecided", "promoted", "promoted by force", "challenger", "held back"]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many runners got a probability of each bin; bins are of equal width from 0."""

    width: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lift:
    """What a model gains over uniform on one slice, with its 95 % interval, and what the market gains."""

    of: Slice
    model: Difference
    market: float | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A model of a part of the training races, judged on the test races."""

    share: float
    n_races: int
    loss: float
    minus_all: Difference
    """Its loss less that of the model of all training races."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """How the loss falls with the training races."""

    family: str
    points: tuple[CurvePoint, ...]
    """From few races to all of them; one point only where there was no time for more."""
    skipped: tuple[float, ...]
    """Shares that would have taken too long."""
    limit_s: float


@dataclass(frozen=True, slots=True)
class AgeingSpan:
    """Test races of one week or month, by how many of them after the last training day it began."""

    number: int
    n_races: int
    minus_reference: Difference
    expected: Difference | None
    """The same as the market expects it; ``None`` where the reference is not the market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingCurve:
    """The loss less the reference's, week after week and month after month."""

    reference: str
    last_training_day: str
    weeks: tuple[AgeingSpan, ...]
    months: tuple[AgeingSpan, ...]
    per_four_weeks: Difference
    """What four weeks add to it, by a straight line through all races; above 0 the model ages."""
    expected_per_four_weeks: Difference | None
    """The same as the market expects it."""

    @property
    def mean(self) -> float:
        """Return the mean of all races in the weeks; NaN without any."""
        n_races = sum(week.n_races for week in self.weeks)
        total = sum(week.minus_reference.difference * week.n_races for week in self.weeks)
        return total / n_races if n_races else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSummary:
    """One trial of the search."""

    number: int
    loss: float
    fold_losses: tuple[float, ...]
    is_complete: bool
    balance: str
    """What it did about the few winners, or ``by race`` where races are learnt from as a whole."""
    others: str
    """All other parameters; trials that share them differ in ``balance`` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySearch:
    """What the search did in one family."""

    family: str
    trials: tuple[TrialSummary, ...]
    best: TrialSummary
    best_params: Mapping[str, Any]
    search_s: float
    fit_s: float


@dataclass(frozen=True, slots=True)
class CandidateLoss:
    """A candidate and its loss on the calibration races, by which one was chosen."""

    name: str
    loss: float
    is_chosen: bool
    steps: int
    """Of work for a card, some nanoseconds each (:mod:`training.search.cost`)."""
    seconds: float
    """Of search and fits; a blend's are those of its families."""
    n_members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What it takes to do the same again."""

    command: str
    data_hash: str
    git_commit: str
    feature_version: str
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    """By stage, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """Everything on the page; losses are race log losses, or per runner where whole races are few."""

    version: int | None
    """``None`` until it is registered."""
    standing: Standing
    summary: Mapping[str, Any]
    """The summary of the training that the artifact carries too."""
    feature_scope: str
    """Which features the model may use, see :data:`racing.features.KNOWS`."""
    loss_name: str
    """``race log loss``, or ``log loss per runner`` where whole races are few."""
    evaluation: Evaluation
    gates: tuple[Gate, ...]
    roc: tuple[tuple[float, float], ...]
    """Of single runners: the share of losers and of winners above ever lower scores."""
    reliability: Reliability
    """Of the probabilities within whole races; of single runners' scores where such races are few."""
    ece_by_chance: float
    """95 % of perfectly calibrated models show a smaller ECE on as many."""
    histogram: Histogram
    overall: Slice | None
    """All races with every price together, what the slices are held against; ``None`` without whole ones."""
    lifts: tuple[Lift, ...]
    monotone: Monotone | None
    """What a better last run does to a dog; ``None`` where that was not checked."""
    curve: LearningCurve
    importance: Importance
    members: tuple[tuple[str, float], ...]
    """The families of the chosen model's members, and what their log odds count."""
    is_market_alone: bool
    """The combination with the market is the market alone."""
    candidates: tuple[CandidateLoss, ...]
    judged_by: str
    weighs_cost: bool
    """The cheapest candidate within a standard error was chosen, not the best whatever it costs."""
    larger: Larger | None = None
    """The candidate of the smallest loss, where a cheaper one was chosen."""
    searches: tuple[FamilySearch, ...]
    ageing: AgeingCurve
    origin: Origin
