"""Bets judged by the orders of finish that happened; and what fitting discounts on orders gives."""

import datetime as dt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from benchmarks.quality import product
from benchmarks.quality.bench import Bench, between
from benchmarks.quality.step_cache import Json, StepFailed
from racing.domain.bets import BETS
from racing.finish_orders import MAX_DEPTH, with_fourth
from racing.metrics import paired_bootstrap
from racing.probabilities import BENTER_DISCOUNTS
from racing.race_table import RaceTable
from training.evaluation.bets import bet_losses
from training.evaluation.finishes import finishes_of, order_log_likelihoods

Floats = NDArray[np.float64]

BETS_WINDOW = (dt.date(2025, 6, 1), dt.date(2025, 12, 31))
"""Most orders of three and four are known of June and July 2025, from form guides."""
FITTED_UNTIL = dt.date(2025, 6, 30)
"""Discounts are fitted on the orders up to here, and judged on those behind."""
_PRIOR_SD = 0.5  # of a discount's logarithm, as where they are fitted on placings


def judge_bets(bench: Bench) -> Json:
    """Return the figures of each bet, of a model that has not learnt from the window's races."""
    first, last = BETS_WINDOW
    database = product.import_finishes(bench.plan, bench.steps)
    options = ("--test-from", first.isoformat(), "--until", last.isoformat())
    trained = product.train("bets", database, options, bench.plan, bench.steps)

    def work() -> Json:
        ran = product.evaluate(trained, first.isoformat(), last.isoformat())
        if not ran.document["bets"]:
            raise StepFailed(f"no order of finish is known from {first} to {last}")
        table = between(bench.table(database, first, last), first, last)
        p = product.score(trained, table, bench.plan.output / "scores" / "bets.parquet")
        return {
            "command": trained.about["command"],
            "evaluate": ran.command,
            "bets": ran.document["bets"],
            "fitted_on_orders": _fitted_on_orders(table, p, trained.load().spec.place_discounts),
        }

    return bench.steps.step(
        "bets",
        work,
        settings=bench.settings(BETS_WINDOW, database=database),
        inputs={"model": trained.about["digest"]},
    )


def fit_order_discounts(table: RaceTable, win_p: Floats) -> tuple[tuple[float, ...], int]:
    """Return the four discounts under which the known orders are likeliest, and of how many races they are.

    Given who is first, second and so on, each place is a draw of its own, so each discount is fitted on all
    races whose order is known to its place. A weak prior about Benter's constants is as for placings.
    """
    discounts, n_races = [1.0], 0
    for depth in range(2, MAX_DEPTH + 1):
        finishes = finishes_of(table, depth)
        prior = np.log(with_fourth(BENTER_DISCOUNTS)[depth - 1])

        def loss(log_discount: Floats, before: tuple[float, ...] = tuple(discounts)) -> float:
            exponents = (*before, float(np.exp(log_discount[0])))
            logs = order_log_likelihoods(win_p, table.race, finishes, exponents)  # noqa: B023 (called at once)
            return float(0.5 * ((log_discount[0] - prior) / _PRIOR_SD) ** 2 - finishes.weight @ logs)  # noqa: B023

        best = minimize(loss, np.array([prior]), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4})
        discounts.append(float(np.exp(best.x[0])))
        n_races = n_races or finishes.n_races
    return tuple(discounts), n_races


def _fitted_on_orders(table: RaceTable, p: Floats, of_model: tuple[float, ...]) -> Json:
    """Return the discounts that earlier orders give, and each bet's loss with them less with the model's."""
    is_early = table.date <= np.datetime64(FITTED_UNTIL)
    discounts, n_races = fit_order_discounts(table.take(is_early), p[is_early])
    late, win_p = table.take(~is_early), p[~is_early]
    gaps = {}
    for bet in BETS.values():
        finishes = finishes_of(late, bet.n_picks)
        fitted, now = (
            bet_losses(bet, win_p, late.race, finishes, exponents)
            for exponents in (discounts, with_fourth(of_model))
        )
        gaps[bet.name] = {
            "n_races": finishes.n_races,
            "fitted_minus_model": list(paired_bootstrap(fitted, now)),
        }
    return {
        "n_races": n_races,
        "until": FITTED_UNTIL.isoformat(),
        "fitted": list(discounts),
        "model": list(with_fourth(of_model)),
        "bets": gaps,
    }
