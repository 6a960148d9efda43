"""The refit: the judged recipe fitted again on all races, and whether the two models agree as they should."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import LoadedModel
from racing import metrics
from racing.metrics import Difference
from racing.race_table import RaceTable
from training.data.whole_races import MIN_WHOLE_RACES, count_races, judged_rows
from training.evaluation.written_model import TestEvaluation, parity_of
from training.export.artifact import Package, graphs_of, write_draft
from training.gates import LOWER_END, Gate, interval_text, parity_gate
from training.search.candidates import Candidate

Floats = NDArray[np.float64]

MAX_MOVED = 0.2
"""Of a race's probability, how much may lie with other runners after the refit, mean over the test races.

Sound refits moved .031 (XGBoost, 21,000 real races), .002 to .042 (linear model and XGBoost, 300 to 3,000
simulated races) and .107 (XGBoost, 120 races); one with winners or features mixed up moved .34 to .48.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The refitted model beside the judged one on the test races, which only the refitted one has learnt."""

    n_judged: int
    """Whole races that ``loss_difference`` is of; runners, where such races are few."""
    judged_by: str
    """``race log loss``, or ``log loss per runner``."""
    loss_difference: Difference
    """Refitted less judged."""
    moved: float
    """Mean share of a race's probability that lies with other runners, 0..1 (total variation)."""
    parity_error: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures as a JSON object."""
        return {
            "n_judged": self.n_judged,
            "judged_by": self.judged_by,
            "loss_difference": self.loss_difference._asdict(),
            "moved": self.moved,
            "parity_error": self.parity_error,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """What serves: the same recipe, fitted on all races."""

    package: Package
    written: LoadedModel
    agreement: Agreement


def refit(fitted: Candidate, package: Package, judged: LoadedModel, test: RaceTable, scratch: Path) -> Refit:
    """Write the judged candidate as it was fitted again on all races, and hold it against the judged model.

    Parameters, weights, calibration, sharing exponent, market combination and place discounts stay those of
    the judged model: they were fitted on races that its members had not seen; after the refit there are none.
    """
    served = replace(package, graphs=graphs_of(fitted, package.spec))
    written = write_draft(served, scratch)
    return Refit(package=served, written=written, agreement=agreement_of(written, fitted, judged, test))


def agreement_of(written: LoadedModel, fitted: Candidate, judged: LoadedModel, test: RaceTable) -> Agreement:
    """Hold the written refitted model against the judged one on the test races."""
    features = test.inputs(len(written.spec.features))
    log_odds = written.log_odds(features, test.race)
    now, before = written.probabilities_of(log_odds, test.race), judged.probabilities(features, test.race)
    moved = 0.5 * np.bincount(test.race, np.abs(now - before))
    whole = judged_rows(test)
    races = test.take(whole)
    by_race = count_races(races) >= MIN_WHOLE_RACES
    if by_race:
        new, old = (metrics.per_race_log_loss(p[whole], races.won, races.race) for p in (now, before))
    else:
        scores = (model.scores(features, test.race) for model in (written, judged))
        new, old = (metrics.per_runner_log_loss(each, test.won) for each in scores)
    return Agreement(
        n_judged=len(new),
        judged_by="race log loss" if by_race else "log loss per runner",
        loss_difference=metrics.paired_bootstrap(new, old),
        moved=float(moved.mean()),
        parity_error=parity_of(written, log_odds, fitted, test),
    )


def with_refit(
    evaluated: TestEvaluation, gates: Sequence[Gate], agreement: Agreement, n_rows: int
) -> tuple[TestEvaluation, tuple[Gate, ...]]:
    """Return evaluation and gates of the judged model, completed by what the refitted one must show."""
    evaluated = replace(evaluated, parity_error=max(evaluated.parity_error, agreement.parity_error))
    parity = parity_gate(evaluated.parity_error, n_rows)
    gates = [parity if gate.name == parity.name else gate for gate in gates]
    return evaluated, (*gates, *agreement_gates(agreement))


def agreement_gates(agreement: Agreement) -> tuple[Gate, Gate]:
    """Return the gates: no worse on races that it has learnt, and close to the judged model."""
    gap = agreement.loss_difference
    what = "races" if agreement.judged_by == "race log loss" else "runners"
    worse = (
        f"{agreement.judged_by} of the refitted less that of the judged model {interval_text(gap)} on "
        f"{agreement.n_judged} test {what}, which only the refitted one has learnt: must not lie above 0"
    )
    moved = (
        f"{agreement.moved:.1%} of a race's probability lies with other runners than in the judged model "
        f"(mean over the test races): at most {MAX_MOVED:.0%}"
    )
    return (
        Gate("refit not worse", gap.low <= 0, worse, gap.low, "at most", 0.0, LOWER_END),
        Gate(
            "refit close to the judged model",
            agreement.moved <= MAX_MOVED,
            moved,
            agreement.moved,
            "at most",
            MAX_MOVED,
        ),
    )
