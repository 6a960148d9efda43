"""What SMOTE-NC did, with and without, as the search saw it."""

from collections.abc import Sequence
from statistics import fmean, median

from training.data.imbalance import IMBALANCE
from training.page.axis import Axis
from training.page.content import BY_RACE, FamilySearch, ReportContent, Tried
from training.page.markup import Html
from training.page.rows import Heading, Mark, Row, rows_chart
from training.page.sections.search import useful_range
from training.page.words import UNKNOWN, among, balance, kind, note, number, section, signed

SMOTE, NOTHING = "smote_nc", "none"


def imbalance(content: ReportContent) -> Html:
    """Return the section."""
    complete = [trial for of in content.searches for trial in of.trials if trial.is_complete]
    return section(
        "imbalance",
        "With and without SMOTE-NC",
        smote_words(content.searches),
        _chart(content.searches, useful_range(complete)),
        note(
            "Synthetic winners (SMOTE-NC), class weights and the focal loss are choices of the search, "
            "applied to the rows that a trial learns from only; each trial is calibrated on later, "
            "untouched rows before it is judged, so this is what remains after calibration has repaired "
            "what it can. Rows show completed trials. A bad choice is often stopped early and the search "
            "then turns away from it, so few dots are a verdict too; but the best of few trials is held "
            "against the best of many. Triangles at the right end lie beyond it."
        ),
    )


def smote_words(searches: Sequence[FamilySearch]) -> str:
    """Return what SMOTE-NC's best trial is worth beside the best without, and what it changed by itself.

    Both judge runners one by one: where races are learnt from as a whole there is nothing to balance.
    """
    trials = [(of.family, trial) for of in searches for trial in of.trials if trial.balance != BY_RACE]
    tried = [trial for _, trial in trials if trial.balance == SMOTE]
    with_it = [entry for entry in trials if entry[1].is_complete and entry[1].balance == SMOTE]
    without = [entry for entry in trials if entry[1].is_complete and entry[1].balance != SMOTE]
    alone = _alone(searches)
    if not tried:
        return "The search made no trial with SMOTE-NC, so it tells nothing of it."
    if not with_it:
        return f"No trial with SMOTE-NC could be completed, all {len(tried)} stopped early.{alone}"
    if not without:
        return f"No completed trial without SMOTE-NC judges runners one by one, to hold it against.{alone}"
    family, best = min(with_it, key=lambda entry: entry[1].loss)
    other_family, other = min(without, key=lambda entry: entry[1].loss)
    gap = best.loss - other.loss
    return (
        f"SMOTE-NC's best trial ({kind(family)}, {number(best.loss)}) is {number(abs(gap))} "
        f"{'worse' if gap > 0 else 'better'} than the best without ({kind(other_family)}, "
        f"{number(other.loss)}).{alone}{_by_race(searches, other.loss)}"
    )


def _alone(searches: Sequence[FamilySearch]) -> str:
    """Return what it changed where a trial with it and one without have all other parameters in common."""
    changes = []
    for of in searches:
        plain = {trial.others: trial for trial in of.trials if trial.balance == NOTHING}
        pairs = [(t, plain[t.others]) for t in of.trials if t.balance == SMOTE and t.others in plain]
        if pairs:
            change = fmean(_change(trial, twin) for trial, twin in pairs)
            changes.append(f"{kind(of.family)} {signed(change)}")
    return f" With all other parameters the same it changed the loss by: {among(changes)}." if changes else ""


def _by_race(searches: Sequence[FamilySearch], best_by_runner: float) -> str:
    losses = [t.loss for of in searches for t in of.trials if t.is_complete and t.balance == BY_RACE]
    if not losses or min(losses) >= best_by_runner:
        return ""
    best = number(min(losses))
    return f" Learning from whole races, where nothing is to balance, was better than either: {best}."


def _change(trial: Tried, twin: Tried) -> float:
    """Return the difference over the folds that both reached."""
    return fmean(mine - theirs for mine, theirs in zip(trial.fold_losses, twin.fold_losses, strict=False))


def _chart(searches: Sequence[FamilySearch], axis: Axis) -> Html:
    rows: list[Row | Heading] = []
    for of in searches:
        rows.append(Heading(kind(of.family)))
        used = {trial.balance for trial in of.trials}
        order = [name for name in (BY_RACE, *IMBALANCE) if name in used]
        of_plain = [trial for trial in of.trials if trial.is_complete and trial.balance == NOTHING]
        plain = min((trial.loss for trial in of_plain), default=None)
        rows.extend(_row(name, of.trials, plain) for name in order)
    return rows_chart(
        rows,
        axis,
        caption="Every completed trial's loss by what it did about the few winners",
        heads=["", "loss in the search", "trials", "best", "median", "best less that of nothing"],
    )


def _row(name: str, trials: Sequence[Tried], plain: float | None) -> Row:
    of_choice = [trial for trial in trials if trial.balance == name]
    losses = sorted(trial.loss for trial in of_choice if trial.is_complete)
    gap = losses[0] - plain if losses and plain is not None and name != NOTHING else None
    return Row(
        name="whole races: nothing to balance" if name == BY_RACE else balance(name),
        marks=[
            *(Mark(loss, "faint", number(loss), 4.0) for loss in losses[1:]),
            *(Mark(loss, "model", f"best {number(loss)}") for loss in losses[:1]),
        ],
        figures=[
            f"{len(losses)} of {len(of_choice)}",
            number(losses[0]) if losses else UNKNOWN,
            number(median(losses)) if losses else UNKNOWN,
            signed(gap),
        ],
        cls="marked" if name == SMOTE else "",
    )
