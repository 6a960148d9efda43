"""A model ready to score: immutable, shared by threads, numpy, compiled code and ONNX Runtime only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from model_registry.artifact.spec import MARKET_ALONE, Isotonic, ModelSpec, Platt
from model_registry.errors import ArtifactBroken, NotScored
from racing.ops.nets import MAX_FIELD
from racing.probabilities import (
    combine_with_market,
    n_places,
    place_probabilities,
    race_level,
    share_within_race,
)
from racing.race_shares import RaceShares, Sharing, race_shares

if TYPE_CHECKING:  # there is none without a compiler
    from racing.ops.nets import Net
    from racing.ops.trees import Table

GOLDEN_TOLERANCE = 1e-5

Floats = NDArray[np.float64]
Race = NDArray[np.int64] | None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledNet:
    """A member that compares the runners of a race, and what its log odds count."""

    weight: float
    net: "Net"


@dataclass(frozen=True, slots=True, eq=False)
class OnnxMember:
    """A member that ONNX Runtime scores, what its log odds count, and why compiled code does not."""

    name: str
    weight: float
    session: ort.InferenceSession
    why: str
    n_features: int
    """It takes the first of the model's features, so many."""
    reads_field: bool = False
    """It takes the rows of one race together, and compares them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedModel:
    """A verified artifact.

    ``features`` are always of shape (n_runners, n_features) in the order of ``spec.features``, NaN unknown;
    ``race`` numbers each runner's race 0, 1, 2 ... in order, ``None`` says that all run in one.
    """

    spec: ModelSpec
    digest: str
    n_bytes: int
    documents: Mapping[str, Mapping[str, Any]]
    """By name without ``.json``, see :data:`model_registry.artifact.DOCUMENTS`."""
    table: "Table | None"
    """All members that judge runners one by one and were compiled, see
    :mod:`model_registry.artifact.compiled_members`."""
    nets: tuple[CompiledNet, ...]
    """Those that read the field and were compiled."""
    onnx_members: tuple[OnnxMember, ...]
    """The others."""

    def log_odds(self, features: NDArray[np.floating[Any]], race: Race = None) -> Floats:
        """Return the blend's log odds before calibration.

        Each runner is judged on its own, but by members that read the whole field
        (:attr:`ModelSpec.reads_fields`); those give the same bits in whatever order the runners come.
        """
        rows = np.asarray(features, np.float32)
        if rows.ndim != 2 or rows.shape[1] != len(self.spec.features):
            raise ValueError(f"features must be of shape (n, {len(self.spec.features)}), got {rows.shape}")
        if not len(rows):
            return np.zeros(0)
        total = np.full(len(rows), self.spec.intercept)
        if self.spec.reads_fields:
            rows = np.ascontiguousarray(rows)
            bounds = race_bounds(len(rows), race)
            for each in self.nets:
                each.net.add_to(rows, bounds, each.weight, total)
        for member in self.onnx_members:
            own = np.ascontiguousarray(rows[:, : member.n_features])
            if member.reads_field:
                total += member.weight * field_log_odds(member.session, own, race)
            else:
                total += member.weight * member.session.run(_OUTPUT, {"features": own})[0]
        if self.table is None:
            row = _not_finite(total)
        else:
            n_of_runs = self.spec.n_run_features
            row = self.table.add_to(rows[:, :-n_of_runs] if n_of_runs else rows, total)
        if row >= 0:
            raise NotScored(f"log odds must be finite, got {total[row]} in row {row}")
        return total

    def scores(self, features: NDArray[np.floating[Any]], race: Race = None) -> Floats:
        """Return calibrated scores in [0, 1], each runner judged on its own."""
        return self.scores_of(self.log_odds(features, race), race)

    def scores_of(self, blended: Floats, race: Race = None) -> Floats:
        """Return calibrated scores of what :meth:`log_odds` gave."""
        return self._scores(blended - self.level_of(blended, race))

    def level_of(self, blended: Floats, race: Race = None) -> Floats:
        """Return what is taken off a race's log odds before calibration, one entry a runner."""
        if not self.spec.is_centred:
            return np.zeros(len(blended))
        return race_level(blended, _one_race(len(blended), race))

    def probabilities(self, features: NDArray[np.floating[Any]], race: Race = None) -> Floats:
        """Return win probabilities, summing to 1 within each race."""
        return self.probabilities_of(self.log_odds(features, race), race)

    def probabilities_of(self, blended: Floats, race: Race = None) -> Floats:
        """Return win probabilities of what :meth:`log_odds` gave."""
        centred = blended - self.level_of(blended, race)
        return share_within_race(self.strengths_of(centred), _one_race(len(blended), race))

    def strengths_of(self, centred: Floats) -> Floats:
        """Return each runner's strength, of what :meth:`log_odds` less :meth:`level_of` gave.

        These are the calibrated log odds times the sharing exponent: a race's win probabilities are their
        softmax.
        """
        calibration = self.spec.calibration
        match calibration:
            case Platt(slope, intercept):
                odds = slope * centred + intercept
            case None:
                odds = centred
            case _:
                odds = _logit(self._scores(centred))
        return odds * self.spec.sharing_exponent

    def place_probabilities(self, win_probability: Floats, race: Race = None) -> Floats:
        """Return the probability to be among the places that a field of this size pays."""
        race = _one_race(len(win_probability), race)
        places = n_places(np.bincount(race).astype(np.int64))
        return place_probabilities(win_probability, race, places, self.spec.place_discounts)

    def combine(
        self, win_probability: Floats, market_probability: Floats, race: Race = None
    ) -> Floats | None:
        """Return the market's probability combined with the model's, or ``None`` if none was fitted.

        Where the model adds nothing that is the market's probability itself.
        """
        if self.spec.market_combination is None:
            return None
        if self.spec.is_market_alone:
            return market_probability
        a, b = self.spec.market_combination
        race = _one_race(len(win_probability), race)
        return combine_with_market(win_probability, market_probability, a, b, race)

    def shares_of_race(self, blended: Floats, prices: Sequence[float | None]) -> RaceShares:
        """Return what the methods above give of one race, bit for bit, in a sixth of their time.

        Where :attr:`ModelSpec.market_combination` is missing, ``combined`` is the market's own.
        """
        spec = self.spec
        match spec.calibration:
            case Platt(slope, intercept):
                straight = (spec.is_centred, slope, intercept, spec.sharing_exponent)
            case None:
                straight = (spec.is_centred, 1.0, 0.0, spec.sharing_exponent)
            case _:  # a table is not straight
                blended = self.strengths_of(blended - self.level_of(blended))
                straight = (False, 1.0, 0.0, 1.0)
        a, b = spec.market_combination or MARKET_ALONE
        return race_shares(blended, prices, Sharing(*straight, a, b, spec.place_discounts))

    def check_golden(self) -> None:
        """Raise :class:`~model_registry.errors.ArtifactBroken` if the golden card's answers have changed."""
        golden = self.documents["golden"]
        try:
            features = np.array(golden["features"], np.float32)  # null becomes NaN
            expected = np.array(golden["probabilities"], np.float64)
            got = self.probabilities(features)
        except (LookupError, TypeError, ValueError) as error:
            raise ArtifactBroken(f"golden.json: {error}") from error
        if expected.shape != got.shape or not len(got):
            raise ArtifactBroken(
                f"golden.json: {len(got)} runners, but {expected.size} probabilities", fault="golden"
            )
        difference = np.abs(got - expected)
        worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
        if not difference[worst] <= GOLDEN_TOLERANCE:
            rule = f"runner {worst} must have {expected[worst]:.9f}, got {got[worst]:.9f}"
            raise ArtifactBroken(f"golden.json: {rule}: off by {difference[worst]:.2g}", fault="golden")

    def _scores(self, blended: Floats) -> Floats:
        match self.spec.calibration:
            case Platt(slope, intercept):
                return _sigmoid(slope * blended + intercept)
            case Isotonic(knots, scores):
                return np.interp(blended, knots, scores)
            case None:
                return _sigmoid(blended)


_OUTPUT = ["log_odds"]


def race_bounds(n_rows: int, race: Race) -> NDArray[np.int64]:
    """Return where each race begins, and behind them the number of rows.

    Raises
    ------
    NotScored
        If a race has more than ``MAX_FIELD`` runners: each is compared with each other.
    """
    if race is None:
        bounds, most = np.array([0, n_rows]), n_rows
    else:
        bounds = np.append(np.flatnonzero(np.diff(race, prepend=race[:1] - 1)), n_rows)
        most = int(np.diff(bounds).max(initial=0))
    if most > MAX_FIELD:
        raise NotScored(f"a race has at most {MAX_FIELD} runners, got {most}")
    return bounds


def field_log_odds(session: ort.InferenceSession, rows: NDArray[np.float32], race: Race) -> Floats:
    """Return the log odds of a graph that reads one race at a time, its runners in an order of its own.

    A race is run alone and its rows in the order of their bytes, for sums of floats depend on the order and,
    in the last bit, on what else is in a batch: a race stored and its card get the same bits.

    Raises
    ------
    NotScored
        If a race has more than ``MAX_FIELD`` runners.
    """
    result = np.empty(len(rows))
    for start, stop in pairwise(race_bounds(len(rows), race).tolist()):
        order = sorted(range(start, stop), key=lambda row: rows[row].tobytes())
        result[order] = session.run(_OUTPUT, {"features": rows[order]})[0]
    return result


def _not_finite(values: Floats) -> int:
    """Return the first place that is not finite, or -1."""
    is_finite = np.isfinite(values)
    return -1 if is_finite.all() else int(np.argmin(is_finite))


def _one_race(n_runners: int, race: Race) -> NDArray[np.int64]:
    return np.zeros(n_runners, np.int64) if race is None else race


def _sigmoid(x: Floats) -> Floats:
    # tanh never overflows, unlike 1 / (1 + exp(-x)).
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _logit(score: Floats) -> Floats:
    # A table's ends may be 0 or 1, of which no field can make a share.
    clipped = np.clip(score, 1e-6, 1 - 1e-6)
    return np.log(clipped) - np.log1p(-clipped)
