"""The models of the table: trained by ``greyhound train``, judged by ``greyhound evaluate``, race by race."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import product
from benchmarks.quality.bench import Bench
from benchmarks.quality.product import Trained
from benchmarks.quality.races import (
    Races,
    as_json,
    by_week,
    drift_by_week,
    level,
    races_with_prices,
)
from benchmarks.quality.step_cache import Json, StepFailed
from racing.metrics import paired_bootstrap
from racing.probabilities import combine_with_market
from training.evaluation.evaluation import MODEL

Floats = NDArray[np.float64]


def judge_model(bench: Bench, name: str) -> Json:
    """Return the figures of ``form``, ``results`` or ``rated`` on the test races, beside every baseline."""
    trained = bench.model(name)
    plan = bench.plan

    def work() -> Json:
        ran = product.evaluate(trained, *bench.test_days)
        beside = ran.document["beside_market"]
        if beside is None:
            raise StepFailed("no race of the test days has every price known")
        races = races_with_prices(bench.table(bench.database, plan.test_from, plan.until))
        p = scores_of(bench, name, trained, races)
        losses = races.losses(p)
        _agree(losses, beside)
        rows = {
            row["name"]: {**row, "model_minus_this": list(row["model_minus_this"].values())}
            for row in beside["rows"]
        }
        return {
            "command": trained.about["command"],
            "evaluate": ran.command,
            "train": dict(trained.about),
            "races": beside["n_races"],
            "rows": rows,
            "level": list(level(losses)),
            "expected_level": _of_all(ran.document, "levels")[MODEL]["expected"],
            "estimates": {key: _of_all(ran.document, key) for key in ("levels", "gaps")},
            "market_information": ran.document["market_information"],
            "ece": rows[MODEL]["ece"],
            "ece_by_chance": ran.document["ece_by_chance"],
            "slices": _slices(ran.document["slices"]),
            "places": ran.document.get("places"),
            "with_market": _with_market(trained, races, p),
            "ageing": _ageing(trained, races, p),
        }

    days = (plan.test_from, plan.until)
    return bench.steps.step(
        name,
        work,
        settings=bench.settings(days, database=bench.database),
        inputs={"model": trained.about["digest"]},
        test_days_used=f"{days[0]} to {days[1]}",
    )


def scores_of(bench: Bench, name: str, trained: Trained, races: Races) -> Floats:
    """Return a model's probabilities of the races' table, as ``greyhound score`` writes them."""
    return product.score(trained, races.table, bench.plan.output / "scores" / f"{name}.parquet")


def _agree(losses: Floats, beside: Json) -> None:
    """Refuse figures on which ``score`` and ``evaluate`` do not agree."""
    evaluated = next(row["race_log_loss"] for row in beside["rows"] if row["name"] == MODEL)
    if len(losses) != beside["n_races"] or abs(losses.mean() - evaluated) > 1e-9:
        figures = (
            f"{losses.mean():.6f} on {len(losses)} races, evaluate {evaluated:.6f} on {beside['n_races']}"
        )
        raise StepFailed(f"score and evaluate must agree on a model, but score gives {figures}")


def _slices(slices: Json) -> list[Json]:
    """Return the figures of each slice: losses of every source, and whether it is calibrated."""
    keep = (
        "slicing",
        "name",
        "is_of_races",
        "n_races",
        "n_runners",
        "n_compared",
        "losses",
        "ece",
        "ece_by_chance",
        "ece_verdict",
        "has_trend",
        "is_calibrated",
    )
    return [
        {
            **{key: found[key] for key in keep},
            "slope": list(found["slope"].values()),
            **{key: _intervals(found[key]) for key in ("levels", "gaps")},
        }
        for of_slicing in slices.values()
        for found in of_slicing
    ]


def _of_all(evaluated: Json, key: str) -> Json:
    """Return the levels or gaps of all races together."""
    (of_all,) = evaluated["slices"]["overall"]
    return _intervals(of_all[key])


def _intervals(estimates: Json) -> Json:
    """Return each source's estimates as [figure, low, high]."""
    return {
        source: {how: found and list(found.values()) for how, found in estimate.items()}
        for source, estimate in estimates.items()
    }


def _with_market(trained: Trained, races: Races, p: Floats) -> Json | None:
    """Return what the model adds to the market, combined as the artifact says: fitted before the test."""
    combination = trained.load().spec.market_combination
    if combination is None:
        return None
    market = races.table.market_probability
    losses = races.losses(market)
    combined = races.losses(combine_with_market(p, market, *combination, races.table.race))
    return {
        "combination": list(combination),
        "levels": as_json({"model with market": combined, "market": losses}, "model with market"),
        "minus_market": list(paired_bootstrap(combined, losses)),
    }


def _ageing(trained: Trained, races: Races, p: Floats) -> Json:
    """Return race log loss minus the market's by week after the last day that the model learnt from."""
    learnt = trained.load().documents["training"]["data"]
    ended = max(np.datetime64(learnt[part]["until"], "D") for part in ("train", "calibration"))
    gap = races.losses(p) - races.losses(races.table.market_probability)
    expected = races.expected(p) - races.expected(races.table.market_probability)
    weeks = by_week(gap, races.days(), ended)
    return {
        "training_ended": str(ended),
        "weeks": [
            {"week": week, "races": n, "gap": list(found), "expected": list(as_expected.gap)}
            for (week, n, found), as_expected in zip(
                weeks, by_week(expected, races.days(), ended), strict=True
            )
        ],
        "drift_by_week": list(drift_by_week(gap, races.days())),
        "expected_drift_by_week": list(drift_by_week(expected, races.days())),
    }
