"""Two versions side by side: what would change if one took the other's place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from frontend.evidence import VersionEvidence
from greyhound_client.models import FiguresOut

Verdict = Literal["better", "worse", "same", "unknown"]
Unit = Literal["figure", "percent", "count"]
_Find = Callable[[VersionEvidence], float | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both."""

    title: str
    unit: Unit
    before: float | None
    after: float | None
    lower_is_better: bool | None
    """None where neither is better."""
    hardly: float = 0.0
    """A difference that says nothing: another draw of a thousand races easily makes a larger one."""

    @property
    def difference(self) -> float | None:
        """Return how much larger the figure becomes."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def verdict(self) -> Verdict:
        """Say whether the change is for the better, where it is large enough to say so."""
        if self.difference is None or self.lower_is_better is None:
            return "unknown"
        if abs(self.difference) <= self.hardly:
            return "same"
        return "better" if (self.difference < 0) == self.lower_is_better else "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What would change."""

    before: VersionEvidence | None
    after: VersionEvidence
    rows: tuple[Row, ...]

    @property
    def are_judged_alike(self) -> bool:
        """Say whether the figures of both are of the same races, so that they may be compared."""
        if self.before is None:
            return False
        return _races_of(self.before) == _races_of(self.after)

    @property
    def first(self) -> Row:
        """Return the first figure of merit."""
        return self.rows[0]

    @property
    def gate(self) -> str | None:
        """Return what training found beside the champion of its day: the same races, and an interval."""
        found = [
            gate.reason for gate in self.after.details.gates or () if gate.name == "not worse than champion"
        ]
        return next((reason for reason in found if " against " in reason), None)  # else it was not compared


def compare(before: VersionEvidence | None, after: VersionEvidence) -> Comparison:
    """Put the version that serves, if any, beside the one that would."""

    def row(title: str, unit: Unit, find: _Find, lower: bool | None = None, hardly: float = 0.0) -> Row:
        return Row(title, unit, find(before) if before else None, find(after), lower, hardly)

    rows = (
        row("Race log loss", "figure", _of("race_log_loss"), True, 0.002),
        row("Market information", "percent", lambda one: one.details.market_information, False, 0.005),
        row("AUC", "figure", _of("auc"), False, 0.002),
        row("Brier score", "figure", _of("brier"), True, 0.0005),
        row("Calibration error (ECE)", "figure", _of("ece"), True, 0.003),
        row("Top pick wins", "percent", _of("top_pick_rate"), False, 0.01),
        row("Balanced F1", "figure", _balanced_f1, False, 0.005),
        row("Gates failed", "count", _n_gates_failed, True),
        row("Test races", "count", _n_races),
        row("Features", "count", lambda one: one.details.n_features),
    )
    return Comparison(before, after, rows)


def _of(name: str) -> _Find:
    def find(evidence: VersionEvidence) -> float | None:
        model: FiguresOut | None = evidence.model
        value: float | None = getattr(model, name) if model else None
        return value

    return find


def _balanced_f1(evidence: VersionEvidence) -> float | None:
    return evidence.details.runners.balanced_f1 if evidence.details.runners else None


def _n_races(evidence: VersionEvidence) -> float | None:
    return evidence.n_races


def _n_gates_failed(evidence: VersionEvidence) -> float | None:
    return None if evidence.details.gates is None else len(evidence.failed)


def _races_of(evidence: VersionEvidence) -> tuple[object, ...]:
    """Return days and number of the races on which a version was judged."""
    window = evidence.details.data.test if evidence.details.data else None
    return (window, _n_races(evidence))
