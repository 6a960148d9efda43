"""Sentences about a training that the report and MLflow's notes share."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from training.evaluation.evaluation import MARKET, MODEL, UNIFORM
from training.export.summary import model_title
from training.gates import failed
from training.report.content import BY_RACE, FamilySearch, ReportContent, TrialSummary
from training.report.text import among, kind, noun, number, percent, races_text, signed

FEW_DAYS = 28
"""Up to so many, a training says that they are few."""
SMOTE, NOTHING = "smote_nc", "none"
_SCOPES = {
    "results": "from results alone, without any price",
    "form": "from past races and their prices, without any price of the race itself",
    "rated": "from past races, their prices, and the rated price of the race itself",
    "prices-10m": "from past races, their prices, and the market's prices of the race itself ten minutes "
    "before the off",
}


def verdict_text(content: ReportContent) -> str:
    """Return the verdict of the gates, and what became of the model."""
    failures = [gate.name for gate in failed(content.gates)]
    found = f"did not pass {among(failures)}" if failures else f"passed all {len(content.gates)} gates"
    match content.standing:
        case "promoted":
            return f"Promoted: {found}."
        case "promoted by force":
            return f"Promoted by force: {found}."
        case "challenger":
            return f"Registered as challenger, the champion stays: {found}."
        case "held back":
            return f"Held back: {found}."
        case "undecided":
            return f"{found[0].upper()}{found[1:]}."


def key_figures(content: ReportContent) -> list[tuple[str, str, str]]:
    """Return the figures to remember: name, figure, and what to compare it with."""
    evaluation, runners = content.evaluation, content.evaluation.runners
    ece_by_chance = f"chance alone: up to {number(content.ece_by_chance)}"
    if content.loss_name != "race log loss":
        base_rate = f"base rate {number(runners.base_rate_log_loss)}"
        return [
            ("Log loss per runner", number(runners.log_loss), base_rate),
            ("AUC", number(runners.auc, 3), "0.5 is a coin"),
            ("Calibration error", number(runners.ece), ece_by_chance),
        ]
    races, beside = evaluation.races, evaluation.beside_market
    model, uniform = races[MODEL], races[UNIFORM]
    figures = [("Race log loss", number(model.race_log_loss), f"uniform {number(uniform.race_log_loss)}")]
    for name, share, explained in (
        ("Market information", evaluation.market_information, "of the way from uniform to the market"),
        ("Truth covered", evaluation.truth_covered, "of the way to the simulator's own odds"),
    ):
        if share is not None:
            figures.append((name, percent(share), explained))
    market = beside[MARKET] if beside is not None and MARKET in beside else None
    of_market = f", the market's {percent(market.top_pick_rate)}" if market else ""
    random_pick = f"a random one {percent(uniform.top_pick_rate)}{of_market}"
    return [
        *figures,
        ("AUC", number(model.auc, 3), f"market {number(market.auc, 3)}" if market else "0.5 is a coin"),
        ("Calibration error", number(model.ece), ece_by_chance),
        ("Top pick wins", percent(model.top_pick_rate), random_pick),
    ]


def kind_of(content: ReportContent) -> str:
    """Return what was chosen, e.g. ``Ensemble of a field net and XGBoost``."""
    return model_title([name for name, _ in content.members])


def made_of(content: ReportContent) -> str:
    """Return what the model is made of, what it learnt from and what it is judged on."""
    families = list(dict.fromkeys(noun(name) for name, _ in content.members))
    made = f"A blend of {among(families)}. " if len(families) > 1 else ""
    summary = content.summary
    learnt, test = summary["learnt"], summary["data"]["test"]
    return (
        f"{made}Learnt from {races_text(learnt)} with {learnt['runners']:,} runners and "
        f"{summary['features']} features, {_SCOPES[content.feature_scope]}. {summary['judgement']} "
        f"The judged model and its search had seen none of those {races_text(test)}.{few_days_text(learnt)}"
    )


def choice_text(content: ReportContent) -> str:
    """Return why this candidate was chosen, and what a larger one would have brought."""
    if content.larger is not None:
        return larger_text(asdict(content.larger), content.judged_by)
    if content.weighs_cost:
        return "It has the smallest loss, and no cheaper one comes within a standard error of it."
    return (
        "Chosen whatever it costs to score; in doubt the ensemble, which gives way only to one that is "
        "better by more than a standard error."
    )


def larger_text(larger: Mapping[str, Any], judged_by: str) -> str:
    """Return what the candidate of the smallest loss would have brought, and what it would have cost."""
    return (
        f"Within a standard error the cheapest is chosen: {noun(larger['name'])} would have brought "
        f"{larger['gain']:.5f} of {judged_by} (standard error {larger['standard_error']:.5f}) for "
        f"{larger['times_the_work']:.1f} times the work of a card."
    )


def few_days_text(learnt: Mapping[str, Any]) -> str:
    """Return what a reader must know of a training on a few days, after a blank; empty if they are more."""
    first, last = (dt.date.fromisoformat(learnt[name]) for name in ("from", "until"))
    n_days = (last - first).days + 1
    if n_days > FEW_DAYS:
        return ""
    days = "one day" if n_days == 1 else f"{n_days} days"
    return (
        f" All of it lies within {days}: dogs have little form by then, so the model can know little, and "
        "its figures may be chance."
    )


def simulated_text(share: float) -> str:
    """Return what a reader must know of simulated races; empty where there are none."""
    if not share:
        return ""
    what = "All races are" if share == 1 else f"{percent(share, 0)} of the runners are"
    return f"{what} made up by the simulator: no real dog, no real price. They tell nothing of real ones."


def smote_text(searches: Sequence[FamilySearch]) -> str:
    """Return how SMOTE-NC's best trial compares with the best without, and what it changed by itself.

    Both judge runners one by one: where races are learnt from as a whole there is nothing to balance.
    """
    trials = [(of.family, trial) for of in searches for trial in of.trials if trial.balance != BY_RACE]
    n_tried = sum(trial.balance == SMOTE for _, trial in trials)
    with_it = [entry for entry in trials if entry[1].is_complete and entry[1].balance == SMOTE]
    without = [entry for entry in trials if entry[1].is_complete and entry[1].balance != SMOTE]
    alone = _change_alone(searches)
    if not n_tried:
        return "The search made no trial with SMOTE-NC, so it tells nothing of it."
    if not with_it:
        return f"No trial with SMOTE-NC could be completed, all {n_tried} stopped early.{alone}"
    if not without:
        return f"No completed trial without SMOTE-NC judges runners one by one, to compare it with.{alone}"
    family, best = min(with_it, key=lambda entry: entry[1].loss)
    other_family, other = min(without, key=lambda entry: entry[1].loss)
    gap = best.loss - other.loss
    return (
        f"SMOTE-NC's best trial ({kind(family)}, {number(best.loss)}) is {number(abs(gap))} "
        f"{'worse' if gap > 0 else 'better'} than the best without ({kind(other_family)}, "
        f"{number(other.loss)}).{alone}{_by_race(searches, other.loss)}"
    )


def _change_alone(searches: Sequence[FamilySearch]) -> str:
    """Return what it changed where a trial with it and one without have all other parameters in common."""
    changes = []
    for of in searches:
        plain = {trial.others: trial for trial in of.trials if trial.balance == NOTHING}
        pairs = [(t, plain[t.others]) for t in of.trials if t.balance == SMOTE and t.others in plain]
        if pairs:
            change = fmean(_change(trial, twin) for trial, twin in pairs)
            changes.append(f"{kind(of.family)} {signed(change)}")
    return f" With all other parameters the same it changed the loss by: {among(changes)}." if changes else ""


def _change(trial: TrialSummary, twin: TrialSummary) -> float:
    """Return the difference over the folds that both reached."""
    return fmean(mine - theirs for mine, theirs in zip(trial.fold_losses, twin.fold_losses, strict=False))


def _by_race(searches: Sequence[FamilySearch], best_by_runner: float) -> str:
    losses = [t.loss for of in searches for t in of.trials if t.is_complete and t.balance == BY_RACE]
    if not losses or min(losses) >= best_by_runner:
        return ""
    best = number(min(losses))
    return f" Learning from whole races, where nothing is to balance, was better than either: {best}."
