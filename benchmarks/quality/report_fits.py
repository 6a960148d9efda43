"""The sections on trainings with something left out: levers, history, ageing, shuffled targets, cost."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.quality.fits import ENSEMBLE
from benchmarks.quality.markdown import sure, table

Json = Mapping[str, Any]


def levers(found: Json) -> str:
    """Return what the blend and each family lose without each lever, and what the ensemble carries."""
    levels, families = found["levels"], _candidates(found)
    parts = [
        f"{found['races']:,} races, {found['days']}; every family at its first parameters unless the command "
        "names trials. Without less with, above 0 where the lever helps; as the market expects it.",
        table(
            ("candidate", "race log loss", "as expected", "less the blend of all", "seconds", "ms a card"),
            [
                (
                    name,
                    sure(levels[name]["realised"]),
                    sure(levels[name]["expected"]),
                    _expected(found["against_best"].get(name)),
                    f"{found['seconds'][name]:.0f}" if name in found["seconds"] else "",
                    f"{found['card_ms'][name]:.3f}" if name in found["card_ms"] else "",
                )
                for name in levels
            ],
        ),
        table(
            ("without", "inputs", "the best blend, realised", "as expected", *families),
            [
                (
                    f"{name}: {lever['what']}",
                    str(lever["inputs"]),
                    *(
                        sure(lever["without_minus_with"].get(ENSEMBLE, {}).get(how), signed=True)
                        for how in ("realised", "expected")
                    ),
                    *(_expected(lever["without_minus_with"].get(family)) for family in families),
                )
                for name, lever in found["levers"].items()
            ],
        ),
    ]
    for family, settings in found["booster_settings"].items():
        gap, seconds = settings["earlier_minus_today"], settings["seconds"]
        parts.append(
            f"Settings of {family}, earlier less today's: {sure(gap['realised'], signed=True)}, as expected "
            f"{sure(gap['expected'], signed=True)}; {seconds['earlier']:.0f} s and {seconds['today']:.0f} s."
        )
    parts += [f"- Not measured: {name}: {why}." for name, why in found["skipped"].items()]
    return "\n\n".join(parts)


def history(found: Json) -> str:
    """Return what every candidate loses by the races that it learnt from."""
    points = found["points"]
    families = list(points[-1]["levels"])
    about = (
        f"{found['races']:,} races, {found['days']}. Only the races to learn from are cut: features and "
        "ratings of each are made of all days before it. Race log loss as expected, and less that of all."
    )
    rows = [
        (
            f"{point['name']}, from {point['learnt']['from']}",
            f"{point['learnt']['races']:,}",
            *(
                f"{point['levels'][name]['expected'][0]:.4f} ({_expected(point['minus_all'].get(name))})"
                if name in point["levels"]
                else ""
                for name in families
            ),
        )
        for point in points
    ]
    return f"{about}\n\n" + table(("history", "races to learn from", *families), rows)


def ageing(found: Json) -> str:
    """Return each candidate's gap to the market by month since it was trained."""
    families = list(found["a_month"])
    about = (
        f"{found['races']:,} races, {found['days']}: trained once, up to {found['training_ended']}; ratings "
        "go on. Model less market by month since then, as expected."
    )
    rows = [
        (
            str(month["month"]),
            f"{month['races']:,}",
            *(_expected(month["gaps"][name]) for name in families),
        )
        for month in found["months"]
    ]
    rows.append(("a month adds", "", *(_expected(found["a_month"][name]) for name in families)))
    return f"{about}\n\n" + table(("month", "races", *families), rows)


def permutation(found: Json) -> str:
    """Return each candidate's loss less the uniform guess's after a training on shuffled targets."""
    verdict = "none is clearly below it" if found["teaches_nothing"] else "**the training leaks**"
    about = (
        f"Trained and judged on targets that were dealt out anew within each race ({found['races']:,} races "
        f"judged, {found['days']}): loss less that of the uniform guess, {verdict}."
    )
    rows = [
        (name, *(sure(gaps[how], signed=True) for how in ("realised", "expected")))
        for name, gaps in found["minus_uniform"].items()
    ]
    return f"{about}\n\n" + table(("candidate", "realised", "as expected"), rows)


def cost(found: Json) -> str:
    """Return each point of the pictures of loss against seconds and milliseconds."""
    rows = [
        (
            point["name"],
            sure(point["realised"]),
            sure(point["expected"]),
            f"{point['seconds']:.0f}",
            "" if point["card_ms"] is None else f"{point['card_ms']:.3f}",
        )
        for point in found["points"]
    ]
    about = (
        f"{found['races']:,} races, {found['days']}, learnt from {found['learnt']:,} runners. "
        "Seconds are of the search, if any, and the fit, without the features; milliseconds of a card of "
        "eight without its features: the quickest tenth of single calls."
    )
    missing = [f"- Not measured: {name}: {why}" for name, why in found["missing"].items()]
    pictures = [f"![{title}]({file})" for title, file in found["pictures"].items()]
    heading = ("", "race log loss", "as expected", "seconds", "ms a card")
    return "\n\n".join([about, *pictures, table(heading, rows), *missing])


def _candidates(found: Json) -> list[str]:
    return [name for name in found["levels"] if name not in ("market", "uniform", ENSEMBLE)]


def _expected(gap: Mapping[str, Sequence[float]] | None) -> str:
    return "" if gap is None else sure(gap["expected"], signed=True)


SECTIONS: Mapping[str, tuple[str, Callable[[Json], str]]] = {
    "levers": ("What each lever carries", levers),
    "history": ("What more history is worth", history),
    "cost": ("Loss against seconds and milliseconds", cost),
    "ageing": ("How the models age, month by month", ageing),
    "permutation": ("Shuffled targets teach nothing", permutation),
}
"""By result: the heading, and what writes the section."""
