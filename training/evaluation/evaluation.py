"""The judgement: a model beside the baselines and the market, on the same races, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from racing.metrics import Difference, Reliability
from racing.probabilities import BENTER_DISCOUNTS, combine_with_market
from racing.race_table import RaceTable
from training.data.whole_races import count_races, judged_rows, rows_of_known
from training.evaluation.baselines import Baselines
from training.evaluation.places import PlaceComparison, judge_places

Floats = NDArray[np.float64]

MODEL, UNIFORM, BOX_ONLY = "model", "uniform", "box only"
RATED, MARKET, TRUTH, COMBINED = "rated price", "market (BSP/SP)", "true probability", "model with market"
EARLY = "market before off"

_MIN_SHARE_KNOWN = 0.5  # a price joins the comparison if it is known for half of the races


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Probabilities of one source, judged on whole races with exactly one winner."""

    name: str
    race_log_loss: float
    auc: float
    brier: float
    ece: float
    log_loss: float
    top_pick_rate: float
    model_minus_this: Difference
    """In race log loss, with the 95 % interval of a bootstrap by race; below 0 the model is better."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as a JSON object."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        return figures | {"model_minus_this": self.model_minus_this._asdict()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several sources judged on the same races; the model comes first."""

    n_races: int
    n_runners: int
    rows: tuple[Figures, ...]

    def __getitem__(self, name: str) -> Figures:
        return next(row for row in self.rows if row.name == name)

    def __contains__(self, name: str) -> bool:
        return any(row.name == name for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as a JSON object."""
        rows = [row.as_json() for row in self.rows]
        return {"n_races": self.n_races, "n_runners": self.n_runners, "rows": rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerFigures:
    """Scores of single runners, of partial fields too, at the natural share of winners.

    ``f1`` is taken at the threshold that was best on the calibration races, ``balanced_f1`` weighs winners
    and losers even and picks what scores at least the training's base rate.
    """

    n_runners: int
    share_of_winners: float
    accuracy: float
    nobody_wins_accuracy: float
    f1: float
    f1_threshold: float
    balanced_f1: float
    auc: float
    brier: float
    ece: float
    ece_by_chance: float
    log_loss: float
    base_rate_log_loss: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything we know of a model from races that it never saw."""

    races: Comparison
    """All whole races with one winner: the model, uniform, box only."""
    beside_market: Comparison | None
    """Those of them where every price of the comparison is known; ``None`` without any."""
    runners: RunnerFigures
    known_runners: RunnerFigures | None
    """Runners with at least one run before race day."""
    ece_by_chance: float
    """95 % of perfectly calibrated models show a smaller ECE on the races."""
    reliability: Reliability
    places: PlaceComparison | None = None
    """Places, on races that paid as many places as fields of their size do; ``None`` without any."""

    @property
    def market_information(self) -> float | None:
        """Share of the way from uniform to the market, in race log loss."""
        return self._share_of_the_way_to(MARKET)

    @property
    def truth_covered(self) -> float | None:
        """Share of the way from uniform to the simulator's true probabilities."""
        return self._share_of_the_way_to(TRUTH)

    def as_json(self) -> dict[str, Any]:
        """Return the content of an artifact's ``metrics.json``."""
        headline = {}
        if self.races.n_races:
            model = self.races[MODEL]
            headline = {
                "race_log_loss": model.race_log_loss,
                "auc": model.auc,
                "brier": model.brier,
                "ece": model.ece,
                "top_pick_rate": model.top_pick_rate,
            }
        return headline | {
            "n_races": self.races.n_races,
            "races": self.races.as_json(),
            "beside_market": self.beside_market and self.beside_market.as_json(),
            "runners": self.runners.as_json(),
            "known_runners": self.known_runners and self.known_runners.as_json(),
            "ece_by_chance": self.ece_by_chance,
            "market_information": self.market_information,
            "truth_covered": self.truth_covered,
            "reliability": self.reliability._asdict(),
            "places": self.places and self.places.as_json(),
        }

    def _share_of_the_way_to(self, goal: str) -> float | None:
        beside = self.beside_market
        if beside is None or goal not in beside:
            return None
        losses = (beside[name].race_log_loss for name in (MODEL, UNIFORM, goal))
        return metrics.market_information(*losses)


def evaluate(
    table: RaceTable,
    probabilities: Floats,
    scores: Floats,
    baselines: Baselines,
    *,
    f1_threshold: float,
    market_combination: tuple[float, float] | None = None,
    place_discounts: tuple[float, ...] = BENTER_DISCOUNTS,
    seed: int = 0,
) -> Evaluation:
    """Judge win probabilities within whole races, and scores on every runner.

    Parameters
    ----------
    f1_threshold : float
        Learnt on other rows than these, see :func:`racing.metrics.best_f1_threshold`.
    market_combination : tuple of float, optional
        (a, b) fitted on other races than these.
    place_discounts : tuple of float
        Fitted on other races than these, too.
    """
    whole = judged_rows(table)
    judged = table.take(whole)
    sources = {
        MODEL: probabilities[whole],
        UNIFORM: baselines.uniform(judged),
        BOX_ONLY: baselines.box_only(judged),
    }
    has_run = table.n_prior_runs >= 1
    return Evaluation(
        races=_compare(judged, sources, seed),
        beside_market=_compare_with_prices(judged, sources, market_combination, seed),
        runners=_judge_runners(table, scores, baselines, f1_threshold),
        known_runners=_judge_runners(table.take(has_run), scores[has_run], baselines, f1_threshold)
        if has_run.any()
        else None,
        ece_by_chance=metrics.ece_by_chance(sources[MODEL]) if len(judged) else float("nan"),
        reliability=metrics.reliability(sources[MODEL], judged.won)
        if len(judged)
        else metrics.reliability(scores, table.won),
        places=judge_places(table, probabilities, place_discounts, seed=seed),
    )


@dataclass(frozen=True, slots=True)
class KnownPrices:
    """The probabilities that follow from prices, of those sources that at least half of the races have."""

    by_name: Mapping[str, Floats]
    """``rated price``, ``market before off``, ``market (BSP/SP)``, ``true probability``: those known."""
    rows: NDArray[np.bool_]
    """The runners of races where all of them are known; every row where no source is."""


def known_prices(table: RaceTable) -> KnownPrices:
    """Return the prices' probabilities, and the races on which all sources can be compared."""
    prices = {
        RATED: table.rated_probability,
        **({} if table.early_probability is None else {EARLY: table.early_probability}),
        MARKET: table.market_probability,
        TRUTH: table.true_probability,
    }
    known = {name: rows_of_known(p, table.race) for name, p in prices.items() if len(table)}
    known = {name: rows for name, rows in known.items() if rows.mean() >= _MIN_SHARE_KNOWN}
    rows = np.logical_and.reduce(list(known.values())) if known else np.ones(len(table), np.bool_)
    return KnownPrices({name: prices[name] for name in known}, rows)


def _compare_with_prices(
    table: RaceTable, sources: dict[str, Floats], combination: tuple[float, float] | None, seed: int
) -> Comparison | None:
    prices = known_prices(table)
    rows = prices.rows
    if not prices.by_name or not rows.any():
        return None
    priced = table.take(rows)
    beside = {name: p[rows] for name, p in (sources | dict(prices.by_name)).items()}
    if combination is not None and MARKET in prices.by_name:
        a, b = combination
        beside[COMBINED] = combine_with_market(beside[MODEL], beside[MARKET], a, b, priced.race)
    return _compare(priced, beside, seed)


def _compare(table: RaceTable, sources: dict[str, Floats], seed: int) -> Comparison:
    race, won = table.race, table.won
    losses = {name: metrics.per_race_log_loss(p, won, race) for name, p in sources.items()}
    rows = tuple(
        Figures(
            name=name,
            race_log_loss=metrics.race_log_loss(p, won, race),
            auc=metrics.auc(p, won),
            brier=metrics.brier(p, won),
            ece=metrics.ece(p, won),
            log_loss=metrics.log_loss(p, won),
            top_pick_rate=metrics.top_pick_rate(p, won, race),
            model_minus_this=metrics.paired_bootstrap(losses[MODEL], losses[name], seed=seed),
        )
        for name, p in sources.items()
        if len(p)
    )
    return Comparison(count_races(table), len(table), rows)


def _judge_runners(table: RaceTable, scores: Floats, baselines: Baselines, threshold: float) -> RunnerFigures:
    won, base_rate = table.won, baselines.base_rate
    return RunnerFigures(
        n_runners=len(won),
        share_of_winners=float(won.mean()),
        accuracy=metrics.accuracy(scores, won),
        nobody_wins_accuracy=float(1 - won.mean()),
        f1=metrics.f1(scores, won, threshold),
        f1_threshold=threshold,
        balanced_f1=metrics.balanced_f1(scores, won, base_rate),
        auc=metrics.auc(scores, won),
        brier=metrics.brier(scores, won),
        ece=metrics.ece(scores, won),
        ece_by_chance=metrics.ece_by_chance(scores),
        log_loss=metrics.log_loss(scores, won),
        base_rate_log_loss=metrics.log_loss(np.full(len(won), base_rate), won),
    )
