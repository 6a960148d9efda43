"""What groups of features carry: the loss without each, and with each alone beside the card."""

from collections.abc import Mapping

import numpy as np

from benchmarks.quality.bench import Bench, between
from benchmarks.quality.pieces import CARD, Columns, partitions, parts_before, quick_model
from benchmarks.quality.races import level, races_with_prices
from benchmarks.quality.step_cache import Json
from racing.features import FEATURE_NAMES, FEATURE_VERSION
from racing.metrics import paired_bootstrap

ALL, CARD_ALONE = "all features", "card alone"
WITHOUT, WITH_CARD = "without ", "card and "


def subsets(cut: Mapping[str, Mapping[str, Columns]]) -> dict[str, tuple[Columns, str]]:
    """Return by name the columns of each fit, and the fit that it is compared with.

    ``cut`` holds the ways to cut the features, as :func:`benchmarks.quality.pieces.partitions` gives them;
    the one by group has the card.
    """
    everything = tuple(sorted(column for columns in cut["group"].values() for column in columns))
    card = cut["group"][CARD]
    fits = {ALL: (everything, ALL), CARD_ALONE: (card, ALL)}
    for way, groups in cut.items():
        for name, columns in groups.items():
            rest = tuple(column for column in everything if column not in columns)
            fits[f"{WITHOUT}{way} {name}"] = (rest, ALL)
            if set(columns) - set(card):
                fits[f"{WITH_CARD}{way} {name}"] = (tuple(sorted({*card, *columns})), CARD_ALONE)
    return fits


def judge_groups(bench: Bench) -> Json:
    """Return what every group and topic costs when left out, and adds to the card alone."""
    plan = bench.plan
    fits = subsets(partitions())
    days = (plan.develop_from, plan.develop_until)
    losses: dict[str, list[float]] = {}
    for name, (columns, _) in fits.items():

        def work(columns: Columns = columns) -> Json:
            table = bench.table(bench.database, None, plan.develop_until)
            races = races_with_prices(between(table, *days))
            model = quick_model(parts_before(table, plan.develop_from), columns)
            return {"losses": races.losses(model(races.table)).tolist()}

        names = [FEATURE_NAMES[column] for column in columns]
        inputs = {"feature_version": FEATURE_VERSION, "features": names}
        step = f"ablation/{name}".replace(" ", "-")
        losses[name] = bench.steps.step(
            step, work, settings=bench.settings(days, database=bench.database), inputs=inputs
        )["losses"]
    found = {name: np.array(loss) for name, loss in losses.items()}
    return {
        "days": f"{days[0]} to {days[1]}",
        "races": len(found[ALL]),
        "fits": {
            name: {
                "features": len(columns),
                "level": list(level(found[name])),
                "beside": beside,
                "minus": list(paired_bootstrap(found[name], found[beside])),
            }
            for name, (columns, beside) in fits.items()
        },
    }
