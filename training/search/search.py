"""The search of one family: TPE over folds in time, halved, seeded, and resumable to the same end.

It makes small the *expected* race log loss: of the winner as :mod:`training.objective` expects it, by the
market's shares and the outcome. The outcome alone says so little that the best of thirty trials would be
the luckiest.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from racing import metrics
from racing.probabilities import race_level, share_within_race
from racing.race_table import RaceTable
from training.calibration import calibrated_log_odds, calibrated_scores, fit_exponent, fit_platt
from training.data.splits import Fold, time_folds
from training.data.whole_races import MIN_WHOLE_RACES, are_mostly_whole, count_races, judged_rows
from training.errors import SearchNotResumable
from training.families import Family, Member
from training.objective import objectives_for, race_losses, race_targets
from training.search.fitting import Shared, first_params, fit_member, suggest_params
from training.search.schedule import HALVING, N_HALVINGS, Step, steps_of
from training.search.settings import SearchSettings
from training.search.storage import open_storage

FIGURES = ("expected_race_log_loss", "race_log_loss", "log_loss", "auc", "f1", "accuracy")
"""Of a trial: by race as expected and as it came out; by runner, f1 and accuracy at a threshold of 0.5."""

# Everything that has a default is spelt out: defaults changed in Optuna 5, and will again.
TPE: Mapping[str, Any] = {
    "n_startup_trials": 10,
    "n_ei_candidates": 24,
    "multivariate": True,  # parameters are drawn together; before Optuna 5 each was drawn by itself
    "group": False,
    "constant_liar": True,  # of no effect: one worker a study, so no trial runs beside another
    "constraints_func": None,
}

_SCHEDULE = "halving 1"  # a search of another schedule cannot go on with this one
_DONE = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one trial tried and got; the figures are means over the whole folds that it reached.

    One that was stopped before any has those of its first step.
    """

    family: str
    number: int
    state: str
    """``complete`` or ``pruned``."""
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    """By name, see :data:`FIGURES`; NaN where there is none."""
    fold_losses: tuple[float, ...]
    """By step (see :mod:`training.search.schedule`), so that trials compare as far as both came."""
    loss: float
    """What the search makes small: expected race log loss, else log loss."""
    seconds: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The best trial of a family that was not pruned, and all of them."""

    best: Trial
    trials: tuple[Trial, ...] = field(repr=False)


def search(
    family: Family,
    table: RaceTable,
    settings: SearchSettings,
    categorical: Sequence[int],
    on_trial: Callable[[Trial], None] = lambda trial: None,
    *,
    n_until: int | None = None,
    budget_s: float | None = None,
) -> SearchResult:
    """Return the trials of a family's search on a training part, within its share of the time.

    With ``n_until`` it stops at so many trials, and may be called again to go on.
    Every trial has a sampler seeded by the trials done before it, so a search that was interrupted and
    resumed ends where an uninterrupted one does.
    """
    began, n_until = time.monotonic(), n_until or settings.n_trials
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folds = time_folds(table, settings.n_folds)
    by_races = judged_by_races(table, folds)
    steps = steps_of(folds, table.race)
    shared: list[Shared] = [{} for _ in steps]
    study = _open_study(family, table, settings, categorical)
    objectives = objectives_for(table)
    first = first_params(family, objectives)
    while True:
        done = study.get_trials(deepcopy=False, states=_DONE)
        spent = budget_s is not None and time.monotonic() - began >= budget_s
        has_complete = any(trial.state == TrialState.COMPLETE for trial in done)
        if has_complete and (len(done) >= n_until or spent):
            break
        study.sampler = optuna.samplers.TPESampler(seed=_seed(settings.seed, family.name, len(done)), **TPE)
        if len(done) < len(first):
            study.enqueue_trial(first[len(done)], skip_if_exists=False)
        trial = study.ask()
        params = suggest_params(family, trial, objectives)
        fit = partial(fit_member, family, params=params, categorical=categorical, seed=settings.seed)
        on_trial(_run_trial(study, trial, family, params, fit, table, steps, shared, by_races=by_races))
    done = study.get_trials(deepcopy=False, states=_DONE)
    first_complete = next(place for place, trial in enumerate(done) if trial.state == TrialState.COMPLETE)
    # a record that is resumed may hold more: what is decided now must not hang on them
    trials = tuple(_trial(family, trial) for trial in done[: max(n_until, first_complete + 1)])
    best = min((t for t in trials if t.state == "complete"), key=lambda trial: (trial.loss, trial.number))
    return SearchResult(best, trials)


def forget_studies(settings: SearchSettings) -> None:
    """Remove what an earlier search of these families left in the storage."""
    storage = open_storage(settings.storage)
    names = {_study_name(settings, family) for family in settings.families}
    for known in storage.get_all_studies():
        if known.study_name in names:
            optuna.delete_study(study_name=known.study_name, storage=storage)


def judged_by_races(table: RaceTable, folds: Sequence[Fold]) -> bool:
    """Say whether most races are whole, and every fold has enough of them to be judged by their winners."""
    whole = judged_rows(table)
    parts = [part for fold in folds for part in (fold.calibrate, fold.judge)]
    counts = [count_races(table, part[whole[part]]) for part in parts]
    return are_mostly_whole(table) and min(counts) >= 10 and sum(counts) >= MIN_WHOLE_RACES


def _run_trial(
    study: optuna.Study,
    trial: optuna.Trial,
    family: Family,
    params: Mapping[str, Any],
    fit: Callable[..., Member],
    table: RaceTable,
    steps: Sequence[Step],
    shared: Sequence[Shared],
    *,
    by_races: bool,
) -> Trial:
    began = time.monotonic()
    figures: list[dict[str, float]] = []
    losses: list[float] = []
    state = TrialState.COMPLETE
    for place, step in enumerate(steps):
        member = fit(table.take(step.train), shared=shared[place])
        tune, judge = table.take(step.fold.calibrate), table.take(step.fold.judge)
        figures.append(_figures(member, tune, judge, by_races=by_races))
        losses.append(figures[-1]["expected_race_log_loss" if by_races else "log_loss"])
        trial.report(losses[-1], step.resource)
        if place < min(N_HALVINGS, len(steps) - 1) and trial.should_prune():
            state = TrialState.PRUNED
            break
    counted = [place for place in range(len(losses)) if steps[place].is_whole_fold] or [0]
    loss = float(np.mean([losses[place] for place in counted]))
    for name in figures[0]:
        trial.set_user_attr(name, float(np.mean([figures[place][name] for place in counted])))
    trial.set_user_attr("loss", loss)
    trial.set_user_attr("params", params)
    trial.set_user_attr("imbalance", params["imbalance"])
    trial.set_user_attr("fold_losses", losses)
    trial.set_user_attr("seconds", time.monotonic() - began)
    study.tell(trial, loss if state == TrialState.COMPLETE else None, state)
    return _trial(family, study.get_trials(deepcopy=False)[trial.number])


def _figures(member: Member, tune: RaceTable, judge: RaceTable, *, by_races: bool) -> dict[str, float]:
    """Judge the later half by a calibration and an exponent of the earlier one."""
    tune_odds, judge_odds = member.log_odds(tune.features), member.log_odds(judge.features)
    if by_races:
        tune_odds = tune_odds - race_level(tune_odds, tune.race)
        judge_odds = judge_odds - race_level(judge_odds, judge.race)
    platt = fit_platt(tune_odds, tune.won)
    scores = calibrated_scores(platt, judge_odds)
    figures = {
        "expected_race_log_loss": float("nan"),
        "race_log_loss": float("nan"),
        "log_loss": metrics.log_loss(scores, judge.won),
        "auc": metrics.auc(scores, judge.won),
        "f1": metrics.f1(scores, judge.won, 0.5),
        "accuracy": metrics.accuracy(scores, judge.won),
    }
    tuned, judged = judged_rows(tune), judged_rows(judge)
    if tuned.any() and judged.any():
        tuning, judging = tune.take(tuned), judge.take(judged)
        exponent = fit_exponent(
            calibrated_log_odds(platt, tune_odds[tuned]), race_targets(tuning).share, tuning.race
        )
        odds = calibrated_log_odds(platt, judge_odds[judged])
        shared = share_within_race(odds, judging.race, exponent)
        expected = race_losses(shared, race_targets(judging).share, judging.race)
        figures["expected_race_log_loss"] = float(expected.mean())
        figures["race_log_loss"] = metrics.race_log_loss(shared, judging.won, judging.race)
    return figures


def _open_study(
    family: Family, table: RaceTable, settings: SearchSettings, categorical: Sequence[int]
) -> optuna.Study:
    name = _study_name(settings, family.name)
    storage = open_storage(settings.storage)
    pruner = optuna.pruners.SuccessiveHalvingPruner(**HALVING)
    study = optuna.create_study(
        study_name=name, storage=storage, pruner=pruner, direction="minimize", load_if_exists=True
    )
    origin = _fingerprint(table, settings, categorical)
    if study.user_attrs.setdefault("origin", origin) != origin:
        rule = f"search {name!r} can be resumed only with the data, features, folds and seed it began with"
        raise SearchNotResumable(f"{rule}: {study.user_attrs['origin']} then, {origin} now")
    study.set_user_attr("origin", origin)
    # Of an interrupted worker: the trials that it had begun, and those that it had not.
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    for _ in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.tell(study.ask(), state=TrialState.FAIL)  # ask begins a waiting trial before any new one
    return study


def _study_name(settings: SearchSettings, family: str) -> str:
    return f"{settings.study_name}/{family}"


def _fingerprint(table: RaceTable, settings: SearchSettings, categorical: Sequence[int]) -> str:
    digest = hashlib.sha256(f"{_SCHEDULE} {settings.n_folds} {settings.seed} {list(categorical)}".encode())
    for array in (table.features, table.won, table.race_id, table.is_whole, table.market_probability):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(table.date.astype("datetime64[D]").astype(np.int64).tobytes())
    return digest.hexdigest()[:16]


def _seed(seed: int, family: str, n_done: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {family} {n_done}".encode()).digest()[:4], "big")


def _trial(family: Family, trial: optuna.trial.FrozenTrial) -> Trial:
    attrs = trial.user_attrs
    return Trial(
        family=family.name,
        number=trial.number,
        state=trial.state.name.lower(),
        params=attrs["params"],
        metrics={name: attrs[name] for name in FIGURES},
        fold_losses=tuple(attrs["fold_losses"]),
        loss=float(attrs["loss"]),
        seconds=attrs["seconds"],
    )
