"""Bodies and answers of the routes of experiments and of what was decided."""

import datetime as dt
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from racing.domain.errors import ExperimentRefused
from racing.experiments.policy import Policy
from racing.experiments.records import MAX_CHALLENGERS, Experiment, fault_of_reason
from racing.experiments.verdict_json import finite, verdict_as_json
from racing.experiments.verdicts import ContestantVerdict, GainsPath, Path
from service.schemas.fields import Input, Output

Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Share = Annotated[float, Field(ge=0, le=0.9)]
Direction = Literal["better", "worse", "undecided"]
_POLICY = Policy()


def _as_reason(text: str) -> str:
    rule = fault_of_reason(text)
    if rule is not None:
        raise PydanticCustomError("broken_rule", "{rule}", {"rule": rule})
    return text


Reason = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_as_reason)]


class PolicyIn(Input):
    """What the guard may do by itself; what is left out is as in its defaults."""

    action: Literal["manual", "promote", "roll-back"] = Field(
        default=_POLICY.action,
        description="`manual` recommends only; `promote` makes a challenger champion once it is surely "
        "better by the margin; `roll-back` takes a promotion back if the version before is better.",
        examples=["promote"],
    )
    alpha: float = Field(
        default=_POLICY.alpha,
        description="Chance of a wrong verdict, over all looks together.",
        examples=[0.05],
    )
    margin: float = Field(
        default=_POLICY.margin,
        description="How much better a challenger must be, in nats per race.",
        examples=[0.001],
    )
    min_races: int = Field(
        default=_POLICY.min_races, description="Races before anything is decided.", examples=[200]
    )
    min_days: int = Field(
        default=_POLICY.min_days, description="Days before anything is decided.", examples=[7]
    )
    probation_races: int = Field(
        default=_POLICY.probation_races,
        description="Races for which the version before goes on in shadow after a promotion.",
        examples=[1000],
    )
    cool_down_hours: float = Field(
        default=_POLICY.cool_down_hours,
        description="Hours in which nothing more is changed after the guard changed the champion.",
        examples=[24.0],
    )

    @model_validator(mode="after")
    def _keeps_its_rules(self) -> "PolicyIn":
        try:
            policy_of(self)
        except ExperimentRefused as error:
            raise PydanticCustomError("broken_rule", "{rule}", {"rule": str(error)}) from None
        return self


class ExperimentIn(Input):
    """An experiment to be started."""

    challengers: list[Version] = Field(
        min_length=1,
        max_length=MAX_CHALLENGERS,
        description="Versions to be compared with the champion.",
        examples=[[8]],
    )
    mode: Literal["shadow", "split"] = Field(
        default="shadow",
        description="`shadow`: the champion answers, challengers score beside it. `split`: challengers "
        "answer a share of the races.",
        examples=["shadow"],
    )
    share: Share = Field(
        default=0.0,
        description="Of the races, answered by challengers, together; 0 in shadow, up to 0.9 in a split.",
        examples=[0.2],
    )
    policy: PolicyIn | None = Field(
        default=None,
        description="What the guard may do, and on which evidence; left out, it recommends only.",
    )
    reason: Reason = Field(description="Why, for the record.", examples=["learnt from June too"])

    @model_validator(mode="after")
    def _share_fits_its_mode(self) -> "ExperimentIn":
        if (self.mode == "split") != (self.share > 0):
            rule = (
                f"the share of a split lies above 0, that of a shadow is 0; got {self.mode}, {self.share:g}"
            )
            raise PydanticCustomError("broken_rule", "{rule}", {"rule": rule})
        return self


class StopIn(Input):
    """Why an experiment is stopped."""

    reason: Reason = Field(description="Why, for the record.", examples=["learnt from wrong files"])


class ShareIn(Input):
    """Another share for the split that runs."""

    share: Share = Field(
        gt=0,
        description="Of the races, answered by challengers, together; above 0, up to 0.9.",
        examples=[0.4],
    )


class PolicyOut(Output):
    """What the guard may do by itself, and on which evidence."""

    action: Literal["manual", "promote", "roll-back"] = Field(
        description="What it may do.", examples=["promote"]
    )
    alpha: float = Field(description="Chance of a wrong verdict, over all looks together.", examples=[0.05])
    margin: float = Field(
        description="How much better a challenger must be, in nats per race.", examples=[0.001]
    )
    min_races: int = Field(description="Races before anything is decided.", examples=[200])
    min_days: int = Field(description="Days before anything is decided.", examples=[7])
    probation_races: int = Field(description="Races that a probation lasts.", examples=[1000])
    cool_down_hours: float = Field(
        description="Hours in which nothing more is changed after the guard changed the champion.",
        examples=[24.0],
    )


class ExperimentOut(Output):
    """An experiment as it is on record."""

    id: int = Field(description="Its number.", examples=[3])
    is_active: bool = Field(description="Whether it runs.", examples=[True])
    kind: Literal["challenge", "probation"] = Field(
        description="`probation`: after a promotion the version before goes on in shadow.",
        examples=["challenge"],
    )
    champion: int = Field(description="The champion when it started.", examples=[7])
    challengers: list[int] = Field(
        description="Versions, in the order of the aliases `challenger`, `challenger-2` ...", examples=[[8]]
    )
    mode: Literal["shadow", "split"] = Field(description="How they are compared.", examples=["shadow"])
    share: float = Field(
        description="Of the races, answered by challengers, together; 0 in shadow.", examples=[0.0]
    )
    policy: PolicyOut = Field(description="What the guard may do.")
    started_at: dt.datetime = Field(description="When, UTC.", examples=["2026-03-14T08:00:00Z"])
    started_by: str = Field(
        description="Name of the API key, of the user who ran the command, or `registry alias`.",
        examples=["release pipeline"],
    )
    reason: str = Field(description="Why.", examples=["learnt from June too"])
    follows: int | None = Field(
        description="The experiment that it restarts with other versions, or follows as a probation.",
        examples=[2],
    )
    ended_at: dt.datetime | None = Field(description="When it ended, UTC.", examples=["2026-04-02T09:30:00Z"])
    ended_by: str | None = Field(description="Who or what ended it.", examples=["release pipeline"])
    end_reason: str | None = Field(description="Why it ended.", examples=["promoted: version 8 is champion"])


class ExperimentsOut(BaseModel):
    """A page of the record of experiments."""

    experiments: list[ExperimentOut] = Field(description="Newest first.")
    active: int | None = Field(description="Number of the one that runs; one runs at a time.", examples=[3])
    next_before: int | None = Field(
        description="Send it as `before` for the next page; null at the end.", examples=[2]
    )


class EstimateOut(Output):
    """A mean per race, in nats, with a confidence sequence: its interval holds at every look."""

    n_races: int = Field(description="Races that it rests on.", examples=[640])
    mean: float | None = Field(
        description="Above 0 the contestant is better; null without races.", examples=[0.002]
    )
    low: float | None = Field(
        description="Lower end; null while too few races say anything.", examples=[0.0012]
    )
    high: float | None = Field(
        description="Upper end; null while too few races say anything.", examples=[0.0029]
    )
    direction: Direction = Field(
        description="`better` where the whole interval is above 0, `worse` where it is below.",
        examples=["better"],
    )


class VerdictOut(BaseModel):
    """What the races so far say of a contestant against the champion."""

    alpha: float = Field(description="Chance of a wrong verdict, over all looks together.", examples=[0.05])
    by_outcome: EstimateOut = Field(description="By who won; assumes nothing.")
    by_market: EstimateOut = Field(
        description="By the closing prices' expectation: needs some 20 times fewer races, and assumes that "
        "closing prices are calibrated."
    )
    agreement: EstimateOut = Field(
        description="By outcomes less by market, over races that have both: must contain 0."
    )
    is_market_trusted: bool = Field(
        description="Whether it does; else the verdict by market is withheld.", examples=[True]
    )
    decision: Direction = Field(description="The verdict.", examples=["better"])
    decided_by: Literal["market", "outcomes"] | None = Field(
        description="What decided it; null while undecided.", examples=["market"]
    )
    races_to_go_by_outcome: int | None = Field(
        description="Forecast: races until outcomes decide at this rate. Null where they did, where it is "
        "too early to say, or where it would take more than 100,000.",
        examples=[9000],
    )
    races_to_go_by_market: int | None = Field(
        description="The same of the closing prices' expectation.", examples=[None]
    )


class ContestantOut(BaseModel):
    """A contestant beside the champion, and the verdict on it."""

    contestant: str = Field(
        description="Its key: a version (`8`), or a list of prices (`prices:tipster`).", examples=["8"]
    )
    version: int | None = Field(description="The version, if it is one.", examples=[8])
    price_list: str | None = Field(
        description="Name of the imported prices, if it is those; they never serve.", examples=[None]
    )
    first_day: dt.date | None = Field(description="Race day of its first race.", examples=["2026-03-14"])
    last_day: dt.date | None = Field(description="Race day of its last race.", examples=["2026-04-02"])
    verdict: VerdictOut = Field(description="In numbers, by the races that both rated.")
    split: VerdictOut | None = Field(
        default=None,
        description="By the races that each answered, in a split; null in shadow and for imported prices.",
    )
    sentences: list[str] = Field(
        description="In sentences.",
        examples=[
            ["Version 8 is better than 7 by .0020 [.0012, .0029] per race (closing prices; 640 races)."]
        ],
    )


class DecisionOut(Output):
    """What the guard, or a person, decided about the champion."""

    id: int = Field(description="Its number.", examples=[5])
    experiment_id: int | None = Field(description="The experiment that it was about.", examples=[3])
    action: str = Field(
        description="`promote`, `roll-back`, `keep` (a probation passed) or `recommend`.",
        examples=["promote"],
    )
    from_version: int = Field(description="The champion before.", examples=[7])
    to_version: int = Field(
        description="The champion from then on; of a recommendation the one recommended.", examples=[8]
    )
    reason: str = Field(description="Why.", examples=["better by at least .0012 a race, the margin is .001"])
    numbers: dict[str, Any] = Field(description="The figures that it rests on.", examples=[{"n_races": 640}])
    decided_by: str = Field(description="Who or what decided.", examples=["guard"])
    decided_at: dt.datetime = Field(description="When, UTC.", examples=["2026-04-02T09:30:00Z"])
    carried_out_at: dt.datetime | None = Field(
        description="When it was carried out, UTC; null if it was not.", examples=["2026-04-02T09:30:01Z"]
    )
    n_attempts: int = Field(description="How often that was tried.", examples=[1])
    error: str | None = Field(description="Why it could not be carried out.", examples=[None])
    void_at: dt.datetime | None = Field(
        description="When it was given up, UTC; null if it was not.", examples=[None]
    )


class DecisionsOut(BaseModel):
    """A page of the record of decisions."""

    decisions: list[DecisionOut] = Field(description="Newest first.")
    next_before: int | None = Field(
        description="Send it as `before` for the next page; null at the end.", examples=[4]
    )


class ExperimentDetailsOut(ExperimentOut):
    """An experiment, its contestants with the verdicts on them, and what was decided."""

    contestants: list[ContestantOut] = Field(
        description="Its challengers, then imported prices; by all results that are known now, late ones too."
    )
    contestants_at_end: list[ContestantOut] | None = Field(
        description="The verdicts as they went on record when it ended; null while it runs."
    )
    decisions: list[DecisionOut] = Field(description="What was decided in it, newest first; at most 50.")


class PathPointsOut(BaseModel):
    """A mean and its confidence sequence as races came in: arrays of equal length."""

    n: list[int] = Field(description="Races so far.", examples=[[50, 100]])
    mean: list[float | None] = Field(description="Mean gain in nats per race.", examples=[[0.001, 0.002]])
    low: list[float | None] = Field(
        description="Lower end; null while too few races say anything.", examples=[[None, 0.0004]]
    )
    high: list[float | None] = Field(description="Upper end.", examples=[[None, 0.0036]])


class PairPathOut(BaseModel):
    """How the gain of a contestant over another came about, race by race, to be drawn; at most 200 points."""

    by_outcome: PathPointsOut = Field(description="By who won.")
    by_market: PathPointsOut = Field(description="By the closing prices' expectation.")


class PairOut(ContestantOut):
    """A contestant against any other, over the races that both rated."""

    champion: str = Field(description="Key of the one that it is compared with.", examples=["7"])
    path: PairPathOut = Field(description="How the verdict came about.")


class PathOut(BaseModel):
    """How the gain of a contestant over the champion came about, race by race, to be drawn."""

    experiment_id: int = Field(description="The experiment.", examples=[3])
    contestant: str = Field(description="The contestant's key.", examples=["8"])
    by_outcome: PathPointsOut = Field(description="By who won.")
    by_market: PathPointsOut = Field(description="By the closing prices' expectation.")


def policy_of(given: PolicyIn | None) -> Policy:
    """Return the policy that a body describes; it checks its own rules."""
    return Policy() if given is None else Policy(**given.model_dump())


def experiment_out(experiment: Experiment) -> ExperimentOut:
    """Return the answer for an experiment."""
    return ExperimentOut.model_validate(experiment)


def contestants_at_end(experiment: Experiment) -> list[ContestantOut] | None:
    """Return the verdicts that went on record at the end; None while it runs, or where none did."""
    if not isinstance(experiment.verdict, list):  # the guard's decisions have their numbers of their own
        return None
    return [ContestantOut.model_validate(one) for one in experiment.verdict]


def contestant_out(one: ContestantVerdict) -> ContestantOut:
    """Return the answer for the verdict on a contestant."""
    return ContestantOut.model_validate(verdict_as_json(one))


def pair_out(champion: str, verdict: ContestantVerdict, path: GainsPath) -> PairOut:
    """Return the answer for a contestant against another."""
    points = PairPathOut(
        by_outcome=_points(path.n_races, path.by_outcome),
        by_market=_points(path.n_races_with_market, path.by_market),
    )
    return PairOut(**contestant_out(verdict).model_dump(), champion=champion, path=points)


def path_out(number: int, contestant: str, path: GainsPath) -> PathOut:
    """Return the answer for a path."""
    return PathOut(
        experiment_id=number,
        contestant=contestant,
        by_outcome=_points(path.n_races, path.by_outcome),
        by_market=_points(path.n_races_with_market, path.by_market),
    )


def _points(n: NDArray[np.int64], path: Path) -> PathPointsOut:
    mean, low, high = ([finite(value) for value in column.tolist()] for column in path)
    return PathPointsOut(n=n.tolist(), mean=mean, low=low, high=high)
