"""The gates: what a candidate must show before it may serve, each with its reason in figures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from racing.metrics import Difference
from racing.race_table import RaceTable
from training.data.whole_races import MIN_WHOLE_RACES, count_races, judged_rows
from training.evaluation.baselines import Baselines
from training.evaluation.champion import ChampionScores
from training.evaluation.evaluation import BOX_ONLY, MODEL, UNIFORM, Evaluation, Figures
from training.evaluation.written_model import TestEvaluation

Floats = NDArray[np.float64]

MAX_ECE = 0.015
NEGLIGIBLE_SQUARED_ERROR = 0.0001  # a thousandth of a typical Brier score: a blend comes calibrated already
MIN_BALANCED_F1 = 0.65
MAX_PARITY_ERROR = 1e-5

UPPER_END, LOWER_END = "upper end of the 95 % interval", "lower end of the 95 % interval"

Rule = Literal["below", "at most", "at least"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition, whether it is met, and why: a sentence with the figures."""

    name: str
    passed: bool
    reason: str
    value: float | None = None
    """What was measured; None where there was nothing to measure."""
    rule: Rule | None = None
    """How the value must lie to the limit."""
    limit: float | None = None
    what: str | None = None
    """What ``value`` is, where the gate's name does not say it: an end of an interval."""

    def as_json(self) -> dict[str, Any]:
        """Return the gate as an entry of the summary's ``gates``."""
        return asdict(self)


def check_gates(
    table: RaceTable, model: TestEvaluation, baselines: Baselines, champion: ChampionScores | None
) -> tuple[Gate, ...]:
    """Return every gate of a model on the test races; ``champion`` is ``None`` where there is none yet."""
    evaluation, scores = model.evaluation, model.scores
    if evaluation.races.n_races >= MIN_WHOLE_RACES:
        baseline_gates = [_beats(evaluation, name) for name in (UNIFORM, BOX_ONLY)]
    else:
        baseline_gates = [_beats_base_rate(table, scores, baselines, evaluation.races.n_races)]
    return (
        *baseline_gates,
        _not_worse_than_champion(table, model.probabilities, scores, champion),
        _is_calibrated(evaluation),
        _balanced_f1(evaluation),
        _calibration_helps(table, model.uncalibrated_scores, scores),
        parity_gate(model.parity_error, len(table)),
    )


def failed(gates: Sequence[Gate]) -> list[Gate]:
    """Return the gates that are not met."""
    return [gate for gate in gates if not gate.passed]


def _beats(evaluation: Evaluation, name: str) -> Gate:
    gap = evaluation.races[name].model_minus_this
    model, other = evaluation.races[MODEL].race_log_loss, evaluation.races[name].race_log_loss
    reason = (
        f"race log loss {model:.4f} against {other:.4f} ({name}) on {evaluation.races.n_races} races: "
        f"{interval_text(gap)} must lie below 0"
    )
    return Gate(f"better than {name}", gap.high < 0, reason, gap.high, "below", 0.0, UPPER_END)


def _beats_base_rate(table: RaceTable, scores: Floats, baselines: Baselines, n_races: int) -> Gate:
    base_rates = np.full(len(table), baselines.base_rate)
    gap = metrics.paired_bootstrap(
        metrics.per_runner_log_loss(scores, table.won), metrics.per_runner_log_loss(base_rates, table.won)
    )
    reason = (
        f"only {n_races} whole races (fewer than {MIN_WHOLE_RACES}), so {len(table)} runners are judged "
        f"alone: log loss minus the base rate's {interval_text(gap)} must lie below 0"
    )
    return Gate("better than base rate", gap.high < 0, reason, gap.high, "below", 0.0, UPPER_END)


def _not_worse_than_champion(
    table: RaceTable, probabilities: Floats, scores: Floats, champion: ChampionScores | None
) -> Gate:
    name = "not worse than champion"
    if champion is None:
        return Gate(name, True, "there is no champion yet")
    if champion.probabilities is None or champion.scores is None:
        return Gate(name, True, f"version {champion.version} cannot be compared: {champion.why_not}")
    compared = champion.rows if champion.rows is not None else np.ones(len(table), np.bool_)
    whole = judged_rows(table) & compared
    judged = table.take(whole)
    n_races = count_races(judged)
    if n_races >= MIN_WHOLE_RACES:
        mine = metrics.per_race_log_loss(probabilities[whole], judged.won, judged.race)
        theirs = metrics.per_race_log_loss(champion.probabilities[whole], judged.won, judged.race)
        what = f"race log loss {mine.mean():.4f} against {theirs.mean():.4f} on {n_races} races"
    else:
        won = table.won[compared]
        mine = metrics.per_runner_log_loss(scores[compared], won)
        theirs = metrics.per_runner_log_loss(champion.scores[compared], won)
        what = f"log loss {mine.mean():.4f} against {theirs.mean():.4f} on {len(mine)} runners"
    gap = metrics.paired_bootstrap(mine, theirs)
    remark = f" ({champion.remark})" if champion.remark else ""
    reason = f"{what} of version {champion.version}{remark}: {interval_text(gap)} must not lie above 0"
    return Gate(name, gap.low <= 0, reason, gap.low, "at most", 0.0, LOWER_END)


def _is_calibrated(evaluation: Evaluation) -> Gate:
    of_races = evaluation.races.n_races >= MIN_WHOLE_RACES
    judged: Figures | None = evaluation.races[MODEL] if of_races else None
    found = judged.ece if judged else evaluation.runners.ece
    chance = evaluation.ece_by_chance if judged else evaluation.runners.ece_by_chance
    n = evaluation.races.n_runners if judged else evaluation.runners.n_runners
    limit = max(MAX_ECE, chance)
    reason = (
        f"expected calibration error {found:.4f} on {n} runners must be at most {limit:.4f} "
        f"(a perfect model stays below {chance:.4f} with 95 %)"
    )
    return Gate("calibrated", found <= limit, reason, found, "at most", limit)


def _balanced_f1(evaluation: Evaluation) -> Gate:
    found = evaluation.runners.balanced_f1
    reason = f'{found:.3f} must be at least {MIN_BALANCED_F1} ("everyone wins" has .667)'
    return Gate("balanced F1", found >= MIN_BALANCED_F1, reason, found, "at least", MIN_BALANCED_F1)


def _calibration_helps(table: RaceTable, uncalibrated: Floats, scores: Floats) -> Gate:
    """Compare squared errors pairwise: a model that needed no calibration hardly differs."""
    before, after = (uncalibrated - table.won) ** 2, (scores - table.won) ** 2
    gap = metrics.paired_bootstrap(after, before)
    spread = [float(np.sqrt(errors.mean())) for errors in (before, after)]
    passed = spread[1] <= spread[0] or gap.low <= NEGLIGIBLE_SQUARED_ERROR
    reason = (
        f"spread of the errors {spread[0]:.5f} before and {spread[1]:.5f} after calibration; "
        f"squared errors {interval_text(gap, 6)} must not lie above {NEGLIGIBLE_SQUARED_ERROR}"
    )
    return Gate(
        "calibration reduces errors", passed, reason, gap.low, "at most", NEGLIGIBLE_SQUARED_ERROR, LOWER_END
    )


def parity_gate(parity_error: float, n_rows: int) -> Gate:
    """Return whether graphs and estimators agree on every row."""
    reason = (
        f"the written artifact differs from the fitted model by {parity_error:.1e} at most on {n_rows} rows, "
        f"allowed {MAX_PARITY_ERROR:.0e}"
    )
    name = "artifact complete and in parity"
    return Gate(name, parity_error <= MAX_PARITY_ERROR, reason, parity_error, "at most", MAX_PARITY_ERROR)


def interval_text(gap: Difference, digits: int = 4) -> str:
    """Return a difference with its interval, which is named: ends of 95 % read like limits otherwise."""
    return f"{gap.difference:+.{digits}f} (95 % interval {gap.low:+.{digits}f} to {gap.high:+.{digits}f})"
