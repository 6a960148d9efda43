"""The notes in Markdown of a training's runs, so that MLflow's pages explain themselves."""

from collections.abc import Iterable, Sequence

from model_registry.artifact import ADDS_NOTHING
from training.evaluation.evaluation import MODEL, Comparison
from training.gates import failed
from training.report.content import BY_RACE, FamilySearch, ReportContent, TrialSummary
from training.report.sentences import choice_text, key_figures, kind_of, made_of, simulated_text, verdict_text
from training.report.text import UNKNOWN, balance, interval, kind, number, races_text

EXPERIMENT_NOTE = """\
Each run here is one training of `greyhound train`. Its note says what the model is, how good it is beside the
baselines, and whether it passed the gates; `report.html` among its artifacts shows all of it, with charts.

A training opens into a run for each family of models, and that into a run for each trial of the search.
Figures of trials are of folds within the training races, made to compare trials; figures of a training are of
later races that neither the model nor its search had seen. The two do not compare.
"""


def run_name(content: ReportContent) -> str:
    """Return the name of a training in lists of runs."""
    made = content.summary["model_type"]
    return f"version {content.version}: {made}" if content.version is not None else f"training: {made}"


def run_note(content: ReportContent) -> str:
    """Return the note of a training: the model, its figures beside the baselines, the gates."""
    simulated = simulated_text(float(content.summary["simulated_share"]))
    return _paragraphs(
        f"**{kind_of(content)}. {verdict_text(content)}**",
        f"**SIMULATED.** {simulated}" if simulated else "",
        made_of(content),
        _table(("figure", "this model", "to hold it against"), key_figures(content)),
        *_beside(content),
        f"Combined with the market, {ADDS_NOTHING}." if content.is_market_alone else "",
        "**The gates**",
        _table(
            ("gate", "passed", "why"),
            [(gate.name, "yes" if gate.passed else "**no**", gate.reason) for gate in content.gates],
        ),
        "**The candidates**",
        f"One is chosen by {content.judged_by} on the calibration races; the test races judge only that one. "
        f"{choice_text(content)}",
        _table(
            ("candidate", "loss", "counts in the blend", "chosen"),
            [
                (kind(one.name), number(one.loss), _weight(content, one.name), "yes" if one.is_chosen else "")
                for one in content.candidates
            ],
        ),
        "**Do it again**",
        f"```\n{content.origin.command}\n```",
        "See `report.html` among the artifacts, which shows all of this with charts.",
    )


def version_description(content: ReportContent) -> str:
    """Return what a registered version is, in a few sentences for any list of versions."""
    summary = content.summary
    test = summary["data"]["test"]
    names = [gate.name for gate in failed(content.gates)]
    gates = f"Did not pass: {', '.join(names)}." if names else f"Passed all {len(content.gates)} gates."
    figures = "; ".join(f"{name} {figure} ({beside})" for name, figure, beside in key_figures(content))
    simulated = " SIMULATED races, not real ones." if summary["is_simulated"] else ""
    return (
        f"{summary['model_type']}.{simulated} {summary['judgement']} The {races_text(test)} of the test "
        f"were new to the judged model and its search: {figures}. {gates}"
    ).replace("\N{NO-BREAK SPACE}", " ")


def family_note(search: FamilySearch, content: ReportContent) -> str:
    """Return what the search found in one family."""
    return _paragraphs(
        f"The search in **{kind(search.family)}**: {len(search.trials)} trials, one run each below this one. "
        f"Trial {search.best.number} is the best, with {_loss_name(content)} {number(search.best.loss)} over "
        "the folds in time.",
        f"Of the candidates it has a loss of {number(_candidate_loss(content, search.family))} on the "
        f"calibration races, and it counts {_weight(content, search.family)} in the blend that serves.",
        _table(("parameter", "of the best"), [(k, f"`{v}`") for k, v in search.best_params.items()]),
    )


def trial_note(trial: TrialSummary, search: FamilySearch, content: ReportContent) -> str:
    """Return what one trial tried and got."""
    losses = ", ".join(number(loss) for loss in trial.fold_losses)
    end = "" if trial.is_complete else " It was stopped early: others were better by then (pruned)."
    best = " It is the best of its family." if trial.number == search.best.number else ""
    if trial.balance == BY_RACE:
        balanced = "It learns from races as a whole, where nothing is to balance."
    else:
        balanced = f"About the few winners among the runners it does: {balance(trial.balance)}."
    return (
        f"Trial {trial.number} of {kind(search.family)}: {_loss_name(content)} {number(trial.loss)}, "
        f"by step {losses}; the search makes this small. {balanced}{end}{best}"
    )


def _beside(content: ReportContent) -> Iterable[str]:
    races, beside = content.evaluation.races, content.evaluation.beside_market
    if content.loss_name != "race log loss":
        return
    for comparison, which in ((races, "whole races"), (beside, "races where every price is known")):
        if comparison is not None:
            yield f"Race log loss on {comparison.n_races:,} {which}; below 0 this model is better:"
            yield _compared(comparison)


def _compared(comparison: Comparison) -> str:
    rows = [
        (
            "**this model**" if row.name == MODEL else row.name,
            number(row.race_log_loss),
            UNKNOWN if row.name == MODEL else interval(row.model_minus_this),
        )
        for row in comparison.rows
    ]
    return _table(("who", "race log loss", "this model less it [95 %]"), rows)


def _loss_name(content: ReportContent) -> str:
    return "expected race log loss" if content.loss_name == "race log loss" else content.loss_name


def _candidate_loss(content: ReportContent, name: str) -> float | None:
    return next((one.loss for one in content.candidates if one.name == name), None)


def _weight(content: ReportContent, name: str) -> str:
    weights = [weight for member, weight in content.members if member == name]
    return number(sum(weights), 2) if weights else "nothing"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
