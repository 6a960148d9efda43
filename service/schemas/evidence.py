"""The answer of ``GET /models/{version}/evidence``: what a version was trained on, and how good it is.

The names are those of the artifact's documents; what an artifact does not have is null. One long module, as
it is one document: a model for each of its parts, and :class:`EvidenceOut` last.
"""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class WindowOut(BaseModel):
    """The days and the size of a part of the data."""

    since: dt.date = Field(validation_alias="from", description="First race day.", examples=["2025-01-01"])
    until: dt.date = Field(description="Last race day.", examples=["2026-01-10"])
    races: int = Field(
        description="Whole races with exactly one winner; in artifacts without `other_races`, all races.",
        examples=[2711],
    )
    other_races: int | None = Field(
        default=None, description="Races known in part, or without a single winner.", examples=[489]
    )
    runners: int = Field(description="Number of runners.", examples=[19513])
    winners: int | None = Field(default=None, description="Number of winners.", examples=[2711])


class DataOut(BaseModel):
    """The parts of the data, one after the other in time."""

    train: WindowOut | None = Field(
        default=None,
        description="What members learnt from; the chosen ones then from calibration as well, and what "
        "serves from the test too if it was fitted again.",
    )
    calibration: WindowOut | None = Field(
        default=None, description="What weights, calibration and the choice were made on."
    )
    test: WindowOut | None = Field(default=None, description="What all figures are of.")


class IntervalOut(BaseModel):
    """A mean difference with the ends of its 95 % interval (bootstrap by race)."""

    difference: float | None = Field(description="The mean difference.", examples=[-0.38])
    low: float | None = Field(description="Lower end of the interval.", examples=[-0.43])
    high: float | None = Field(description="Upper end of the interval.", examples=[-0.33])


class FiguresOut(BaseModel):
    """One source of win probabilities, judged."""

    name: str = Field(
        description="`model`, `uniform`, `box only`, `rated price`, `market before off`, "
        "`market (BSP/SP)`, `model with market`, or the simulator's `true probability`.",
        examples=["model"],
    )
    race_log_loss: float | None = Field(
        default=None, description="Minus the mean log of the winner's probability.", examples=[1.573]
    )
    model_minus_this: IntervalOut | None = Field(
        default=None, description="The model's race log loss less this one's; below 0 the model is better."
    )
    auc: float | None = Field(default=None, description="Area under the ROC curve.", examples=[0.78])
    brier: float | None = Field(default=None, description="Mean squared error.", examples=[0.101])
    ece: float | None = Field(
        default=None, description="Expected calibration error, ten bins of equal count.", examples=[0.007]
    )
    log_loss: float | None = Field(default=None, description="Log loss of single runners.", examples=[0.336])
    top_pick_rate: float | None = Field(
        default=None, description="How often the highest probability of a race won, 0..1.", examples=[0.42]
    )


class ComparisonOut(BaseModel):
    """Several sources on the same races; the model comes first."""

    n_races: int = Field(description="Races with exactly one winner.", examples=[800])
    n_runners: int = Field(description="Their runners.", examples=[5796])
    rows: list[FiguresOut] = Field(description="One entry a source.")


class RunnerFiguresOut(BaseModel):
    """Scores of single runners at the natural share of winners."""

    n_runners: int = Field(description="Runners judged.", examples=[5796])
    share_of_winners: float | None = Field(default=None, description="0..1.", examples=[0.138])
    auc: float | None = Field(default=None, description="Area under the ROC curve.", examples=[0.778])
    brier: float | None = Field(default=None, description="Mean squared error.", examples=[0.102])
    ece: float | None = Field(default=None, description="Expected calibration error.", examples=[0.0139])
    ece_by_chance: float | None = Field(
        default=None,
        description="95 of 100 perfectly calibrated models show a smaller ECE on these runners.",
        examples=[0.0146],
    )
    log_loss: float | None = Field(default=None, description="Log loss.", examples=[0.338])
    base_rate_log_loss: float | None = Field(
        default=None, description="Log loss of giving everyone the base rate.", examples=[0.401]
    )
    accuracy: float | None = Field(
        default=None, description="Share on the right side of 0.5.", examples=[0.866]
    )
    nobody_wins_accuracy: float | None = Field(
        default=None, description="The same of saying that nobody wins.", examples=[0.862]
    )
    f1: float | None = Field(default=None, description="F1 at `f1_threshold`.", examples=[0.404])
    f1_threshold: float | None = Field(
        default=None, description="Score that was best on the calibration races.", examples=[0.179]
    )
    balanced_f1: float | None = Field(
        default=None,
        description="F1 with winners and losers weighted even; `everyone wins` has 0.667.",
        examples=[0.713],
    )


class ReliabilityBinOut(BaseModel):
    """Runners of similar probability."""

    predicted: float = Field(description="Mean probability that was given, 0..1.", examples=[0.249])
    observed: float = Field(description="Share of them that won, 0..1.", examples=[0.248])
    n_runners: int = Field(description="How many they are.", examples=[580])


class GateOut(BaseModel):
    """One condition of promotion."""

    name: str = Field(description="Its name.", examples=["calibrated"])
    passed: bool = Field(description="Whether it is met.", examples=[True])
    reason: str = Field(
        description="Why, in a sentence with the figures.",
        examples=["expected calibration error 0.0072 on 5796 runners must be at most 0.0150"],
    )
    value: float | None = Field(
        default=None,
        description="What was measured; of a difference that end of its 95 % interval which decides. Null "
        "where there was nothing to measure, and in artifacts that have the sentence alone.",
        examples=[0.0072],
    )
    rule: Literal["below", "at most", "at least"] | None = Field(
        default=None, description="How the value must lie to the limit.", examples=["at most"]
    )
    limit: float | None = Field(default=None, description="The limit.", examples=[0.015])
    what: str | None = Field(
        default=None,
        description="What the value is, where the gate's name does not say.",
        examples=["upper end of the 95 % interval"],
    )


class CalibrationOut(BaseModel):
    """How log odds became calibrated scores; scores are then shared out within the race."""

    method: Literal["platt", "isotonic", "none"] | None = Field(
        description="score = sigmoid(slope * log odds + intercept), a rising table, or none.",
        examples=["platt"],
    )
    slope: float | None = Field(default=None, description="Of Platt's method.", examples=[1.25])
    intercept: float | None = Field(default=None, description="Of Platt's method.", examples=[-1.75])
    sharing_exponent: float | None = Field(
        default=None,
        description="A runner's share of its race is its odds to this power: above 1 favourites gain.",
        examples=[0.81],
    )
    ece_before: float | None = Field(
        default=None, description="ECE of single runners' scores before it.", examples=[0.31]
    )
    ece_after: float | None = Field(default=None, description="The same after it.", examples=[0.0139])
    spread_before: float | None = Field(
        default=None, description="Root of the Brier score before it.", examples=[0.437]
    )
    spread_after: float | None = Field(default=None, description="The same after it.", examples=[0.320])


class MemberOut(BaseModel):
    """One graph of the blend."""

    name: str = Field(description="Its family.", examples=["catboost"])
    weight: float = Field(description="What its log odds count.", examples=[0.17])


class CombinationOut(BaseModel):
    """How model and market combine: p ~ model^a * market^b, shared out within the race."""

    a: float = Field(ge=0, description="Weight of the model.", examples=[0.12])
    b: float = Field(ge=0, description="Weight of the market.", examples=[0.9])
    is_market_alone: bool = Field(
        description="Whether the model adds nothing to closing prices: on later races the combination did "
        "not beat the market.",
        examples=[False],
    )


class BudgetOut(BaseModel):
    """What the search was allowed to spend."""

    trials_per_family: int | None = Field(default=None, description="Trials.", examples=[30])
    folds: int | None = Field(default=None, description="Folds in time of each trial.", examples=[3])
    time_budget_s: float | None = Field(
        default=None, description="Seconds for the whole search; null is no limit.", examples=[None]
    )
    search_rows: int | None = Field(
        default=None, description="Latest runners that the search looked at.", examples=[60000]
    )


class FamilyOut(BaseModel):
    """What the search of one family came to; the ensemble has no trials of its own."""

    name: str = Field(description="Family, or `ensemble`.", examples=["catboost"])
    is_chosen: bool | None = Field(default=None, description="Whether it became the model.", examples=[False])
    loss: float | None = Field(
        default=None, description="On the calibration races; see `judged_by`.", examples=[1.655]
    )
    trials: int | None = Field(default=None, description="Trials made.", examples=[30])
    pruned: int | None = Field(default=None, description="Those given up early.", examples=[12])
    best_trial_loss: float | None = Field(
        default=None, description="Loss of the best, mean over its folds.", examples=[1.651]
    )
    weight: float | None = Field(
        default=None,
        description="What its log odds count in the chosen model; null if it is not in it.",
        examples=[0.17],
    )
    imbalance: list[str] | None = Field(
        default=None,
        description="What the best trial did about the few winners: `smote_nc`, `class_weight`, `focal`.",
        examples=[["smote_nc"]],
    )
    seconds: float | None = Field(default=None, description="Seconds it took.", examples=[210.0])


class PlaceFiguresOut(BaseModel):
    """One way to make place probabilities, judged runner by runner."""

    name: str = Field(description="What they were made from.", examples=["model, discounts fitted"])
    log_loss: float | None = Field(default=None, description="Log loss.", examples=[0.522])
    brier: float | None = Field(default=None, description="Mean squared error.", examples=[0.174])
    ece: float | None = Field(default=None, description="Expected calibration error.", examples=[0.0214])
    model_minus_this: IntervalOut | None = Field(
        default=None, description="The model's log loss less this one's; below 0 the model is better."
    )


class PlacesOut(BaseModel):
    """Place probabilities on the races that paid as many places as their size implies."""

    n_races: int = Field(description="Races.", examples=[800])
    n_runners: int = Field(description="Their runners.", examples=[5796])
    discounts: list[float] | None = Field(
        default=None, description="Discounts of Harville's method, fitted.", examples=[[1.0, 0.85, 1.04]]
    )
    ece_by_chance: float | None = Field(
        default=None, description="What a perfect model stays below with 95 %.", examples=[0.0197]
    )
    rows: list[PlaceFiguresOut] = Field(description="One entry a way; the model comes first.")


class EvidenceOut(BaseModel):
    """What a version was trained on, and how good it is on races that neither it nor its search saw."""

    model_config = ConfigDict(protected_namespaces=())

    version: int = Field(description="Number of the version.", examples=[7])
    digest: str = Field(description="sha256 over its artifact.", examples=["1f6c0a.."])
    kind: str | None = Field(description="Model family, or `ensemble`.", examples=["ensemble"])
    model_type: str | None = Field(
        description="The same for people, with its first figure of merit.",
        examples=["Ensemble of a field net and XGBoost (race log loss 1.57)"],
    )
    is_simulated: bool | None = Field(
        description="Whether races of the simulator were among those it was trained or judged on: then the "
        "figures say nothing of real dogs.",
        examples=[False],
    )
    simulated_share: float | None = Field(description="Share of such runners, 0..1.", examples=[0.0])
    trained_at: dt.datetime | None = Field(
        description="End of training, UTC.", examples=["2026-03-01T08:05:30Z"]
    )
    training_s: float | None = Field(description="Seconds that training took.", examples=[1460.0])
    feature_version: str | None = Field(description="Its set of features.", examples=["2"])
    n_features: int | None = Field(description="Number of features.", examples=[145])
    data_hash: str | None = Field(description="sha256 of the data that it learnt from.", examples=["9be1.."])
    git_commit: str | None = Field(description="Code that trained it.", examples=["60dbb74"])
    libraries: dict[str, str] | None = Field(
        description="Versions of Python and of the libraries that trained it.",
        examples=[{"python": "3.11.7", "catboost": "1.2.10"}],
    )
    data: DataOut | None = Field(description="Days and sizes of the parts of the data.")
    learnt: WindowOut | None = Field(
        description="All that what serves has learnt from; null in artifacts without it."
    )
    learnt_until: dt.date | None = Field(
        description="Last race day that what serves has learnt from.", examples=["2026-03-31"]
    )
    is_refit: bool = Field(
        description="Whether what serves was fitted again on all races after the judgement: then all figures "
        "are of the judged model, which had learnt to `judged_learnt_until`.",
        examples=[True],
    )
    judged_learnt_until: dt.date | None = Field(
        description="Last race day that the judged model had learnt from.", examples=["2025-12-31"]
    )
    judged_digest: str | None = Field(
        description="sha256 over the judged model's artifact, which lies in the folder `judged` of the "
        "training's run; null where the judged model serves.",
        examples=["9a2f44.."],
    )
    judgement: str | None = Field(
        description="The same in a sentence.",
        examples=[
            "Judged on 2026-01-01 to 2026-03-31 by the same recipe, which had learnt to 2025-12-31; what "
            "serves has learnt to 2026-03-31."
        ],
    )
    races: ComparisonOut | None = Field(
        description="The model, uniform and box only on every whole race of the test with one winner."
    )
    beside_market: ComparisonOut | None = Field(
        description="The same and what prices say, on those of the races where every price is known; null "
        "where no price is known for half of the races."
    )
    market_information: float | None = Field(
        description="Share of the way from uniform to the closing market, in race log loss: 0 knows nothing "
        "but the field size, 1 is the market.",
        examples=[0.76],
    )
    truth_covered: float | None = Field(
        description="Share of the way to the simulator's true probabilities; null for real races.",
        examples=[None],
    )
    runners: RunnerFiguresOut | None = Field(
        description="Calibrated scores of single runners of the test, each judged alone."
    )
    reliability: list[ReliabilityBinOut] | None = Field(
        description="Predicted and observed shares of winners, in bins of about equally many runners."
    )
    ece_by_chance: float | None = Field(
        description="95 of 100 perfectly calibrated models show a smaller ECE on these races.",
        examples=[0.0144],
    )
    gates_passed: bool | None = Field(description="Whether every gate was passed.", examples=[True])
    gates: list[GateOut] | None = Field(description="Each condition of promotion, and how it came out.")
    class_balance: str | None = Field(
        description="What the members did about the few winners.", examples=["SMOTE-NC + Focal Loss"]
    )
    base_rate: float | None = Field(description="Share of winners in training, 0..1.", examples=[0.139])
    calibration: CalibrationOut | None = Field(
        description="How log odds became calibrated scores, and what that did."
    )
    combination: CombinationOut | None = Field(
        description="How it combines with the market; null if it does not."
    )
    members: list[MemberOut] | None = Field(description="Graphs of the blend.")
    budget: BudgetOut | None = Field(description="What the search was allowed to spend.")
    n_trials: int | None = Field(description="Trials of the search in all.", examples=[150])
    judged_by: str | None = Field(
        description="Loss on the calibration races by which the candidate was chosen.",
        examples=["expected race log loss"],
    )
    families: list[FamilyOut] | None = Field(
        description="What each family's search came to; null in artifacts without it.",
    )
    places: PlacesOut | None = Field(description="Place probabilities beside other ways to make them.")
