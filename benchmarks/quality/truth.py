"""The truth test: on a simulated season the true probabilities are known; how near does a model come?"""

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import product
from benchmarks.quality.bench import Bench, between
from benchmarks.quality.best_guess import best_guess
from benchmarks.quality.races import Races
from benchmarks.quality.step_cache import Json, StepFailed
from racing.metrics import expected_loss
from racing.probabilities import share_within_race
from racing.simulation.season import run_season
from racing.simulation.simulator import SEASON_DAYS
from training.data.whole_races import judged_rows

Floats = NDArray[np.float64]

MODEL, UNIFORM, TRUTH = "model", "uniform", "true probability"
N_RACES, SEED = 12_000, 1


def judge_truth(bench: Bench) -> Json:
    """Return how much of the way from uniform to the truth a model covers, by the runner's prior runs."""
    database = product.simulate(bench.plan, bench.steps, N_RACES, SEED)
    trained = product.train("truth", database, (), bench.plan, bench.steps)
    days = trained.load().documents["training"]["data"]["test"]

    def work() -> Json:
        judged = product.evaluate(trained, days["from"], days["until"], by="prior-runs").document
        first, last = (dt.date.fromisoformat(days[end]) for end in ("from", "until"))
        table = between(bench.table(database, first, last), first, last)
        p = product.score(trained, table, bench.plan.output / "scores" / "truth.parquet")
        beside = {row["name"]: row["race_log_loss"] for row in judged["beside_market"]["rows"]}
        slices = [_slice(found) for found in judged["slices"]["prior-runs"] if TRUTH in found["losses"]]
        return {
            "command": trained.about["command"],
            "train": dict(trained.about),
            "races": judged["beside_market"]["n_races"],
            "losses": {name: beside[name] for name in (MODEL, UNIFORM, TRUTH)},
            "covered": judged["truth_covered"],
            **_covered(Races(table, judged_rows(table)), p),
            "slices": slices,
        }

    found = bench.steps.step(
        "truth",
        work,
        settings={"database": database, "train_options": list(bench.plan.train_options)},
        inputs={"model": trained.about["digest"]},
    )
    return found | {"best_guess": _best_guess(bench, database, days)}


def _best_guess(bench: Bench, database: str, days: Json) -> Json:
    """Return how much of the way the best guess of one who knows how the season is made covers."""

    def work() -> Json:
        first, last = (dt.date.fromisoformat(days[end]) for end in ("from", "until"))
        table = between(bench.table(database, first, last), first, last)
        season = run_season(N_RACES, SEASON_DAYS, np.random.default_rng(SEED))
        true = share_within_race(season.strength, season.race)
        if not np.array_equal(true[-len(table) :], table.true_probability):
            raise StepFailed(f"the stored season is not the one of seed {SEED}: give --again to make it anew")
        guess = best_guess(season, SEASON_DAYS - (last - first).days - 1)
        return _covered(Races(table, judged_rows(table)), guess[-len(table) :])

    return bench.steps.step(
        "truth/best-guess", work, settings={"races": N_RACES, "seed": SEED, "days": dict(days)}
    )


def _covered(races: Races, p: Floats) -> Json:
    """Return the share of the way to the truth with its interval: by the winners, and by the truth itself."""
    judged = races.judged
    sources = (1 / np.bincount(races.table.race)[races.table.race], p, races.table.true_probability)
    realised = [races.losses(source) for source in sources]
    expected = [expected_loss(judged.true_probability, source[races.rows], judged.race) for source in sources]
    return {
        "covered_interval": share_of_the_way(*realised),
        "expected_covered_interval": share_of_the_way(*expected),
    }


def share_of_the_way(uniform: Floats, model: Floats, truth: Floats, *, n: int = 2000) -> list[float]:
    """Return the share of the way from uniform to the truth with its 95 % interval (bootstrap by race)."""
    gained, whole = uniform - model, uniform - truth
    draw = np.random.default_rng(0)
    shares = [
        gained[drawn].mean() / whole[drawn].mean()
        for drawn in (draw.integers(0, len(model), len(model)) for _ in range(n))
    ]
    low, high = np.quantile(shares, [0.025, 0.975])
    return [float(gained.mean() / whole.mean()), float(low), float(high)]


def covered(losses: Json) -> float:
    """Return the share of the way from uniform to the truth; below 0 is worse than uniform."""
    return float((losses[UNIFORM] - losses[MODEL]) / (losses[UNIFORM] - losses[TRUTH]))


def _slice(found: Json) -> dict[str, Any]:
    losses = {name: found["losses"][name] for name in (MODEL, UNIFORM, TRUTH)}
    figures = {"name": found["name"], "runners": found["n_runners"], "losses": losses}
    return figures | {"covered": covered(losses)}
