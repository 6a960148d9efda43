"""Form guides alone: times, splits, margins and past prices, fields partly known, judged beside the SP."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import product
from benchmarks.quality.bench import Bench, between
from benchmarks.quality.plan import GUIDES_WINDOW
from benchmarks.quality.races import MIN_KNOWN_RUNNERS, Races, as_json, races_partly_known
from benchmarks.quality.step_cache import Json, StepFailed
from model_registry.artifact import LoadedModel
from racing.features import INPUT_NAMES
from racing.metrics import paired_bootstrap
from racing.probabilities import combine_with_market, fit_market_combination
from racing.race_table import RaceTable
from training.evaluation.baselines import Baselines

Floats = NDArray[np.float64]

MODEL, MARKET, COMBINED = "model", "market (SP)", "model with market"


def judge_guides(bench: Bench) -> Json:
    """Return the figures of a model of form guides on July's races of five known runners or more."""
    first, last = GUIDES_WINDOW
    options = ("--until", last.isoformat(), "--test-from", first.isoformat())
    trained = product.train("guides", bench.guides_database, options, bench.plan, bench.steps)

    def work() -> Json:
        model = trained.load()
        learnt = model.documents["training"]
        with_runs = model.spec.n_run_features > 0
        table = bench.table(bench.guides_database, None, last, with_runs=with_runs)
        races = races_partly_known(between(table, first, last))
        if not races.rows.any():
            raise StepFailed(
                f"no race of {first} to {last} has {MIN_KNOWN_RUNNERS} known runners and a winner"
            )
        p = product.score(trained, races.table, bench.plan.output / "scores" / "guides.parquet")
        combination, fitted_on = _combination(model, table, learnt["data"]["calibration"])
        market = races.table.market_probability
        baselines = Baselines(learnt["baselines"]["base_rate"], tuple(learnt["baselines"]["box_rates"]))
        losses = {
            MODEL: races.losses(p),
            "uniform": races.losses(baselines.uniform(races.table)),
            "box only": races.losses(baselines.box_only(races.table)),
            MARKET: races.losses(market),
            COMBINED: races.losses(combine_with_market(p, market, *combination, races.table.race)),
        }
        return {
            "command": trained.about["command"],
            "train": dict(trained.about),
            "races": len(losses[MODEL]),
            "combination": {"a_b": list(combination), "fitted_on": fitted_on},
            "rows": as_json(losses, MODEL),
            "minus_market": list(paired_bootstrap(losses[MODEL], losses[MARKET])),
            "combined_minus_market": list(paired_bootstrap(losses[COMBINED], losses[MARKET])),
        }

    return bench.steps.step(
        "guides",
        work,
        settings=bench.settings(GUIDES_WINDOW, database=bench.guides_database),
        inputs={"model": trained.about["digest"]},
    )


def _combination(model: LoadedModel, table: RaceTable, days: Json) -> tuple[tuple[float, float], str]:
    """Return how model and market combine: as the artifact says, else fitted on its calibration days.

    The artifact says so only where whole races with every price are many enough, which guides seldom have.
    """
    if model.spec.market_combination is not None:
        return model.spec.market_combination, "the artifact's own"
    dates = table.date.astype("datetime64[D]")
    rows = (dates >= np.datetime64(days["from"])) & (dates <= np.datetime64(days["until"]))
    races: Races = races_partly_known(table.take(rows))
    judged = races.judged
    inputs = judged.inputs(len(INPUT_NAMES))[:, model.spec.columns(INPUT_NAMES)]
    p = model.probabilities(inputs, judged.race)
    n_races = len(np.unique(judged.race_id))
    which = f"{n_races} races of {MIN_KNOWN_RUNNERS} known runners, {days['from']} to {days['until']}"
    return fit_market_combination(p, judged.market_probability, judged.won, judged.race), which
