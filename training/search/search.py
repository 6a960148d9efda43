"""The search of one family: TPE over folds in time, halved, seeded, and resumable to the same end.

It makes small the *expected* race log loss: of the winner as :mod:`training.objective` expects it, by the
market's shares and the outcome. The outcome alone says so little that the best of thirty trials would be
the luckiest.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from racing.race_table import RaceTable
from training.engines.work import Data
from training.errors import SearchNotResumable
from training.families import Family, FieldFamily
from training.objective import objectives_for
from training.search.fitting import first_params, suggest_params
from training.search.schedule import N_HALVINGS, Step, is_among_best
from training.search.settings import SearchSettings
from training.search.steps import StepWork, search_races, step_figures
from training.search.storage import open_storage

FIGURES = ("expected_race_log_loss", "race_log_loss", "log_loss", "auc", "f1", "accuracy")
"""Of a trial: by race as expected and as it came out; by runner, f1 and accuracy at a threshold of 0.5."""

# Everything that has a default is spelt out: defaults changed in Optuna 5, and will again.
TPE: Mapping[str, Any] = {
    "n_startup_trials": 10,
    "n_ei_candidates": 24,
    "multivariate": True,  # parameters are drawn together; before Optuna 5 each was drawn by itself
    "group": False,
    "constant_liar": True,  # of effect only with trials at once: they keep away from each other
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
    data: Data[RaceTable],
    settings: SearchSettings,
    categorical: Sequence[int],
    on_trial: Callable[[Trial], None] = lambda trial: None,
    *,
    n_until: int | None = None,
    budget_s: float | None = None,
) -> SearchResult:
    """Return the trials of a family's search on a training part, within its share of the time.

    With ``n_until`` it stops at so many trials, and may be called again to go on.
    Every trial (with ``trials_at_once``: every group of them) has a sampler seeded by the trials done before
    it, so a search that was interrupted and resumed ends where an uninterrupted one does.
    """
    began, n_until = time.monotonic(), n_until or settings.n_trials
    if isinstance(family, FieldFamily):
        n_until = min(n_until, family.n_trials)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = search_races(data, settings.n_folds, settings.search_rows).table
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
        opened = []
        for place in range(len(done), len(done) + max(1, min(settings.trials_at_once, n_until - len(done)))):
            if place < len(first):
                study.enqueue_trial(first[place], skip_if_exists=False)
            trial = study.ask()
            opened.append((trial, suggest_params(family, trial, objectives)))
        for finished in _run_trials(study, opened, family, data, settings, categorical):
            on_trial(finished)
    done = study.get_trials(deepcopy=False, states=_DONE)
    first_complete = next(place for place, trial in enumerate(done) if trial.state == TrialState.COMPLETE)
    # a record that is resumed may hold more: what is decided now must not hang on them
    trials = tuple(_trial(family, trial) for trial in done[: max(n_until, first_complete + 1)])
    best = min((t for t in trials if t.state == "complete"), key=lambda trial: (trial.loss, trial.number))
    return SearchResult(best, trials)


def forget_studies(settings: SearchSettings) -> None:
    """Remove what an earlier search of these families left in the storage."""
    storage = open_storage(settings.storage)
    names = {_study_name(settings, family) for family in settings.searched}
    for known in storage.get_all_studies():
        if known.study_name in names:
            optuna.delete_study(study_name=known.study_name, storage=storage)


def own_steps(family: Family, steps: Sequence[Step]) -> Sequence[int]:
    """Return the places of the steps of a family's trials: a single one is spared the look on a few races."""
    if not isinstance(family, FieldFamily) or family.n_trials > 1:
        return range(len(steps))
    return [place for place, step in enumerate(steps) if step.is_whole_fold]


def _run_trials(
    study: optuna.Study,
    opened: Sequence[tuple[optuna.Trial, Mapping[str, Any]]],
    family: Family,
    data: Data[RaceTable],
    settings: SearchSettings,
    categorical: Sequence[int],
) -> list[Trial]:
    """Run trials side by side, halve them in their order after each step, and write them down."""
    began = time.monotonic()
    races = search_races(data, settings.n_folds, settings.search_rows)
    loss_name = "expected_race_log_loss" if races.are_judged_by_race else "log_loss"
    own = own_steps(family, races.steps)
    steps = [races.steps[place] for place in own]
    n_steps = len(steps)
    n_halvings = min(N_HALVINGS, n_steps - 1)
    halvings = [(place,) for place in range(n_halvings)]
    done = [trial.user_attrs["fold_losses"] for trial in study.get_trials(deepcopy=False, states=_DONE)]
    figures: dict[int, list[dict[str, float]]] = {trial.number: [] for trial, _ in opened}
    states = dict.fromkeys(figures, TrialState.COMPLETE)
    for places in (*halvings, tuple(range(n_halvings, n_steps))):
        left = [(trial, params) for trial, params in opened if states[trial.number] == TrialState.COMPLETE]
        work = [
            StepWork(
                family=family.name,
                params=params,
                place=own[place],
                categorical=tuple(categorical),
                seed=settings.seed,
                n_folds=settings.n_folds,
                search_rows=settings.search_rows,
            )
            for _, params in left
            for place in places
        ]
        found = iter(data.each(step_figures, work))
        reached = [losses[places[0]] for losses in done if len(losses) > places[0]]
        for trial, _ in left:
            for place in places:
                figures[trial.number].append(next(found))
                trial.report(figures[trial.number][-1][loss_name], steps[place].resource)
            loss = figures[trial.number][-1][loss_name]
            if places in halvings and not is_among_best(loss, reached):
                states[trial.number] = TrialState.PRUNED
            reached.append(loss)
    return [
        _written_down(
            study,
            trial,
            params,
            family,
            states[trial.number],
            figures[trial.number],
            steps,
            loss_name,
            time.monotonic() - began,
        )
        for trial, params in opened
    ]


def _written_down(
    study: optuna.Study,
    trial: optuna.Trial,
    params: Mapping[str, Any],
    family: Family,
    state: TrialState,
    figures: Sequence[Mapping[str, float]],
    steps: Sequence[Step],
    loss_name: str,
    seconds: float,
) -> Trial:
    losses = [found[loss_name] for found in figures]
    counted = [place for place in range(len(losses)) if steps[place].is_whole_fold] or [0]
    loss = float(np.mean([losses[place] for place in counted]))
    for name in figures[0]:
        trial.set_user_attr(name, float(np.mean([figures[place][name] for place in counted])))
    trial.set_user_attr("loss", loss)
    trial.set_user_attr("params", params)
    trial.set_user_attr("imbalance", params["imbalance"])
    trial.set_user_attr("fold_losses", losses)
    trial.set_user_attr("seconds", seconds)
    study.tell(trial, loss if state == TrialState.COMPLETE else None, state)
    return _trial(family, study.get_trials(deepcopy=False)[trial.number])


def _open_study(
    family: Family, table: RaceTable, settings: SearchSettings, categorical: Sequence[int]
) -> optuna.Study:
    name = _study_name(settings, family.name)
    storage = open_storage(settings.storage)
    pruner = optuna.pruners.NopPruner()  # halved here: its own count the trials that failed
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
    at_once = "" if settings.trials_at_once == 1 else f" {settings.trials_at_once} at once"
    search = f"{_SCHEDULE} {settings.n_folds} {settings.seed} {list(categorical)}{at_once}"
    digest = hashlib.sha256(search.encode())
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
