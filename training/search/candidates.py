"""The candidates: the best member of each family, searched side by side, and the blend of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact.spec import Calibration
from racing.probabilities import race_level, share_within_race
from racing.race_table import RaceTable
from training.calibration import calibrated_log_odds, calibrated_scores, fit_calibration, fit_exponent
from training.data.whole_races import (
    MIN_WHOLE_RACES,
    are_mostly_whole,
    comparable_rows,
    count_races,
    judged_rows,
)
from training.families import FieldMember, FittedMember, log_odds_of
from training.objective import race_targets
from training.search.cost import scoring_steps
from training.search.ensemble import ENSEMBLE, SMALL_ENSEMBLE, fit_weights
from training.search.members import FamilyResult, fit_members, fit_members_ahead, search_families
from training.search.search import Trial
from training.search.settings import SearchSettings

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WeightedMember:
    """A fitted member and what its log odds count in the blend."""

    name: str
    estimator: FittedMember
    weight: float
    params: Mapping[str, Any]
    """What it was fitted with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that could be registered: members, blend, calibration, sharing."""

    name: str
    members: tuple[WeightedMember, ...]
    intercept: float
    is_centred: bool
    """The race's level is taken off the blend before calibration (see :class:`ModelSpec` of the artifact)."""
    calibration: Calibration
    sharing_exponent: float
    trials: tuple[Trial, ...]
    """The search's history; the ensemble has none of its own."""
    best: Trial | None
    imbalance: tuple[str, ...]
    """What each member does about the few winners."""
    unseen_log_odds: Floats
    """Of the calibration rows, from models and weights that have not learnt from them: to choose by."""
    seconds: float

    @property
    def scoring_steps(self) -> int:
        """Return the steps of work to score a card, see :mod:`training.search.cost`."""
        return scoring_steps(member.estimator for member in self.members)

    @property
    def reads_runs(self) -> bool:
        """Return whether a member takes the numbers of single runs."""
        estimators = (member.estimator for member in self.members)
        return any(isinstance(each, FieldMember) and each.reads_runs for each in estimators)

    def log_odds(self, table: RaceTable) -> Floats:
        """Return the blend's log odds before calibration."""
        total = np.full(len(table), self.intercept)
        for member in self.members:
            total += member.weight * log_odds_of(member.estimator, table)
        return total

    def scores(self, table: RaceTable) -> Floats:
        """Return calibrated scores in [0, 1], each runner judged on its own."""
        return calibrated_scores(self.calibration, self._centred(self.log_odds(table), table))

    def probabilities(self, table: RaceTable) -> Floats:
        """Return win probabilities that sum to 1 within each race."""
        return self.probabilities_of(self.log_odds(table), table)

    def probabilities_of(self, blended: Floats, table: RaceTable) -> Floats:
        """Return win probabilities of what :meth:`log_odds` gave of a table."""
        odds = calibrated_log_odds(self.calibration, self._centred(blended, table))
        return share_within_race(odds, table.race, self.sharing_exponent)

    def _centred(self, blended: Floats, table: RaceTable) -> Floats:
        return blended - race_level(blended, table.race) if self.is_centred else blended


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of one training, families first, then the blends of two and of all."""

    candidates: tuple[Candidate, ...]
    is_by_race: bool
    """Weights are fitted on runners held against each other; otherwise on runners one by one."""
    note: str
    """What a reader of the figures must know of how they were made; may be empty."""

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def __len__(self) -> int:
        return len(self.candidates)

    def __getitem__(self, name: str) -> Candidate:
        return next(candidate for candidate in self.candidates if candidate.name == name)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Return every trial of every family."""
        return tuple(trial for candidate in self.candidates for trial in candidate.trials)


def fit_candidates(
    train: RaceTable,
    calibration: RaceTable,
    settings: SearchSettings,
    categorical: Sequence[int],
    on_trial: Callable[[Trial], None] = lambda trial: None,
    on_fit: Callable[[str], None] = lambda name: None,
) -> Candidates:
    """Search every family on the training part, fit it there, calibrate and blend on the later part.

    ``categorical`` are the columns that hold codes.

    Raises
    ------
    TrainingSetTooSmall
        If the training part has too few days for the folds.
    SearchNotResumable
        If a stored search was made from other data.
    """
    results = search_families(settings, train, categorical, on_trial, on_fit)
    comparable = comparable_rows(calibration)
    n_races = count_races(calibration, comparable)
    by_race = n_races >= MIN_WHOLE_RACES
    few = f"{n_races} races to calibrate on, fewer than {MIN_WHOLE_RACES}: runners judged one by one"
    odds = np.stack([log_odds_of(result.member, calibration) for result in results], axis=1)
    stage = _Calibration(
        table=calibration,
        comparable=comparable,
        by_race=by_race,
        is_centred=are_mostly_whole(calibration),
        method=settings.calibration,
    )
    odds = np.stack([stage.centred(column) for column in odds.T], axis=1)
    fitted = [_of_family(result, odds[:, i], stage) for i, result in enumerate(results)]
    if len(fitted) > 1:
        ensemble = _ensemble(ENSEMBLE, fitted, odds, stage)
        heaviest = sorted(ensemble.members, key=lambda member: (-member.weight, member.name))[:2]
        if len(ensemble.members) > 2:
            two = [
                i for i, family in enumerate(fitted) if family.name in {member.name for member in heaviest}
            ]
            fitted.append(_ensemble(SMALL_ENSEMBLE, [fitted[i] for i in two], odds[:, two], stage))
        fitted.append(ensemble)
    return Candidates(tuple(fitted), by_race, "" if by_race else few)


def fit_again(
    candidate: Candidate,
    table: RaceTable,
    settings: SearchSettings,
    categorical: Sequence[int],
    on_fit: Callable[[str], None] = lambda name: None,
) -> Candidate:
    """Return the candidate with its members fitted on all races of a table, everything else as it was.

    The latest races say most of those to come. The members' parameters, their weights and the calibration
    were found on races that the members had not seen, and stay.
    """
    return _with_members(candidate, fit_members(_params(candidate), table, settings, categorical, on_fit))


@contextmanager
def fit_again_ahead(
    candidate: Candidate, table: RaceTable, settings: SearchSettings, categorical: Sequence[int]
) -> Iterator[Callable[[Callable[[str], None]], Candidate]]:
    """Begin what :func:`fit_again` does, and yield what waits for it and reports its steps."""
    with fit_members_ahead(_params(candidate), table, settings, categorical) as wait:
        yield lambda on_fit: _with_members(candidate, wait(on_fit))


def _params(candidate: Candidate) -> dict[str, Mapping[str, Any]]:
    return {member.name: member.params for member in candidate.members}


def _with_members(candidate: Candidate, fitted: Mapping[str, FittedMember]) -> Candidate:
    members = tuple(replace(member, estimator=fitted[member.name]) for member in candidate.members)
    return replace(candidate, members=members)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calibration:
    """The races after those that the members learnt from, on which all else is fitted."""

    table: RaceTable
    comparable: Flags
    """The races whose known runners are held against each other, see :func:`comparable_rows`."""
    by_race: bool
    is_centred: bool
    """Races are mostly whole. A member that learnt by race has no level of its own: its log odds of one race
    may lie ten above those of the next, and say nothing of a runner until the race's level is taken off."""
    method: str

    def centred(self, odds: Floats) -> Floats:
        """Return log odds less their race's level, as the written model will have them."""
        return odds - race_level(odds, self.table.race) if self.is_centred else odds

    def weights(self, odds: Floats, rows: Flags | slice = slice(None)) -> tuple[Floats, float]:
        """Return the blend's weights and intercept, fitted on some of these races."""
        if not self.by_race:
            return fit_weights(odds[rows], self.table.won[rows], None)
        part, comparable = self.table.take(rows), self.comparable[rows]
        judged = part.take(comparable)
        return fit_weights(odds[rows][comparable], race_targets(judged).share, judged.race)

    def fit(self, odds: Floats) -> tuple[Calibration, float]:
        """Return the calibration of scores, and how far they sharpen within the race."""
        calibration = fit_calibration(self.method, odds, self.table.won)
        for rows in (judged_rows(self.table), self.comparable):
            judged = self.table.take(rows)
            if count_races(judged) >= MIN_WHOLE_RACES:
                calibrated = calibrated_log_odds(calibration, odds[rows])
                return calibration, fit_exponent(calibrated, judged.won, judged.race)
        return calibration, 1.0


def _of_family(result: FamilyResult, odds: Floats, stage: _Calibration) -> Candidate:
    calibration, exponent = stage.fit(odds)
    best = result.search.best
    return Candidate(
        name=result.family,
        members=(WeightedMember(result.family, result.member, 1.0, best.params),),
        intercept=0.0,
        is_centred=stage.is_centred,
        calibration=calibration,
        sharing_exponent=exponent,
        trials=result.search.trials,
        best=best,
        imbalance=(best.params["imbalance"],),
        unseen_log_odds=odds,
        seconds=result.seconds,
    )


def _ensemble(name: str, families: Sequence[Candidate], odds: Floats, stage: _Calibration) -> Candidate:
    weights, intercept = stage.weights(odds)
    is_late = stage.table.race > stage.table.race[-1] // 2
    unseen = np.empty(len(odds))
    for half in (is_late, ~is_late):
        # each half is blended by the weights of the other, so that the choice among candidates is fair
        other, other_intercept = stage.weights(odds, ~half)
        unseen[half] = odds[half] @ other + other_intercept
    calibration, exponent = stage.fit(stage.centred(odds @ weights + intercept))
    blended_in = [(family, float(w)) for family, w in zip(families, weights, strict=True) if w > 0]
    return Candidate(
        name=name,
        members=tuple(replace(family.members[0], weight=w) for family, w in blended_in),
        intercept=intercept,
        is_centred=stage.is_centred,
        calibration=calibration,
        sharing_exponent=exponent,
        trials=(),
        best=None,
        imbalance=tuple(choice for family, _ in blended_in for choice in family.imbalance),
        unseen_log_odds=stage.centred(unseen),
        seconds=sum(family.seconds for family in families),
    )
