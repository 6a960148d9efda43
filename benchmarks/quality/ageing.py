"""How a model ages that is never trained again: its loss less the market's, by months since the training."""

import datetime as dt
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.bench import Bench
from benchmarks.quality.fits import arrays, full_recipe, interval, judged_step
from benchmarks.quality.races import Floats
from benchmarks.quality.step_cache import Json
from training.report.ageing import DAYS_A_MONTH

Days = NDArray[np.datetime64]

MONTHS = 6
"""So many months before the development window it ends to learn."""


def judge_ageing(bench: Bench) -> Json:
    """Return each candidate's gap to the market month by month, with ratings up to date."""
    recipe = full_recipe(bench)
    first = recipe.from_day - dt.timedelta(days=round(365 * MONTHS / 12))
    recipe = replace(recipe, from_day=first)
    result = judged_step(bench, "ageing/all", recipe)
    days = np.array(result["days"], "datetime64[D]")
    gaps = {
        name: {how: losses - arrays(result, "market")[how] for how, losses in arrays(result, name).items()}
        for name in result["losses"]
        if name not in ("market", "uniform")
    }
    month = months_since(days, np.datetime64(first))
    return {
        "days": f"{first} to {recipe.until}",
        "training_ended": str(first - dt.timedelta(days=1)),
        "races": len(days),
        "months": [
            {
                "month": int(number),
                "races": int((month == number).sum()),
                "gaps": {
                    name: {how: interval(values[month == number]) for how, values in of_name.items()}
                    for name, of_name in gaps.items()
                },
            }
            for number in np.unique(month)
        ],
        "a_month": {
            name: {how: slope(values, days) for how, values in of_name.items()}
            for name, of_name in gaps.items()
        },
    }


def months_since(days: Days, first: np.datetime64) -> NDArray[np.int64]:
    """Return for each day in which month after the training it lies, counted from 0."""
    return (_months(days - first)).astype(np.int64)


def slope(gap: Floats, days: Days) -> list[float]:
    """Return by how much a per-race gap grows in a month (least squares), with its 95 % interval."""
    when = _months(days - days.min())
    away = when - when.mean()
    spread = float(np.mean(away * away))
    return interval(away * (gap - gap.mean()) / spread) if spread else [float("nan")] * 3


def _months(gone: NDArray[np.timedelta64]) -> Floats:
    return np.asarray(gone / np.timedelta64(1, "D") / DAYS_A_MONTH, np.float64)
