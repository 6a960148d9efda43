"""Verdicts: who decides, what the market may not decide, forecasts, and the sentences."""

import time

import numpy as np
import pytest

from benchmarks.verdicts.looks import looks_at, split_looks
from racing.comparison.confidence import Estimate, Moments, asymptotic, estimate_of
from racing.comparison.forecast import MOST_RACES_TO_GO
from racing.comparison.gains import ArmScores, Gains, arm_scores
from racing.comparison.verdict import (
    Verdict,
    paired_verdict,
    races_needed,
    split_verdict,
    verdict_text,
)
from tests.racing.comparison.races import make_gains, make_season

NAN = float("nan")


def make_differences(n=1000, outcome=0.0, market=0.0, seed=0):
    """Return gains with the spreads of real versions, .0475 by outcomes and .0107 by the market."""
    rng = np.random.default_rng(seed)
    return Gains(rng.standard_t(5, n) * 0.037 + outcome, rng.standard_t(5, n) * 0.0083 + market)


NO_RACE = (0, NAN, -np.inf, np.inf)


def make_verdict(by_outcome, by_market=NO_RACE, agreement=NO_RACE, **more):
    fields = {
        "alpha": 0.05, "is_market_trusted": agreement[0] > 0 and agreement[2] <= 0 <= agreement[3],
        "decision": "undecided", "decided_by": None,
        "races_to_go_by_outcome": None, "races_to_go_by_market": None,
    }  # fmt: skip
    return Verdict(
        by_outcome=Estimate(*by_outcome), by_market=Estimate(*by_market), agreement=Estimate(*agreement),
        **(fields | more),
    )  # fmt: skip


def test_the_market_decides_where_it_is_trusted_long_before_outcomes_could():
    found = paired_verdict(make_differences(1000, outcome=0.002, market=0.002, seed=1))
    assert (found.decision, found.decided_by) == ("better", "market")
    assert found.by_outcome.direction == "undecided"
    assert found.races_to_go_by_market is None
    assert found.races_to_go_by_outcome is not None


def test_the_verdict_of_b_against_a_is_the_reverse_of_a_against_b():
    season = make_season(1500)
    a, b = season.contestant(0.15), season.contestant(0.1)
    there, back = paired_verdict(make_gains(season, a, b)), paired_verdict(make_gains(season, b, a))
    assert (there.decision, back.decision) == ("better", "worse")
    assert there.by_market.low == pytest.approx(-back.by_market.high)


def test_each_way_has_half_of_alpha():
    gains = make_differences()
    found = paired_verdict(gains, alpha=0.1)
    assert found.by_outcome == asymptotic(gains.by_outcome, alpha=0.05)
    assert found.by_market == asymptotic(gains.by_market, alpha=0.05)
    assert found.agreement == asymptotic(gains.by_outcome - gains.by_market, alpha=0.1)


def test_results_in_any_order_give_the_same_verdict_to_the_last_bit():
    gains = make_differences(5000, 0.001, 0.001)
    gains.by_market[::3] = NAN
    gains.by_outcome[::7] = NAN
    expected = paired_verdict(gains)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(5000)
        assert paired_verdict(Gains(gains.by_outcome[order], gains.by_market[order])) == expected


def test_a_market_that_is_wrong_decides_nothing_once_outcomes_contradict_it():
    season = make_season(6000, bias=0.5)  # the market is far too bold
    found = paired_verdict(make_gains(season, season.contestant(0, 0.6), season.contestant(0, 0.8)))
    assert found.by_market.direction == "better"  # nearer to the market
    assert not found.is_market_trusted
    assert (found.decision, found.decided_by) == ("worse", "outcomes")
    text = verdict_text(found, new="B", old="A")
    assert text[0].startswith("B is worse than A by .")
    assert "(outcomes alone; 6,000 races)" in text[0]
    assert text[1].startswith("The verdict by closing prices is withheld: they and the outcomes differ by .")


def test_without_closing_prices_outcomes_decide_and_the_market_is_not_trusted():
    found = paired_verdict(make_differences(2000, outcome=0.01, market=NAN))
    assert not found.is_market_trusted
    assert found.agreement.n_races == 0
    assert (found.decision, found.decided_by) == ("better", "outcomes")


def test_outcomes_decide_too_where_they_alone_do():
    gains = make_differences(3000, outcome=0.01)
    gains.by_market[60:] = NAN  # prices of a few races only
    found = paired_verdict(gains)
    assert found.is_market_trusted
    assert found.by_market.direction == "undecided"
    assert (found.decision, found.decided_by) == ("better", "outcomes")


def test_ways_that_contradict_each_other_decide_nothing():
    gains = make_differences(4000, outcome=0.02, market=0.0)
    gains.by_outcome[:2000] = NAN
    gains.by_market[:] = np.random.default_rng(1).normal(size=4000) * 0.01 - 0.005
    gains.by_market[2040:] = NAN  # 40 races have both: the agreement cannot tell
    found = paired_verdict(gains)
    assert found.is_market_trusted
    assert found.is_contradictory
    assert (found.decision, found.decided_by) == ("undecided", None)
    text = verdict_text(found, new="Version 7", old="5")
    assert text[0] == (
        "Closing prices say that version 7 is worse than 5, outcomes that it is better: neither counts."
    )
    assert text[1].startswith("By closing prices -.00")
    assert text[2].startswith("By outcomes alone +.0")


def test_two_contestants_that_are_one_are_never_better():
    season = make_season(2000)
    p = season.contestant()
    found = paired_verdict(make_gains(season, p, p))
    assert found.decision == "undecided"
    assert found.by_market.mean == 0
    assert found.races_to_go_by_market is None
    text = verdict_text(found, new="B", old="A")
    assert text == [
        "Not decided yet between B and A: the two hardly ever differ (closing prices; 2,000 races)."
    ]


def test_experiments_without_a_difference_are_decided_less_often_than_alpha():
    alarms = [looks_at(make_differences(1500, seed=seed), 0.1).decision.any() for seed in range(250)]
    assert np.mean(alarms) < 0.1


def test_a_split_finds_the_arm_that_is_better_and_none_where_both_are_one():
    season = make_season(30_000)
    p, worse = season.contestant(0.2), season.contestant(0.5)
    scores = {
        name: arm_scores(of, season.won, season.market, season.race)
        for name, of in (("p", p), ("worse", worse))
    }
    of_champion = np.random.default_rng(3).random(30_000) < 0.7

    def split(champion, challenger):
        return split_verdict(
            ArmScores(champion.by_outcome[of_champion], champion.by_market[of_champion]),
            ArmScores(challenger.by_outcome[~of_champion], challenger.by_market[~of_champion]),
        )

    assert split(scores["worse"], scores["p"]).decision == "better"
    assert split(scores["p"], scores["worse"]).decision == "worse"
    assert split(scores["p"], scores["p"]).decision == "undecided"


def test_a_split_without_races_of_one_arm_is_undecided():
    some, none = np.random.default_rng(4).normal(size=300), np.zeros(0)
    found = split_verdict(ArmScores(some, some), ArmScores(none, none))
    assert found.decision == "undecided"
    assert np.isnan(found.by_outcome.mean)
    assert verdict_text(found, new="B", old="A")[0].startswith("Not decided yet between B and A")


def test_the_looks_of_the_benchmark_are_the_verdicts_of_the_product():
    gains = make_differences(900, outcome=0.004, market=0.001)
    looks = looks_at(gains, 0.05)
    arms = np.random.default_rng(5).random(900) < 0.5
    scores = ArmScores(-gains.by_outcome, -gains.by_market)
    split = split_looks(arms, scores, 0.05)
    sign = {"better": 1, "worse": -1, "undecided": 0}
    for n in (1, 60, 300, 600, 900):
        found = paired_verdict(Gains(gains.by_outcome[:n], gains.by_market[:n]))
        assert sign[found.decision] == looks.decision[n - 1]
        assert found.is_market_trusted == looks.is_trusted[n - 1]
        first, second = (
            ArmScores(scores.by_outcome[:n][chosen[:n]], scores.by_market[:n][chosen[:n]])
            for chosen in (arms, ~arms)
        )
        assert sign[split_verdict(first, second, alpha=0.05).by_market.direction] == split.by_market[n - 1]


def test_the_forecast_is_when_the_effect_so_far_would_be_decided():
    needed = races_needed(0.003, 0.0475, 0.025)
    assert needed is not None
    for n, direction in ((needed, "better"), (needed - 1, "undecided")):
        found = estimate_of(Moments(n, n, mean=0.003, variance=0.0475**2), alpha=0.025)
        assert found.direction == direction


def test_the_forecast_is_bounded_and_knows_no_effect():
    assert races_needed(0.0, 1.0, 0.05) is None
    assert races_needed(NAN, 1.0, 0.05) is None
    assert races_needed(1e-6, 1.0, 0.05) is None
    assert races_needed(0.01, NAN, 0.05) is None
    assert races_needed(1.0, 1e-9, 0.05) == 50
    found = paired_verdict(make_differences(400, seed=3))
    for to_go in (found.races_to_go_by_outcome, found.races_to_go_by_market):
        assert to_go is None or 0 < to_go <= MOST_RACES_TO_GO


def test_races_to_go_by_the_market_count_races_without_prices_too():
    gains = make_differences(600, market=0.001, seed=8)
    everywhere = paired_verdict(gains).races_to_go_by_market
    half = Gains(
        np.repeat(gains.by_outcome, 2), np.column_stack([gains.by_market, np.full(600, NAN)]).ravel()
    )
    assert everywhere is not None
    assert paired_verdict(half).races_to_go_by_market == pytest.approx(2 * everywhere, abs=2)


def test_a_decision_reads_as_in_the_documentation():
    found = make_verdict(
        (640, 0.0021, -0.003, 0.007), (640, 0.0020, 0.0012, 0.0029), (640, 0.0, -0.01, 0.01),
        decision="better", decided_by="market", races_to_go_by_outcome=9040,
    )  # fmt: skip
    assert verdict_text(found, new="Version 7", old="5") == [
        "Version 7 is better than 5 by .0020 [.0012, .0029] per race (closing prices; 640 races); "
        "by outcomes alone not decided yet: about 9,000 more races at this rate."
    ]


@pytest.mark.parametrize(
    ("verdict", "lines"),
    [
        (make_verdict(NO_RACE),
         ["Not decided yet between 7 and 5: it takes 50 races at least (outcomes alone; 0 races)."]),
        (make_verdict((12, 0.1, -np.inf, np.inf), (12, 0.1, -np.inf, np.inf), (12, 0.1, -np.inf, np.inf)),
         ["Not decided yet between 7 and 5: it takes 50 races at least (closing prices; 12 races)."]),
        (make_verdict((1, 0.1, -np.inf, np.inf)),
         ["Not decided yet between 7 and 5: it takes 50 races at least (outcomes alone; 1 race)."]),
        (make_verdict((600, 0.0004, -0.002, 0.003), (600, 0.00041, -0.0005, 0.001), (600, 0.0, -1, 1),
                      races_to_go_by_market=2210),
         ["Not decided yet between 7 and 5: +.00041 [-.00050, .00100] per race so far "
          "(closing prices; 600 races); about 2,200 more races at this rate, 20 days.",
          "By outcomes alone +.00040 [-.00200, .00300] per race so far; "
          "more than 100,000 more races at this rate."]),
        (make_verdict((900, -0.01, -0.015, -0.005), (900, -0.012, -0.013, -0.011), (900, 0.0, -1, 1),
                      decision="worse", decided_by="market"),
         ["7 is worse than 5 by .0120 [.0110, .0130] per race (closing prices; 900 races); "
          "by outcomes alone too, by .0100 [.0050, .0150]."]),
    ],
    ids=["no race", "too few", "one", "undecided", "worse"],
)  # fmt: skip
def test_each_verdict_has_its_sentences(verdict, lines):
    assert verdict_text(verdict, new="7", old="5", races_per_day=110) == lines


def test_a_verdict_over_100_000_races_takes_moments():
    gains = make_differences(100_000, 0.001, 0.001)
    started = time.thread_time()
    paired_verdict(gains)
    assert time.thread_time() - started < 1  # some 4 ms on a quiet machine
