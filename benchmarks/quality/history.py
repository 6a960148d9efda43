"""Learning curves by amount of history: one training on the races of ever more months."""

import datetime as dt
from dataclasses import replace

import numpy as np

from benchmarks.quality.bench import Bench
from benchmarks.quality.fits import Recipe, arrays, full_recipe, gap, interval, judged_step
from benchmarks.quality.levers import EVERYTHING
from benchmarks.quality.step_cache import Json

SPANS = {"3 months": 91, "6 months": 182, "1 year": 365, "2 years": 730}
"""Days before the first judged one, of which some weeks are calibrated on."""
ALL = "all there is"


def judge_history(bench: Bench) -> Json:
    """Return what every candidate loses when it learns from so much, less when from all there is.

    What is cut is the races to learn from: features and ratings of each race are made of all days before it.
    """
    everything = full_recipe(bench)
    whole = judged_step(bench, f"levers/{EVERYTHING}", everything, has_cost=True)
    first = dt.date.fromisoformat(whole["learnt"]["from"])
    points = [
        _point(name, judged_step(bench, f"history/{name}".replace(" ", "-"), recipe), whole)
        for name, recipe in recipes(everything, first).items()
    ]
    return {
        "days": f"{everything.from_day} to {everything.until}",
        "races": whole["races"],
        "first_day": str(first),
        "points": [*points, _point(ALL, whole, whole)],
    }


def recipes(everything: Recipe, first_day: dt.date) -> dict[str, Recipe]:
    """Return the trainings of less than everything."""
    starts = {name: everything.from_day - dt.timedelta(days=days) for name, days in SPANS.items()}
    return {name: replace(everything, start=start) for name, start in starts.items() if start > first_day}


def _point(name: str, result: Json, whole: Json) -> Json:
    candidates = [each for each in result["losses"] if each not in ("market", "uniform")]
    return {
        "name": name,
        "learnt": result["learnt"],
        "levels": {
            each: {how: interval(losses) for how, losses in arrays(result, each).items()}
            for each in candidates
        },
        "minus_all": {each: gap(result, whole, each) for each in candidates if each in whole["losses"]},
        "seconds": {each: float(np.round(result["seconds"][each], 1)) for each in candidates},
    }
