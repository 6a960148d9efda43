"""Bets on the order of finish from win probabilities, judged by the orders that happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import perm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from racing.domain.bets import BETS, Bet
from racing.finish_orders import finish_orders, order_probabilities, with_fourth
from racing.metrics import Difference, Reliability
from racing.probabilities import BENTER_DISCOUNTS
from racing.race_table import RaceTable
from training.data.whole_races import rows_of_known
from training.evaluation.finishes import Finishes, finishes_of, order_log_likelihoods
from training.evaluation.places import BENTER, FITTED, HARVILLE, UNIFORM, WIN_MARKET

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_HARVILLE_DISCOUNTS = (1.0, 1.0, 1.0, 1.0)
_MIN_SHARE_PRICED = 0.5  # the market joins if it is known for half of the races
_LEAST_RACES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class BetFigures:
    """The probabilities of one source, judged by the combinations that paid."""

    name: str
    log_loss: float
    """Minus the mean log of the probability of what paid, by race; equal parts in a dead heat."""
    standard_error: float
    model_minus_this: Difference
    """In log loss, with the 95 % interval of a bootstrap by race; below 0 the model is better."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as a JSON object."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        return figures | {"model_minus_this": self.model_minus_this._asdict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class BetComparison:
    """Several sources judged on the same races, one bet; the model with its own discounts comes first."""

    bet: str
    n_races: int
    """Whole races in which the runners that the bet names are known to have finished so."""
    n_dead_heats: int
    """Those of them in which several combinations paid."""
    rows: tuple[BetFigures, ...]
    reliability: Reliability | None
    """Of every combination of the model's; only for the exacta."""
    ece: float | None

    def __getitem__(self, name: str) -> BetFigures:
        return next(row for row in self.rows if row.name == name)

    def __contains__(self, name: str) -> bool:
        return any(row.name == name for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as a JSON object."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        return figures | {
            "rows": [row.as_json() for row in self.rows],
            "reliability": self.reliability
            and {name: values.tolist() for name, values in self.reliability._asdict().items()},
        }


def judge_bets(
    table: RaceTable, win_p: Floats, discounts: tuple[float, ...], *, seed: int = 0
) -> tuple[BetComparison, ...]:
    """Judge each bet on the whole races whose order of finish is known as far as it names runners.

    Sources of results that have the winner and the placed alone tell the first two where two places are paid;
    see :func:`training.evaluation.finishes.finish_positions`. The market joins where at least half of a bet's
    races have its prices; all sources are then judged on those. Bets with fewer than 10 races are left out.

    Parameters
    ----------
    discounts : tuple of three floats
        Of the model; the fourth follows, see :func:`racing.finish_orders.with_fourth`.
    """
    return tuple(
        found
        for bet in BETS.values()
        if (found := judge_bet(bet, table, win_p, with_fourth(discounts), seed=seed)) is not None
    )


def judge_bet(
    bet: Bet, table: RaceTable, win_p: Floats, discounts: tuple[float, ...], *, seed: int = 0
) -> BetComparison | None:
    """Judge one bet, see :func:`judge_bets`; ``discounts`` are as many as it names runners, or more."""
    finishes = finishes_of(table, bet.n_picks)
    if finishes.n_races < _LEAST_RACES:
        return None
    race = table.race
    has_price = rows_of_known(table.market_probability, race)[np.flatnonzero(np.diff(race, prepend=-1))]
    is_priced = has_price[finishes.race]
    with_market = bool(is_priced.mean() >= _MIN_SHARE_PRICED)
    if with_market:
        finishes = Finishes(finishes.race[is_priced], finishes.order[is_priced], finishes.weight[is_priced])
    sources = {FITTED: (win_p, discounts), HARVILLE: (win_p, _HARVILLE_DISCOUNTS)}
    sources[BENTER] = (win_p, with_fourth(BENTER_DISCOUNTS))
    if with_market:
        sources[WIN_MARKET] = (table.market_probability, discounts)
    losses = {name: bet_losses(bet, p, race, finishes, exponents) for name, (p, exponents) in sources.items()}
    losses[UNIFORM] = _losses_by_chance(bet, np.bincount(race)[np.unique(finishes.race)])
    pairs = _all_exactas(win_p, race, finishes, discounts) if bet == BETS["exacta"] else None
    return BetComparison(
        bet=bet.name,
        n_races=finishes.n_races,
        n_dead_heats=_n_shared(bet, finishes),
        rows=_compare(losses, seed),
        reliability=pairs and metrics.reliability(*pairs),
        ece=pairs and metrics.ece(*pairs),
    )


def bet_losses(
    bet: Bet, win_p: Floats, race: Ints, finishes: Finishes, discounts: tuple[float, ...]
) -> Floats:
    """Return minus the log of the probability of what paid, one entry a race."""
    logs = order_log_likelihoods(win_p, race, finishes, discounts)
    if not bet.is_ordered:
        turned = Finishes(finishes.race, finishes.order[:, ::-1], finishes.weight)
        logs = np.logaddexp(logs, order_log_likelihoods(win_p, race, turned, discounts))
    which = np.unique(finishes.race, return_inverse=True)[1]
    return -np.bincount(which, finishes.weight * logs).astype(np.float64)


def _losses_by_chance(bet: Bet, sizes: Ints) -> Floats:
    """Return the loss of taking all combinations of a race for equally likely."""
    n_orders = np.array([perm(n, bet.n_picks) for n in range(sizes.max(initial=0) + 1)], np.float64)
    return np.log(n_orders[sizes] / (1 if bet.is_ordered else 2))


def _n_shared(bet: Bet, finishes: Finishes) -> int:
    """Return in how many races several combinations paid."""
    picks = finishes.order if bet.is_ordered else np.sort(finishes.order, axis=1)
    combinations = np.unique(np.column_stack([finishes.race, picks]), axis=0)
    return int((np.bincount(combinations[:, 0]) > 1).sum())


def _compare(losses: Mapping[str, Floats], seed: int) -> tuple[BetFigures, ...]:
    return tuple(
        BetFigures(
            name=name,
            log_loss=float(loss.mean()),
            standard_error=float(loss.std(ddof=1) / np.sqrt(len(loss))),
            model_minus_this=metrics.paired_bootstrap(losses[FITTED], loss, seed=seed),
        )
        for name, loss in losses.items()
    )


def _all_exactas(
    win_p: Floats, race: Ints, finishes: Finishes, discounts: tuple[float, ...]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the probability of every exacta of the races, and whether it paid."""
    sizes = np.bincount(race)
    starts = np.cumsum(sizes) - sizes
    races, which = np.unique(finishes.race, return_inverse=True)
    predicted, happened = [], []
    for n in np.unique(sizes[races]).tolist():
        of_size = np.flatnonzero(sizes[races] == n)
        rows = starts[races[of_size], None] + np.arange(n)
        predicted.append(order_probabilities(win_p[rows], 2, discounts))
        number = np.full((n, n), -1)
        first, second = finish_orders(n, 2).T
        number[first, second] = np.arange(len(first))
        paid = np.zeros((len(races), len(first)), np.bool_)
        is_of_size = sizes[finishes.race] == n
        order = finishes.order[is_of_size]
        paid[which[is_of_size], number[order[:, 0], order[:, 1]]] = True
        happened.append(paid[of_size])
    return (
        np.concatenate([p.ravel() for p in predicted]),
        np.concatenate([paid.ravel() for paid in happened]),
    )
