"""The verdicts on the contestants of an experiment, from the races so far."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from racing.comparison.confidence import asymptotic_path
from racing.comparison.verdict import Verdict, paired_verdict, split_verdict, verdict_text, within
from racing.experiments.records import Experiment
from racing.predictions.compared import PRICES
from racing.predictions.gains import PairedGains, price_lists_of, read_arm, read_gains

Path = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Mean, low and high at some races."""
N_POINTS = 200
"""Of a path, at most: a chart is no wider."""


@dataclass(frozen=True, slots=True)
class ContestantVerdict:
    """What the races so far say of one contestant against the champion."""

    contestant: str
    """A version (``7``) or a price list (``prices:tipster``)."""
    verdict: Verdict
    """By races that both rated."""
    split: Verdict | None
    """By the races that each answered, in split mode; None otherwise and for price lists."""
    first_day: dt.date | None
    last_day: dt.date | None
    sentences: tuple[str, ...]

    @property
    def n_days(self) -> int:
        """Days from the first race to the last, both counted."""
        return (
            0
            if self.first_day is None or self.last_day is None
            else (self.last_day - self.first_day).days + 1
        )


@dataclass(frozen=True, slots=True)
class GainsPath:
    """The confidence sequences as they ran over the races; arrays of (n_points,), infinite before a start."""

    n_races: NDArray[np.int64]
    by_outcome: Path
    n_races_with_market: NDArray[np.int64]
    by_market: Path


def experiment_verdicts(connection: Connection, experiment: Experiment) -> list[ContestantVerdict]:
    """Return the verdicts on an experiment's challengers, in its order, then on price lists beside them."""
    lists = price_lists_of(connection, experiment.started_at.date())
    contestants = [*map(str, experiment.challengers), *lists]
    return [_verdict(connection, experiment, contestant) for contestant in contestants]


def pair_verdict(connection: Connection, a: str, b: str, *, alpha: float = 0.05) -> ContestantVerdict:
    """Return the verdict on any contestant B against any A, over all races that both rated."""
    paired = read_gains(connection, a, b)
    return _of_gains(paired, a, b, alpha, None)


def pair_with_path(
    connection: Connection, a: str, b: str, *, alpha: float = 0.05
) -> tuple[ContestantVerdict, GainsPath]:
    """Return the verdict of :func:`pair_verdict`, and how it came about, from one reading of the races."""
    paired = read_gains(connection, a, b)
    return _of_gains(paired, a, b, alpha, None), path_of_gains(paired, alpha=alpha)


def gains_path(
    connection: Connection, experiment: Experiment, contestant: str, *, n_points: int = N_POINTS
) -> GainsPath:
    """Return the confidence sequences of a contestant's gain over the races, at evenly spaced races."""
    paired = read_gains(connection, str(experiment.champion), contestant, experiment_id=experiment.id)
    return path_of_gains(paired, alpha=alpha_of(experiment), n_points=n_points)


def path_of_gains(paired: PairedGains, *, alpha: float, n_points: int = N_POINTS) -> GainsPath:
    """Return the confidence sequences of gains over the races, at evenly spaced races."""
    gains, each = paired.gains, alpha / 2  # as the verdict has it, for two ways
    n, outcome = _thinned(gains.by_outcome, each, n_points)
    n_market, market = _thinned(gains.by_market, each, n_points)
    return GainsPath(n, outcome, n_market, market)


def alpha_of(experiment: Experiment) -> float:
    """Return the chance of a wrong verdict on one contestant: the policy's, shared by the challengers."""
    return experiment.policy.alpha / max(1, len(experiment.challengers))


def _verdict(connection: Connection, experiment: Experiment, contestant: str) -> ContestantVerdict:
    a, alpha = str(experiment.champion), alpha_of(experiment)
    paired = read_gains(connection, a, contestant, experiment_id=experiment.id)
    split = None
    if experiment.mode == "split" and not contestant.startswith(PRICES):
        champion = read_arm(connection, experiment.id, experiment.champion)
        split = split_verdict(champion, read_arm(connection, experiment.id, int(contestant)), alpha=alpha)
    return _of_gains(paired, a, contestant, alpha, split)


def _of_gains(paired: PairedGains, a: str, b: str, alpha: float, split: Verdict | None) -> ContestantVerdict:
    verdict = paired_verdict(paired.gains, alpha=alpha)
    sentences = verdict_text(verdict, new=_name(b), old=_old_name(a, b), races_per_day=paired.races_per_day)
    if b.startswith(PRICES):
        sentences.append(
            f"If {_name(b)} follows the market, trust the outcomes: prices cannot judge themselves."
        )
    return ContestantVerdict(
        contestant=b,
        verdict=verdict,
        split=split,
        first_day=paired.first_day,
        last_day=paired.last_day,
        sentences=tuple(_capitalized(sentence) for sentence in sentences),
    )


def _name(contestant: str) -> str:
    return contestant.removeprefix(PRICES) if contestant.startswith(PRICES) else f"Version {contestant}"


def _old_name(contestant: str, beside: str) -> str:
    """Return ``5`` as in "Version 7 is better than 5", and more only where a price list is beside it."""
    are_versions = not (contestant.startswith(PRICES) or beside.startswith(PRICES))
    return contestant if are_versions else within(_name(contestant))


def _capitalized(sentence: str) -> str:
    """Begin a sentence with a capital letter, unless it begins with the name of prices."""
    return f"V{sentence[1:]}" if sentence.startswith("version ") else sentence


def _thinned(values: NDArray[np.float64], alpha: float, n_points: int) -> tuple[NDArray[np.int64], Path]:
    mean, low, high = asymptotic_path(values, alpha=alpha)
    at = np.unique(np.linspace(0, len(mean) - 1, min(n_points, len(mean))).astype(np.int64))
    return at + 1, (mean[at], low[at], high[at])
