"""Each gate lets a good model pass and holds a bad one back, with its reason."""

from dataclasses import replace

import numpy as np
import pytest

from racing.probabilities import share_within_race
from tests.training.builders import log_odds_of, make_table
from training.evaluation.baselines import learn_baselines
from training.evaluation.champion import ChampionScores
from training.evaluation.evaluation import evaluate
from training.evaluation.written_model import TestEvaluation
from training.gates import check_gates, failed

TABLE = make_table(400)


def gates_of(p=None, table=TABLE, *, scores=None, uncalibrated=None, parity_error=0.0, champion=None):
    p = table.true_probability if p is None else p
    scores = p if scores is None else scores
    baselines = learn_baselines(table)
    model = TestEvaluation(
        evaluation=evaluate(table, p, scores, baselines, f1_threshold=0.3),
        probabilities=p,
        scores=scores,
        uncalibrated_scores=scores if uncalibrated is None else uncalibrated,
        parity_error=parity_error,
        calibration_effect={},
    )
    return {gate.name: gate for gate in check_gates(table, model, baselines, champion)}


def test_a_true_model_passes_every_gate():
    gates = gates_of()
    assert failed(list(gates.values())) == []
    assert all(
        any(digit in gate.reason for digit in "0123456789")
        for gate in gates.values()
        if "champion" not in gate.name
    )


def test_the_verdict_follows_from_the_value_and_the_limit_that_a_gate_tells():
    holds = {"below": float.__lt__, "at most": float.__le__, "at least": float.__ge__}
    for gates in (gates_of(), gates_of(np.full(len(TABLE), 1 / 6)), gates_of(parity_error=0.1)):
        for gate in gates.values():
            if gate.rule is not None:
                assert holds[gate.rule](float(gate.value), float(gate.limit)) == gate.passed, gate
    assert gates_of()["not worse than champion"].rule is None


def test_a_model_that_knows_nothing_does_not_beat_the_baselines():
    gates = gates_of(np.full(len(TABLE), 1 / 6))
    assert not gates["better than uniform"].passed
    assert not gates["better than box only"].passed


def test_a_model_that_is_too_bold_is_not_calibrated():
    bold = share_within_race(3 * np.log(TABLE.true_probability), TABLE.race)
    gate = gates_of(bold)["calibrated"]
    assert not gate.passed
    assert "must be at most" in gate.reason


def test_reversed_scores_fail_balanced_f1():
    assert not gates_of(scores=1 / 3 - TABLE.true_probability.clip(0, 1 / 3))["balanced F1"].passed


def test_the_first_model_needs_no_champion():
    assert gates_of()["not worse than champion"].reason == "there is no champion yet"


def test_a_model_clearly_worse_than_the_champion_is_held_back():
    p = TABLE.true_probability
    champion = ChampionScores(version=7, probabilities=p, scores=p)
    worse = share_within_race(0.4 * np.log(p), TABLE.race)
    gate = gates_of(worse, champion=champion)["not worse than champion"]
    assert not gate.passed
    assert "version 7" in gate.reason
    assert gates_of(p, champion=champion)["not worse than champion"].passed


def test_a_champion_of_other_features_cannot_hold_back_and_the_reason_says_so():
    gate = gates_of(champion=ChampionScores(version=3, why_not="it needs 'old_feature'"))[
        "not worse than champion"
    ]
    assert gate.passed
    assert "old_feature" in gate.reason


def test_calibration_that_widens_the_errors_is_held_back():
    scores = TABLE.true_probability
    bold = 1 / (1 + np.exp(-3 * log_odds_of(scores)))
    assert not gates_of(scores=bold, uncalibrated=scores)["calibration reduces errors"].passed
    assert gates_of(scores=scores, uncalibrated=bold)["calibration reduces errors"].passed


@pytest.mark.parametrize(("error", "passed"), [(1e-5, True), (2e-5, False), (float("nan"), False)])
def test_parity_allows_one_in_a_hundred_thousand(error, passed):
    assert gates_of(parity_error=error)["artifact complete and in parity"].passed is passed


def test_few_whole_races_fall_back_to_the_base_rate_by_runner():
    partial = replace(TABLE, is_whole=np.arange(len(TABLE)) < 6 * 49)
    gates = gates_of(table=partial)
    assert gates["better than base rate"].passed
    assert "49 whole races" in gates["better than base rate"].reason
    assert "better than uniform" not in gates
    base_rate = np.full(len(TABLE), 1 / 6)
    assert not gates_of(base_rate, partial)["better than base rate"].passed
