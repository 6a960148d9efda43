"""One step of a trial: a fit on a part of the races, judged on later ones. It hangs on nothing else."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from racing import metrics
from racing.probabilities import race_level, share_within_race
from racing.race_table import RaceTable
from training.calibration import calibrated_log_odds, calibrated_scores, fit_exponent, fit_platt
from training.data.splits import Fold, latest, time_folds
from training.data.whole_races import (
    MIN_WHOLE_RACES,
    are_mostly_whole,
    comparable_rows,
    count_races,
)
from training.engines.work import Data
from training.families import FittedMember, family_named, log_odds_of, reads_field
from training.objective import race_losses, race_targets
from training.search.fitting import Shared, fit_member
from training.search.schedule import Step, steps_of

_MAX_SHARED = 6
"""Steps of families whose bins a process keeps, the last used ones: at most some 40 MB each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWork:
    """What is fitted in one step, and on which of the steps' races."""

    family: str
    params: Mapping[str, Any]
    place: int
    categorical: tuple[int, ...]
    seed: int
    n_folds: int
    search_rows: int


class SearchRaces:
    """The races that a search uses, and its steps; made once in each process."""

    def __init__(self, train: RaceTable, n_folds: int, search_rows: int) -> None:
        self.table = latest(train, search_rows)
        folds = time_folds(self.table, n_folds)
        self.steps: tuple[Step, ...] = steps_of(folds, self.table.race)
        self.comparable = comparable_rows(self.table)
        parts = [part for fold in folds for part in (fold.calibrate, fold.judge)]
        counts = [count_races(self.table, part[self.comparable[part]]) for part in parts]
        self.are_judged_by_race = min(counts) >= 10 and sum(counts) >= MIN_WHOLE_RACES
        """Every fold has enough races whose runners can be held against each other."""
        self.is_centred = self.are_judged_by_race and are_mostly_whole(self.table)
        self._shared: OrderedDict[tuple[str, int], Shared] = OrderedDict()

    def shared(self, family: str, place: int) -> Shared:
        """Return what the fits of a family in one step share in this process."""
        found = self._shared.setdefault((family, place), {})
        self._shared.move_to_end((family, place))
        while len(self._shared) > _MAX_SHARED:
            self._shared.popitem(last=False)
        return found


def search_races(data: Data[RaceTable], n_folds: int, search_rows: int) -> SearchRaces:
    """Return the races of a search, made of the training part when they are first wanted."""
    key = "search", n_folds, search_rows
    if key not in data.made:
        data.made[key] = SearchRaces(data.value, n_folds, search_rows)
    races: SearchRaces = data.made[key]
    return races


def step_figures(data: Data[RaceTable], work: StepWork) -> dict[str, float]:
    """Fit a step and return its figures, see :data:`training.search.search.FIGURES`."""
    races = search_races(data, work.n_folds, work.search_rows)
    step = races.steps[work.place]
    table = races.table if reads_field(work.family) else races.table.with_run_features(None)
    member = fit_member(
        family_named(work.family),
        table.take(step.train),
        work.params,
        categorical=work.categorical,
        seed=work.seed,
        shared=races.shared(work.family, work.place),
    )
    return _figures(member, table, races, step.fold)


def _figures(member: FittedMember, table: RaceTable, races: SearchRaces, fold: Fold) -> dict[str, float]:
    """Judge the later half by a calibration and an exponent of the earlier one."""
    tune, judge = table.take(fold.calibrate), table.take(fold.judge)
    tune_odds, judge_odds = log_odds_of(member, tune), log_odds_of(member, judge)
    if races.is_centred:
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
    tuned, judged = races.comparable[fold.calibrate], races.comparable[fold.judge]
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
