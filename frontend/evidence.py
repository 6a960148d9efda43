"""A version's evidence laid out for a page: its first figures, and each source on the way to the market."""

from dataclasses import dataclass

from flask import Flask

from frontend.charts import ReliabilityPlot, reliability
from greyhound_client.models import ComparisonOut, EvidenceOut, FiguresOut

MODEL, UNIFORM, MARKET, TRUTH = "model", "uniform", "market (BSP/SP)", "true probability"

NAMES = {
    MODEL: "This model",
    UNIFORM: "Uniform",
    "box only": "Box only",
    "rated price": "Rated price",
    "market before off": "Market ten minutes before",
    MARKET: "Market (BSP/SP)",
    "model with market": "Model with market",
    TRUTH: "Simulator's truth",
}
KINDS = {
    "logistic_regression": "Logistic regression",
    "random_forest": "Random forest",
    "gradient_boosting": "Gradient boosting",
    "xgboost": "XGBoost",
    "catboost": "CatBoost",
    "ensemble": "Ensemble",
    "field_net": "Field net",
    "small_ensemble": "Ensemble of two",
}
BALANCES = {"smote_nc": "SMOTE-NC", "class_weight": "class weights", "focal": "focal loss"}


@dataclass(frozen=True, slots=True)
class Source:
    """One source of probabilities beside the model."""

    title: str
    figures: FiguresOut
    is_model: bool
    information: float | None
    """Share of the way from uniform to the market; None where the market is not known."""


@dataclass(frozen=True, slots=True)
class VersionEvidence:
    """A version's evidence, ready for a page."""

    details: EvidenceOut
    """As the service answers it."""
    comparison: ComparisonOut | None
    """The fullest there is: beside the market where prices are known."""
    model: FiguresOut | None
    """On every whole race, the figures that the summary, the report and the registry name too."""
    beside: FiguresOut | None
    """On the races of the comparison, which are fewer where some have no price."""
    market: FiguresOut | None
    """On those of the races where every price is known."""
    uniform: FiguresOut | None
    """On every whole race."""
    sources: tuple[Source, ...]
    plot: ReliabilityPlot | None

    @property
    def n_races(self) -> int | None:
        """How many whole races the model's figures are of."""
        comparison = self.details.races or self.comparison
        return comparison.n_races if comparison else None

    @property
    def has_fewer_priced(self) -> bool:
        """Whether the market's figures are of fewer races than the model's."""
        return bool(self.market and self.comparison and self.comparison.n_races != self.n_races)

    @property
    def n_gates_passed(self) -> int:
        """How many gates were passed."""
        return sum(gate.passed for gate in self.details.gates or ())

    @property
    def failed(self) -> list[str]:
        """Why it failed, a sentence for each gate that was not passed."""
        return [f"{gate.name}: {gate.reason}" for gate in self.details.gates or () if not gate.passed]


def lay_out(details: EvidenceOut) -> VersionEvidence:
    """Return the evidence of a version, laid out for its page."""
    comparison = details.beside_market or details.races
    by_name = _by_name(comparison)
    of_all_races = _by_name(details.races or comparison)
    uniform, market = by_name.get(UNIFORM), by_name.get(MARKET)
    return VersionEvidence(
        details=details,
        comparison=comparison,
        model=of_all_races.get(MODEL),
        beside=by_name.get(MODEL),
        market=market,
        uniform=of_all_races.get(UNIFORM),
        sources=tuple(
            Source(NAMES.get(row.name, row.name), row, row.name == MODEL, _information(row, uniform, market))
            for row in _worst_first(comparison)
        ),
        plot=reliability(details.reliability),
    )


def install(app: Flask) -> None:
    """Make the filters of families known to every template."""
    app.add_template_filter(family_name, "kind")
    app.add_template_filter(balance_name, "balance")


def family_name(kind: str | None) -> str:
    """Return the name of a model family for people."""
    return KINDS.get(kind or "", (kind or "unknown").replace("_", " "))


def balance_name(imbalance: list[str] | None) -> str:
    """Return what was done about the few winners."""
    return ", ".join(BALANCES.get(one, one) for one in imbalance or ()) or "none"


def _by_name(comparison: ComparisonOut | None) -> dict[str, FiguresOut]:
    return {row.name: row for row in comparison.rows} if comparison else {}


def _worst_first(comparison: ComparisonOut | None) -> list[FiguresOut]:
    """Return the sources by race log loss, the worst first."""
    rows = comparison.rows if comparison else []
    return sorted(rows, key=lambda row: -(row.race_log_loss or 0))


def _information(row: FiguresOut, uniform: FiguresOut | None, market: FiguresOut | None) -> float | None:
    losses = [one.race_log_loss if one else None for one in (row, uniform, market)]
    if None in losses or losses[1] == losses[2]:
        return None
    loss, none, all_ = losses
    return (none - loss) / (none - all_)  # type: ignore[operator]
