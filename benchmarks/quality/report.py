"""The benchmark's answer as Markdown: the table of what was to be reached, baselines, ablations, ageing."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.quality import report_fits
from benchmarks.quality.ablation import ALL, CARD_ALONE, WITH_CARD, WITHOUT
from benchmarks.quality.goals import CALIBRATED_SLICINGS, MARKET, RATED, Goal, Line
from benchmarks.quality.markdown import sure, table

Json = Mapping[str, Any]


def markdown(
    lines: Sequence[Line],
    results: Mapping[str, Json],
    *,
    command: str,
    notes: Sequence[str],
    failures: Mapping[str, str],
) -> str:
    """Return the page."""
    parts = [
        "# Quality of the probabilities",
        f"Made by `{command}`. Losses are race log loss; intervals are 95 %, of a bootstrap by race, paired "
        "where two sources are compared; below 0 the first is better.",
    ]
    parts += ["", *(f"- {note}" for note in notes)]
    parts += [f"- **Not measured: {name}.** {why}" for name, why in failures.items()]
    if lines:
        parts.append("\n## What was to be reached\n\n" + _goals(lines))
    judged = {name: results[name] for name in ("form", "results", "rated") if name in results}
    if judged:
        parts.append("\n## Beside every baseline, on the same races\n\n" + _baselines(judged))
        for name, result in judged.items():
            parts.append(f"\n## Slices of {name}\n\n" + _slices(result))
        if "form" in judged and judged["form"]["places"]:
            parts.append("\n## Places, of form\n\n" + _places(judged["form"]["places"]))
        parts.append("\n## What training them cost\n\n" + _cost(judged | _only(results, "guides")))
    if "guides" in results:
        parts.append(
            "\n## Form guides alone, races of five known runners or more\n\n" + _levels(results["guides"])
        )
    if "bets" in results:
        parts.append("\n## Bets on the order of finish\n\n" + _bets(results["bets"]))
    if "autogluon" in results:
        parts.append("\n## Beside AutoGluon\n\n" + _autogluon(results["autogluon"]))
    if "ablation" in results:
        parts.append("\n## What each part of the features carries\n\n" + _ablation(results["ablation"]))
    for name, (heading, section) in report_fits.SECTIONS.items():
        if name in results:
            parts.append(f"\n## {heading}\n\n" + section(results[name]))
    if "form" in results:
        parts.append("\n## How the form model ages\n\n" + _ageing(results["form"]["ageing"]))
    if "retrain" in results:
        parts.append("\n## What retraining weekly gains\n\n" + _retraining(results["retrain"]))
    if "truth" in results:
        parts.append("\n## How near the truth, on a simulated season\n\n" + _truth(results["truth"]))
    return "\n".join(parts) + "\n"


def _goals(lines: Sequence[Line]) -> str:
    rows = [
        (
            line.model,
            line.scope,
            f"{line.n_races:,}",
            f"{line.to_reach.what} {_figure(line.to_reach)}",
            sure(line.to_reach.expected),
            _verdict(line.to_reach),
            _verdict(line.beyond, beside=line.to_reach),
        )
        for line in lines
    ]
    heading = ("model", "knows", "races", "figure ± s.e.", "as expected", "to reach", "beyond")
    about = (
        "*As expected*: the same figure without a look at winners, by what the market's closing shares "
        "(of a simulated season the truth) make them expect; its standard error is about a quarter."
    )
    commands = [f"- {line.model}: `{line.command}`" for line in lines]
    return "\n".join([table(heading, rows), "", about, "", "Trained by", *commands])


def _verdict(goal: Goal, beside: Goal | None = None) -> str:
    """Say what was wanted and whether it was reached; the figure too, where it is another one."""
    figure = ""
    if beside is not None and goal.what != beside.what:
        expected = f", as expected {sure(goal.expected)}" if goal.expected else ""
        figure = f" ({goal.what} {_figure(goal)}{expected})"
    return f"{goal.wanted}: {'**reached**' if goal.is_reached else 'not reached'}{figure}"


def _figure(goal: Goal) -> str:
    if goal.low == goal.high:  # a count
        return f"{goal.value:g}"
    return sure((goal.value, goal.low, goal.high))


def _baselines(judged: Mapping[str, Json]) -> str:
    rows = [
        (
            name,
            source,
            f"{row['race_log_loss']:.4f}",
            *_estimated(result, source),
            f"{row['top_pick_rate']:.1%}",
            f"{row['ece']:.4f}",
        )
        for name, result in judged.items()
        for source, row in result["rows"].items()
    ]
    heading = (
        "judged", "source", "race log loss", "as expected", "model - this", "as expected", "top pick", "ECE",
    )  # fmt: skip
    chance = next(iter(judged.values()))["ece_by_chance"]
    return f"{table(heading, rows)}\n\nA perfect model's ECE stays below {chance:.4f} here (95 %)."


def _estimated(result: Json, source: str) -> tuple[str, str, str]:
    """Return the expected level of a source, and the model's gap to it, realised and expected."""
    level = result["estimates"]["levels"].get(source)
    gap = result["estimates"]["gaps"].get(source)
    if gap is None and source != "model":  # it is of no price, or the model with the market
        gap = {"realised": result["rows"][source]["model_minus_this"], "expected": None}
    return (
        sure(level["expected"]) if level else "",
        sure(gap["realised"], signed=True) if gap else "",
        sure(gap["expected"], signed=True) if gap else "",
    )


def _slices(result: Json) -> str:
    """Return each slice's loss beside the rated price's and the market's, and whether it is calibrated."""
    slices = result["slices"]
    rows = [
        (
            f"{found['slicing']}: {found['name']}",
            f"{found['n_compared'] if found['is_of_races'] else found['n_runners']:,}",
            *(f"{found['losses'][name]:.4f}" if name in found["losses"] else "" for name in _SOURCES),
            *(
                sure(found["gaps"][name][how], signed=True) if name in found["gaps"] else ""
                for name in (RATED, MARKET)
                for how in ("realised", "expected")
            ),
            f"{found['ece']:.4f} ({found['ece_by_chance']:.4f})",
            "{:.2f} [{:.2f}, {:.2f}]".format(*(math.nan if x is None else x for x in found["slope"])),
            _fault(found),
        )
        for found in slices
    ]
    judged = [found for found in slices if found["slicing"] in CALIBRATED_SLICINGS]
    n_good = sum(found["is_calibrated"] for found in judged)
    about = (
        f"{n_good} of {len(judged)} slices of {', '.join(CALIBRATED_SLICINGS)} have an ECE of at most 0.012, "
        "or one that a perfect model may show on so few runners (in brackets, 95 %), and no trend: the slope "
        "of their log odds does not differ from 1. Losses are race log losses; of favourites and prior-runs, "
        "log losses per runner."
    )
    heading = (
        "slice", "races or runners", "model", "rated price", "market", "model - rated", "as expected",
        "model - market", "as expected", "ECE (chance)", "slope, 95 %", "",
    )  # fmt: skip
    return f"{about}\n\n" + table(heading, rows)


_SOURCES = ("model", RATED, MARKET)


def _fault(found: Json) -> str:
    faults = ["ECE"] * (found["ece_verdict"] == "off") + ["trend"] * found["has_trend"]
    return " and ".join(faults) or ("by chance" if found["ece_verdict"] == "by chance" else "")


def _places(places: Json) -> str:
    rows = [
        (
            row["name"],
            f"{row['log_loss']:.4f}",
            f"{row['ece']:.4f}",
            _gap(list(row["model_minus_this"].values())),
        )
        for row in places["rows"]
    ]
    about = f"{places['n_races']:,} races with every place price known, log loss per runner."
    return f"{about}\n\n" + table(("source", "log loss", "ECE", "model - this"), rows)


def _bets(result: Json) -> str:
    """Return each bet's losses, how often exactas paid by their probability, and other discounts."""
    rows = [
        (
            bet["bet"],
            f"{bet['n_races']:,}",
            row["name"],
            f"{row['log_loss']:.4f} ± {row['standard_error']:.4f}",
            _gap(list(row["model_minus_this"].values())),
        )
        for bet in result["bets"]
        for row in bet["rows"]
    ]
    parts = [table(("bet", "races", "source", "log loss ± s.e.", "model - this"), rows)]
    reliability = result["bets"][0]["reliability"]
    if reliability:
        bins = zip(*(reliability[name] for name in ("predicted", "observed", "n_runners")), strict=True)
        of_bins = [
            (f"{n:,}", f"{p:.3%}", f"{paid:.3%}", f"{(p * (1 - p) / n) ** 0.5:.3%}") for p, paid, n in bins
        ]
        parts.append(table(("exactas", "mean probability", "paid", "± s.e."), of_bins))
    fitted = result["fitted_on_orders"]
    gaps = [
        (name, f"{gap['n_races']:,}", _gap(gap["fitted_minus_model"])) for name, gap in fitted["bets"].items()
    ]
    discounts = {name: ", ".join(f"{d:.3f}" for d in fitted[name]) for name in ("model", "fitted")}
    parts.append(
        f"Discounts of the model, fitted on placings, the fourth extrapolated: {discounts['model']}; "
        f"fitted on the orders of {fitted['n_races']:,} races to {fitted['until']}: {discounts['fitted']}. "
        "On the races behind:"
    )
    parts.append(table(("bet", "races", "fitted on orders - model"), gaps))
    return "\n\n".join(parts)


def _cost(judged: Mapping[str, Json]) -> str:
    rows = [
        (
            name,
            f"{result['train']['seconds']:.0f}" + (" (resumed)" if result["train"]["resumed"] else ""),
            f"{result['train']['fit_seconds']:.0f}",
            f"{result['train']['peak_mb']:,.0f}",
            "passed" if result["train"]["gates_passed"] else "not passed",
            result["train"]["commit"][:12],
        )
        for name, result in judged.items()
    ]
    heading = (
        "model",
        "seconds in all",
        "without the features",
        "MB, its largest process",
        "gates",
        "commit",
    )
    return table(heading, rows)


def _levels(result: Json) -> str:
    rows = []
    for name, row in result["rows"].items():
        gap = next(value for key, value in row.items() if key.endswith("_minus_this"))
        rows.append((name, f"{row['race_log_loss']:.4f}", "" if gap[0] == gap[1] == 0 else _gap(gap)))
    first = next(iter(result["rows"]))
    return f"{result['races']:,} races.\n\n" + table(("source", "race log loss", f"{first} - this"), rows)


def _autogluon(found: Json) -> str:
    fit = found["autogluon"]
    scores = [f"{model['model']} {-model['score_val']:.4f}" for model in fit["models"] if model["score_val"]]
    about = (
        f"AutoGluon learnt from {fit['rows']:,} runners, {fit['stacking']}; it serves {fit['best']}. Log "
        f"loss per runner in its own validation: {', '.join(scores)}. A busy machine slows it most."
    )
    return f"{_levels(found)}\n\n{about}"


def _ablation(found: Json) -> str:
    fits = found["fits"]
    rows = [
        (part, str(fits[added]["features"]), _gap(fits[left_out]["minus"]), _gap(fits[added]["minus"]))
        if added in fits
        else (part, "", _gap(fits[left_out]["minus"]), "")
        for part, left_out, added in (
            (name.removeprefix(WITHOUT), name, name.replace(WITHOUT, WITH_CARD)) for name in fits
        )
        if left_out.startswith(WITHOUT)
    ]
    about = (
        f"XGBoost at its default parameters, learnt before and judged on {found['days']}, "
        f"{found['races']:,} races: all {fits[ALL]['features']} features {fits[ALL]['level'][0]:.4f}, the "
        f"card alone {fits[CARD_ALONE]['level'][0]:.4f}."
    )
    heading = ("part", "columns with the card", "left out, it costs", "beside the card alone, it brings")
    return f"{about}\n\n" + table(heading, rows)


def _ageing(found: Json) -> str:
    rows = [
        (str(w["week"]), f"{w['races']:,}", sure(w["gap"], signed=True), sure(w["expected"], signed=True))
        for w in found["weeks"]
    ]
    about = (
        f"Model minus market by week after {found['training_ended']}, the last day that it learnt from; the "
        f"gap grows by {sure(found['drift_by_week'], signed=True)} a week, as expected "
        f"{sure(found['expected_drift_by_week'], signed=True)}."
    )
    return f"{about}\n\n" + table(("week", "races", "model - market", "as expected"), rows)


def _retraining(found: Json) -> str:
    rows = [(str(w["week"]), f"{w['races']:,}", _gap(w["weekly_minus_once"])) for w in found["weeks"]]
    about = (
        f"XGBoost at its default parameters, {found['days']}, {found['races']:,} races: fitted once before "
        f"them {found['once'][0]:.4f}, fitted anew every week {found['weekly'][0]:.4f}; weekly minus once "
        f"{_gap(found['weekly_minus_once'])}. That changes by {_gap(found['gain_drift_by_week'])} a week, "
        f"and the loss of the one that stays, minus the market's, by "
        f"{_gap(found['once_minus_market_drift_by_week'])}. Ratings are up to date for both."
    )
    return f"{about}\n\n" + table(("week", "races", "weekly - once"), rows)


def _truth(found: Json) -> str:
    losses = found["losses"]
    rows = [
        (
            part["name"],
            f"{part['runners']:,}",
            *(f"{loss:.4f}" for loss in part["losses"].values()),
            f"{part['covered']:.0%}",
        )
        for part in found["slices"]
    ]
    own = found["expected_covered_interval"][0]
    best = found["best_guess"]["expected_covered_interval"][0]
    about = (
        f"{found['races']:,} races later than any that the model saw: race log loss {losses['model']:.4f}, "
        f"uniform {losses['uniform']:.4f}, truth {losses['true probability']:.4f}: {found['covered']:.1%} of "
        f"the way, by the truth's own expectation {own:.1%}. The best guess of one who knows how the season "
        f"is made, with its variances and each field's mean ability, covers {best:.1%}. By the runs of a "
        "runner before that day, log loss per runner:"
    )
    return f"{about}\n\n" + table(("prior runs", "runners", "model", "uniform", "truth", "of the way"), rows)


def _only(results: Mapping[str, Json], name: str) -> dict[str, Json]:
    return {name: results[name]} if name in results else {}


def _gap(found: Sequence[float]) -> str:
    value, low, high = found
    return f"{value:+.4f} [{low:+.4f}, {high:+.4f}]"
