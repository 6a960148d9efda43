"""Loss against training seconds and against a card's milliseconds: every family, the blends, and others.

Ours are those of :mod:`benchmarks.quality.levers`; AutoGluon and TabM learn from the same rows and features,
in environments of their own.
"""

import json
from dataclasses import replace

import altair as alt
import numpy as np

from benchmarks.quality.autogluon import AUTOGLUON, environment, run_fit, write_rows
from benchmarks.quality.bench import Bench
from benchmarks.quality.fits import Recipe, arrays, full_recipe, interval, judged_step, losses_of, split_for
from benchmarks.quality.levers import EVERYTHING
from benchmarks.quality.pieces import sharing_exponent
from benchmarks.quality.races import races_with_prices
from benchmarks.quality.step_cache import Json, StepFailed
from greyhound.charts.svg import to_svg
from racing.probabilities import share_within_race
from training.export.summary import KINDS
from training.families import reads_field

OTHERS = {
    "AutoGluon": ("autogluon_fit.py", AUTOGLUON),
    "TabM": ("tabm_fit.py", ("tabm==0.0.3", "torch==2.13.0")),
}
"""By name: the script, and what its environment holds."""
FAMILY, BLEND, OTHER = "family", "blend of families", "another library"
PICTURES = {
    "seconds": ("Loss against the seconds of training", "loss-seconds.svg"),
    "card_ms": ("Loss against the milliseconds of a card", "loss-card.svg"),
}
_PLOT = (560, 360)
_LABEL_PX = 15.0


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
        (bench.plan.output / file).write_text(to_svg(picture(result["points"], field), title, width=_PLOT[0]))
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


def picture(points: list[Json], field: str) -> Json:
    """Return the chart: loss upwards, cost to the right in decades, each point by its name.

    Labels stand in a column at the right, in the order of the points and clear of one another, each with a
    thin line to its point.
    """
    known = [point for point in points if point[field] is not None]
    losses = [point["expected"][0] for point in known]
    low, high = min(losses), max(losses)
    room = 0.06 * max(high - low, 1e-4)
    low, high = low - room, high + room
    most = max(point[field] for point in known)
    least = min(point[field] for point in known)
    label_x = most * (most / least) ** 0.12 if most > least else most * 1.5
    heights = _apart([point["expected"][0] for point in known], _LABEL_PX * (high - low) / _PLOT[1])
    rows = [
        {
            "name": point["name"],
            "kind": point["kind"],
            "cost": point[field],
            "loss": point["expected"][0],
            "low": point["expected"][1],
            "high": point["expected"][2],
            "label_x": label_x,
            "label_y": height,
        }
        for point, height in zip(known, heights, strict=True)
    ]
    low, high = min(low, min(heights) - room), max(high, max(heights) + room)
    unit = "seconds of training" if field == "seconds" else "milliseconds for a card of eight"
    x = alt.X(
        "cost:Q",
        title=unit,
        scale=alt.Scale(type="log", domain=[least / 1.5, label_x * (label_x / least) ** 0.45], nice=False),
        axis=alt.Axis(format="~g", values=[10.0**power for power in range(-3, 6)], grid=True),
    )
    y = alt.Y(
        "loss:Q",
        title="expected race log loss, less is better",
        scale=alt.Scale(domain=[low, high], nice=False),
    )
    kinds = [kind for kind in (FAMILY, BLEND, OTHER) if any(row["kind"] == kind for row in rows)]
    colours = {FAMILY: "var(--model)", BLEND: "seagreen", OTHER: "var(--market)"}
    shapes = {FAMILY: "circle", BLEND: "diamond", OTHER: "square"}
    legend = alt.Legend(orient="top", title=None)
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=kinds, range=[colours[kind] for kind in kinds]), legend=legend
    )
    shape = alt.Shape(
        "kind:N", scale=alt.Scale(domain=kinds, range=[shapes[kind] for kind in kinds]), legend=legend
    )
    base = alt.Chart(height=_PLOT[1])
    label = {"x": alt.X("label_x:Q"), "y": alt.Y("label_y:Q")}
    chart = alt.layer(
        base.mark_rule(color="var(--line)").encode(x=x, y=y, x2="label_x:Q", y2="label_y:Q"),
        base.mark_point(filled=True, size=110, opacity=1).encode(x=x, y=y, color=colour, shape=shape),
        base.mark_text(align="left", dx=5, fontSize=12, color="var(--ink)").encode(**label, text="name:N"),
    )
    spec: Json = (
        chart.properties(data=alt.InlineData(values=rows))
        .configure_axis(
            gridColor="var(--line)",
            labelColor="var(--soft)",
            titleColor="var(--soft)",
            domainColor="var(--line)",
            labelFontSize=12,
            titleFontSize=12,
        )
        .configure_legend(labelColor="var(--ink)", labelFontSize=12)
        .configure_view(stroke=None)
        .configure(background="transparent")
        .to_dict()
    )
    return spec


def _apart(values: list[float], least: float) -> list[float]:
    """Return values moved as little as need be for neighbours to be ``least`` apart, in their order."""
    order = np.argsort(values)
    moved = np.array(values, np.float64)[order]
    for _ in range(200):
        short = least - np.diff(moved)
        for place in np.flatnonzero(short > 1e-12):
            moved[place] -= short[place] / 2
            moved[place + 1] += short[place] / 2
    found = np.empty(len(values))
    found[order] = moved
    return found.tolist()
