"""Loss against training seconds and against a card's milliseconds: every family, the blends, and others.

Ours are those of :mod:`benchmarks.quality.levers`; AutoGluon and TabM learn from the same rows and features,
in environments of their own.
"""

import json
from dataclasses import replace

import numpy as np

from benchmarks.quality.autogluon import AUTOGLUON, environment, run_fit, write_rows
from benchmarks.quality.bench import Bench
from benchmarks.quality.fits import Recipe, arrays, full_recipe, interval, judged_step, losses_of, split_for
from benchmarks.quality.levers import EVERYTHING
from benchmarks.quality.pieces import sharing_exponent
from benchmarks.quality.races import races_with_prices
from benchmarks.quality.step_cache import Json, StepFailed
from greyhound.charts import Spec
from greyhound.charts.cost import CostPoint, cost_chart
from greyhound.charts.svg import to_svg
from racing.probabilities import share_within_race
from training.export.summary import KINDS
from training.families import reads_field

OTHERS = {
    "AutoGluon": ("autogluon_fit.py", AUTOGLUON),
    "TabM": ("tabm_fit.py", ("tabm==0.0.3", "torch==2.13.0", "numpy>=2,<3")),
}
"""By name: the script, and what its environment holds."""
FAMILY, BLEND, OTHER = "family", "blend", "other"
CHARTS = {"seconds": "loss_over_seconds", "card_ms": "loss_over_card"}
PICTURES = {
    "seconds": ("Loss against the seconds of training", "loss-seconds.svg"),
    "card_ms": ("Loss against the milliseconds of a card", "loss-card.svg"),
}
_HEIGHT_PX = 340.0


def judge_cost(bench: Bench) -> Json:
    """Return loss, seconds and milliseconds of each, and draw the pictures."""
    recipe = full_recipe(bench)
    whole = judged_step(bench, f"levers/{EVERYTHING}", recipe, has_cost=True)
    points = [
        {
            "name": KINDS.get(name, name.replace("_", " ")),
            "kind": BLEND if "ensemble" in name else FAMILY,
            **{how: interval(losses) for how, losses in arrays(whole, name).items()},
            "seconds": whole["seconds"][name],
            "card_ms": whole["card_ms"][name],
        }
        for name in whole["seconds"]
    ]
    missing, learnt = {}, 0
    for name in OTHERS:
        try:
            found = _other(bench, recipe, name)
        except StepFailed as failure:
            missing[name] = str(failure)
            continue
        points.append(found)
        learnt = found["rows"]
    result = {
        "days": f"{recipe.from_day} to {recipe.until}",
        "races": whole["races"],
        "learnt": learnt,
        "points": sorted(points, key=lambda point: point["expected"][0]),
        "missing": missing,
        "pictures": dict(PICTURES.values()),
    }
    for field, (title, file) in PICTURES.items():
        (bench.plan.output / file).write_text(to_svg(picture(result["points"], field), title))
    return result


def _other(bench: Bench, recipe: Recipe, name: str) -> Json:
    """Return the point of another library, fitted on our training rows and shared within races as ours."""
    script, requirements = OTHERS[name]
    folder = bench.plan.output / "others" / name.lower()
    alone = replace(recipe, run_features=(), families=tuple(f for f in recipe.families if not reads_field(f)))

    def work() -> Json:
        python = environment(bench.plan.output / f"{name.lower()}-env", requirements)
        split = split_for(bench, alone)
        parts = {"train": split.train, "calibration": split.calibration, "test": split.test}
        write_rows(folder, alone.features, parts)
        run_fit(python, script, folder, bench.plan.autogluon_s)
        odds = {part: np.load(folder / f"{part}_log_odds.npy") for part in ("calibration", "test")}
        exponent = sharing_exponent(odds["calibration"], split.calibration)
        races = races_with_prices(split.test)
        p = share_within_race(odds["test"], races.table.race, exponent)
        fit = json.loads((folder / "fit.json").read_text())
        losses = losses_of(races, p)
        return {
            "name": name,
            "kind": OTHER,
            **{how: interval(np.array(of_race)) for how, of_race in losses.items()},
            "seconds": fit["seconds"],
            "card_ms": fit["card_ms"],
            "rows": fit["rows"],
        }

    return bench.steps.step(
        f"cost/{name.lower()}",
        work,
        settings=bench.settings(
            (recipe.from_day, recipe.until), database=bench.database, seconds=bench.plan.autogluon_s
        ),
        inputs=alone.as_inputs() | {"requirements": requirements},
    )


def picture(points: list[Json], field: str) -> Spec:
    """Return the chart of the points whose cost is known."""
    return cost_chart(
        CHARTS[field],
        [
            CostPoint(
                name=point["name"],
                kind=point["kind"],
                cost=point[field],
                loss=point["expected"][0],
                figure=f"{point['expected'][0]:.4f}",
                note=f"{point[field]:.3g}",
            )
            for point in points
            if point[field]
        ],
        height=_HEIGHT_PX,
    )
