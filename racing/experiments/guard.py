"""The guard: what is to be decided about the champion, from verdicts and fuses. Every rule stands here.

Pure functions: they read nothing and change nothing, so the rules can be tested as a table.
:mod:`racing.experiments.decisions` puts a proposal on record, the service carries it out.

=============  =====================================================================================
policy         what the guard does
=============  =====================================================================================
``manual``     recommends, once, when a verdict is reached
``promote``    makes a challenger champion once the lower end of its gain passes ``margin``, after
               ``min_races`` races and ``min_days`` days; of one that is worse it recommends the end
``roll-back``  of a promotion: brings the previous champion back once it is better by the verdict, at
               any look; after ``probation_races`` races without that the champion keeps its place
=============  =====================================================================================

Verdicts hold at every look, so looking often costs nothing. After the guard itself changed the champion it
does nothing for ``cool_down_hours``, so that two versions never chase each other. Fuses do not wait for that,
but never take a rollback back. While automation is off, a change that would have been made is recommended.
"""

import datetime as dt
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from racing.comparison.confidence import Estimate
from racing.comparison.verdict import Verdict, within
from racing.experiments.fuses import BlownFuse
from racing.experiments.records import Experiment
from racing.experiments.verdicts import ContestantVerdict

Act = Literal["promote", "roll-back", "keep", "recommend"]
CHANGES: tuple[Act, ...] = ("promote", "roll-back")
"""Acts that change the champion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A decision before it is on record; ``key`` names its occasion."""

    key: str
    action: Act
    from_version: int
    to_version: int
    """The champion from then on; of a recommendation the one recommended."""
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)
    experiment_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestChange:
    """The last change of the champion on the registry's record, as fuses need it."""

    number: int
    is_promotion: bool
    """False of a rollback."""
    version: int
    previous: int | None
    """Who would come back."""
    at: dt.datetime


def decide(
    experiment: Experiment,
    verdicts: Sequence[ContestantVerdict],
    *,
    now: dt.datetime,
    last_change_at: dt.datetime | None,
    automation_is_on: bool,
    on_record: Container[str] = (),
) -> Proposal | None:
    """Return what is to be decided of an experiment, or None.

    Parameters
    ----------
    last_change_at
        When the guard last changed the champion, UTC.
    on_record
        Keys of what was decided before, and is not decided again.
    """
    cool_down = dt.timedelta(hours=experiment.policy.cool_down_hours)
    is_cooling_down = last_change_at is not None and now - last_change_at < cool_down
    for proposal in _proposals(experiment, verdicts):
        is_change = proposal.action in CHANGES
        if is_change and not automation_is_on:
            proposal, is_change = recommended(proposal, "Automation is off"), False
        if proposal.key in on_record:
            continue
        if not (is_change and is_cooling_down):  # the verdict is as good afterwards
            return proposal
    return None


def decide_on_fuse(
    fuse: BlownFuse,
    latest: LatestChange,
    *,
    now: dt.datetime,
    hours: float,
    automation_is_on: bool,
) -> Proposal | None:
    """Return the rollback that a blown fuse asks for; None long after a promotion, or after a rollback."""
    if not latest.is_promotion or latest.previous is None or now - latest.at > dt.timedelta(hours=hours):
        return None
    proposal = Proposal(
        key=f"promotion-{latest.number}-{latest.at:%Y%m%dT%H%M%S}:roll-back",
        action="roll-back",
        from_version=latest.version,
        to_version=latest.previous,
        reason=f"Fuse {fuse.name}: {fuse.reason}",
        numbers={"fuse": fuse.name, **fuse.numbers},
    )
    return proposal if automation_is_on else recommended(proposal, "Automation is off")


def recommended(proposal: Proposal, why: str) -> Proposal:
    """Return the recommendation of a change that is not made for some reason."""
    return Proposal(
        key=proposal.key + ":recommend",
        action="recommend",
        from_version=proposal.from_version,
        to_version=proposal.to_version,
        reason=f"{why}, so nothing was changed; otherwise: {proposal.action} "
        f"({proposal.from_version} to {proposal.to_version}). {proposal.reason}",
        numbers=proposal.numbers | {"would_have": proposal.action},
        experiment_id=proposal.experiment_id,
    )


def _proposals(experiment: Experiment, verdicts: Sequence[ContestantVerdict]) -> Iterator[Proposal]:
    """Yield what the policy asks for, the most important first."""
    by_version = {int(one.contestant): one for one in verdicts if one.contestant.isdecimal()}
    ours = [by_version[version] for version in experiment.challengers if version in by_version]
    if experiment.kind == "probation":
        yield from (_of_probation(experiment, one) for one in ours[:1] if _is_over(experiment, one))
        return
    ours = [one for one in ours if _is_ready(experiment, one)]
    better = [one for one in ours if _gain(_verdict(one)) > max(experiment.policy.margin, 0.0)]
    for one in sorted(better, key=lambda one: _gain(_verdict(one)), reverse=True):
        promotion = _change(experiment, one, "promote", int(one.contestant), "It has earned the place")
        if experiment.policy.action == "promote":
            yield promotion
        else:
            yield recommended(promotion, f"The policy is {experiment.policy.action}")
    for one in ours:
        if _verdict(one).decision == "worse":
            yield Proposal(
                key=f"experiment-{experiment.id}:end:{one.contestant}",
                action="recommend",
                from_version=experiment.champion,
                to_version=experiment.champion,
                reason=f"Version {one.contestant} is worse: end its experiment. {_text(one)}",
                numbers=_numbers(one),
                experiment_id=experiment.id,
            )


def _of_probation(experiment: Experiment, previous: ContestantVerdict) -> Proposal:
    if _verdict(previous).decision != "better":
        return _change(experiment, previous, "keep", experiment.champion, "Its probation is over")
    back = _change(
        experiment, previous, "roll-back", int(previous.contestant), "The champion before is better"
    )
    if experiment.policy.action == "roll-back":
        return back
    return recommended(back, f"The policy is {experiment.policy.action}")


def _is_over(experiment: Experiment, previous: ContestantVerdict) -> bool:
    """Whether a probation has a result: the previous champion is better, or its races are over."""
    n_races = _decisive(_verdict(previous)).n_races
    return _verdict(previous).decision == "better" or n_races >= experiment.policy.probation_races


def _is_ready(experiment: Experiment, one: ContestantVerdict) -> bool:
    """Whether there were as many races and days as the policy asks for."""
    policy = experiment.policy
    n_races = _decisive(_verdict(one)).n_races
    return n_races >= policy.min_races and one.n_days >= policy.min_days


def _verdict(one: ContestantVerdict) -> Verdict:
    """Return the verdict that counts: of a split that by the races which each answered, fixed beforehand."""
    return one.verdict if one.split is None else one.split


def _gain(verdict: Verdict) -> float:
    """Return the lower end of the gain, where the verdict is for the challenger; else nothing."""
    return _decisive(verdict).low if verdict.decision == "better" else float("-inf")


def _decisive(verdict: Verdict) -> Estimate:
    """Return the estimate that decides; while none has decided, that of more races."""
    if verdict.decided_by == "market":
        return verdict.by_market
    if verdict.decided_by == "outcomes":
        return verdict.by_outcome
    return max(verdict.by_market, verdict.by_outcome, key=lambda estimate: estimate.n_races)


def _change(
    experiment: Experiment, one: ContestantVerdict, action: Act, to_version: int, why: str
) -> Proposal:
    return Proposal(
        key=f"experiment-{experiment.id}:{action}:{to_version}",
        action=action,
        from_version=experiment.champion,
        to_version=to_version,
        reason=f"{why}: {within(_text(one))}",
        numbers=_numbers(one),
        experiment_id=experiment.id,
    )


def _text(one: ContestantVerdict) -> str:
    return " ".join(one.sentences)


def _numbers(one: ContestantVerdict) -> dict[str, Any]:
    verdict = _verdict(one)
    return {
        "contestant": one.contestant,
        "decision": verdict.decision,
        "decided_by": verdict.decided_by,
        "alpha": verdict.alpha,
        "n_days": one.n_days,
        "by_market": _interval(verdict.by_market),
        "by_outcome": _interval(verdict.by_outcome),
    }


def _interval(estimate: Estimate) -> dict[str, float | int | None]:
    """Return an interval as JSON can hold it: None where an end is infinite or the mean unknown."""
    ends = {"gain": estimate.mean, "low": estimate.low, "high": estimate.high}
    finite = {name: value if abs(value) < float("inf") else None for name, value in ends.items()}
    return {"n_races": estimate.n_races, **finite}
