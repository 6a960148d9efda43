"""The truth test: on a simulated season the true probabilities are known; how near does a model come?"""

from typing import Any

from benchmarks.quality import product
from benchmarks.quality.bench import Bench
from benchmarks.quality.step_cache import Json

MODEL, UNIFORM, TRUTH = "model", "uniform", "true probability"
N_RACES = 12_000


def judge_truth(bench: Bench) -> Json:
    """Return how much of the way from uniform to the truth a model covers, by the runner's prior runs."""
    database = product.simulate(bench.plan, bench.steps, N_RACES)
    trained = product.train("truth", database, (), bench.plan, bench.steps)
    days = trained.load().documents["training"]["data"]["test"]

    def work() -> Json:
        judged = product.evaluate(trained, days["from"], days["until"], by="prior-runs").document
        beside = {row["name"]: row["race_log_loss"] for row in judged["beside_market"]["rows"]}
        slices = [_slice(found) for found in judged["slices"]["prior-runs"] if TRUTH in found["losses"]]
        return {
            "command": trained.about["command"],
            "train": dict(trained.about),
            "races": judged["beside_market"]["n_races"],
            "losses": {name: beside[name] for name in (MODEL, UNIFORM, TRUTH)},
            "covered": judged["truth_covered"],
            "slices": slices,
        }

    return bench.steps.step(
        "truth",
        work,
        settings={"database": database, "train_options": list(bench.plan.train_options)},
        inputs={"model": trained.about["digest"]},
    )


def covered(losses: Json) -> float:
    """Return the share of the way from uniform to the truth; below 0 is worse than uniform."""
    return float((losses[UNIFORM] - losses[MODEL]) / (losses[UNIFORM] - losses[TRUTH]))


def _slice(found: Json) -> dict[str, Any]:
    losses = {name: found["losses"][name] for name in (MODEL, UNIFORM, TRUTH)}
    figures = {"name": found["name"], "runners": found["n_runners"], "losses": losses}
    return figures | {"covered": covered(losses)}
