"""The rules of the guard, as a table: what is decided of which verdict, and when nothing is."""

import datetime as dt
import math
from typing import Any

import pytest

from racing.comparison.confidence import Estimate
from racing.comparison.verdict import Verdict
from racing.experiments.fuses import BlownFuse
from racing.experiments.guard import LatestChange, Proposal, decide, decide_on_fuse
from racing.experiments.policy import Policy
from racing.experiments.records import Experiment
from racing.experiments.verdicts import ContestantVerdict

NOW = dt.datetime(2026, 3, 14, 12, tzinfo=dt.UTC)
UNKNOWN = Estimate(0, math.nan, -math.inf, math.inf)


def experiment(policy: Policy, *, challengers: tuple[int, ...] = (7,), kind: Any = "challenge") -> Experiment:
    return Experiment(
        id=12,
        kind=kind,
        champion=5,
        challengers=challengers,
        mode="shadow",
        share=0.0,
        policy=policy,
        started_at=NOW - dt.timedelta(days=30),
        started_by="ada",
        reason="a test wants it",
    )


def judged(
    low: float, high: float, *, n_races: int = 500, n_days: int = 20, contestant: str = "7"
) -> ContestantVerdict:
    """A verdict by the market with these ends."""
    by_market = Estimate(n_races, (low + high) / 2, low, high)
    is_decided = by_market.direction != "undecided"
    verdict = Verdict(
        alpha=0.05,
        by_outcome=UNKNOWN,
        by_market=by_market,
        agreement=UNKNOWN,
        is_market_trusted=True,
        decision=by_market.direction,
        decided_by="market" if is_decided else None,
        races_to_go_by_outcome=None,
        races_to_go_by_market=None,
    )
    last = dt.date(2026, 3, 14)
    return ContestantVerdict(
        contestant=contestant,
        verdict=verdict,
        split=None,
        first_day=last - dt.timedelta(days=n_days - 1),
        last_day=last,
        sentences=(f"{contestant} against 5.",),
    )


BETTER, WORSE, OPEN = judged(0.001, 0.003), judged(-0.003, -0.001), judged(-0.001, 0.003)
MANUAL, PROMOTE = Policy(), Policy(action="promote")
PROBATION = Policy(action="roll-back", probation_races=1000)
HOUR = dt.timedelta(hours=1)


def decided(one: Experiment, *verdicts: ContestantVerdict, **changes: Any) -> Proposal | None:
    options: dict[str, Any] = {"now": NOW, "last_change_at": None, "automation_is_on": True}
    return decide(one, verdicts, **options | changes)


@pytest.mark.parametrize(
    ("case", "policy", "verdict", "changes", "expected"),
    [
        ("manual, better", MANUAL, BETTER, {}, ("recommend", "experiment-12:promote:7:recommend", 7)),
        ("manual, worse", MANUAL, WORSE, {}, ("recommend", "experiment-12:end:7", 5)),
        ("manual, undecided", MANUAL, OPEN, {}, None),
        ("once", MANUAL, BETTER, {"on_record": {"experiment-12:promote:7:recommend"}}, None),
        ("promote, better", PROMOTE, BETTER, {}, ("promote", "experiment-12:promote:7", 7)),
        ("promote, undecided", PROMOTE, OPEN, {}, None),
        ("promote, worse", PROMOTE, WORSE, {}, ("recommend", "experiment-12:end:7", 5)),
        ("margin not passed", Policy(action="promote", margin=0.001), BETTER, {}, None),
        ("margin passed", Policy(action="promote", margin=0.0009), BETTER, {}, ("promote", ..., 7)),
        ("too few races", PROMOTE, judged(0.001, 0.003, n_races=199), {}, None),
        ("enough races", PROMOTE, judged(0.001, 0.003, n_races=200), {}, ("promote", ..., 7)),
        ("too few days", PROMOTE, judged(0.001, 0.003, n_days=6), {}, None),
        ("enough days", PROMOTE, judged(0.001, 0.003, n_days=7), {}, ("promote", ..., 7)),
        ("cool-down", PROMOTE, BETTER, {"last_change_at": NOW - 23 * HOUR}, None),
        ("cool-down over", PROMOTE, BETTER, {"last_change_at": NOW - 24 * HOUR}, ("promote", ..., 7)),
        ("cool-down holds no advice", MANUAL, BETTER, {"last_change_at": NOW - HOUR}, ("recommend", ..., 7)),
        ("off", PROMOTE, BETTER, {"automation_is_on": False},
         ("recommend", "experiment-12:promote:7:recommend", 7)),
        ("off, once", PROMOTE, BETTER,
         {"automation_is_on": False, "on_record": {"experiment-12:promote:7:recommend"}}, None),
        ("on again", PROMOTE, BETTER, {"on_record": {"experiment-12:promote:7:recommend"}},
         ("promote", "experiment-12:promote:7", 7)),
        ("a price list never serves", PROMOTE, judged(0.01, 0.02, contestant="prices:tipster"), {}, None),
    ],
)  # fmt: skip
def test_a_challenge_is_decided_by_its_policy(
    case: str, policy: Policy, verdict: ContestantVerdict, changes: dict[str, Any], expected: Any
) -> None:
    found = decided(experiment(policy), verdict, **changes)
    assert _summary(found, expected) == expected, case


@pytest.mark.parametrize(
    ("case", "policy", "verdict", "changes", "expected"),
    [
        ("the one before is better", PROBATION, BETTER, {}, ("roll-back", "experiment-12:roll-back:7", 7)),
        ("at any look", PROBATION, judged(0.01, 0.03, n_races=50, n_days=1), {}, ("roll-back", ..., 7)),
        ("undecided", PROBATION, OPEN, {}, None),
        ("worse, but not all races", PROBATION, WORSE, {}, None),
        ("over, undecided", PROBATION, judged(-0.001, 0.001, n_races=1000), {}, ("keep", ..., 5)),
        ("over, worse", PROBATION, judged(-0.003, -0.001, n_races=1000), {}, ("keep", ..., 5)),
        ("better in the end", PROBATION, judged(0.001, 0.003, n_races=1000), {}, ("roll-back", ..., 7)),
        ("cool-down", PROBATION, BETTER, {"last_change_at": NOW - HOUR}, None),
        ("off", PROBATION, BETTER, {"automation_is_on": False}, ("recommend", ..., 7)),
        ("manual", Policy(), BETTER, {}, ("recommend", ..., 7)),
    ],
)
def test_a_probation_ends_with_a_rollback_or_well(
    case: str, policy: Policy, verdict: ContestantVerdict, changes: dict[str, Any], expected: Any
) -> None:
    found = decided(experiment(policy, kind="probation"), verdict, **changes)
    assert _summary(found, expected) == expected, case


def test_of_several_challengers_the_one_with_the_surest_gain_is_promoted() -> None:
    several = experiment(PROMOTE, challengers=(7, 8, 9))
    found = decided(several, BETTER, judged(0.002, 0.003, contestant="8"), judged(-0.1, 0.9, contestant="9"))
    assert found is not None
    assert (found.action, found.to_version) == ("promote", 8)
    assert found.numbers["by_market"] == {"n_races": 500, "gain": 0.0025, "low": 0.002, "high": 0.003}
    assert found.numbers["by_outcome"] == {"n_races": 0, "gain": None, "low": None, "high": None}


FUSE = BlownFuse("errors", "version 7 failed on 9 of its latest 20 cards", {"share": 0.45})
PROMOTION = LatestChange(number=4, is_promotion=True, version=7, previous=5, at=NOW - HOUR)


@pytest.mark.parametrize(
    ("case", "latest", "is_on", "action"),
    [
        ("young", PROMOTION, True, "roll-back"),
        ("off", PROMOTION, False, "recommend"),
        ("a rollback is not taken back",
         LatestChange(number=5, is_promotion=False, version=7, previous=5, at=NOW), True, None),
        ("the first version", LatestChange(number=1, is_promotion=True, version=7, previous=None, at=NOW),
         True, None),
        ("old", LatestChange(number=4, is_promotion=True, version=7, previous=5, at=NOW - 25 * HOUR),
         True, None),
    ],
)  # fmt: skip
def test_a_blown_fuse_takes_back_a_young_promotion_only(
    case: str, latest: LatestChange, is_on: bool, action: str | None
) -> None:
    found = decide_on_fuse(FUSE, latest, now=NOW, hours=24, automation_is_on=is_on)
    assert (found and found.action) == action, case
    if found and is_on:
        assert (found.from_version, found.to_version) == (7, 5)
        assert found.key == "promotion-4-20260314T110000:roll-back"


def _summary(found: Proposal | None, expected: Any) -> Any:
    if found is None:
        return None
    key = ... if expected is not None and expected[1] is ... else found.key
    return (found.action, key, found.to_version)
