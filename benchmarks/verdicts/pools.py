"""Pairs of contestants, and what one gained over the other in each race: real ones, and simulated ones."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from racing.comparison.gains import ArmScores, Gains, arm_scores, race_gains
from racing.probabilities import market_probabilities, share_within_race
from racing.simulation.facts import facts_of
from racing.simulation.season import run_season

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


NEARLY_THE_SAME = "noise of .055, as of two versions"


@dataclass(frozen=True, slots=True)
class Races:
    """Starters of races in which every price is known, race by race."""

    race: Indices
    won: NDArray[np.bool_]
    market: Floats
    rated: Floats
    """Of a contestant that was there before the race: a rated price, a model's probability."""
    truth: Floats | None = None


class Pool:
    """A pair of contestants over many races, of which an experiment draws its own.

    Real winners are drawn with their races. Where the truth is known, winners are drawn anew from it.
    """

    def __init__(self, name: str, races: Races, a: Floats, b: Floats) -> None:
        self.name = name
        self.gains: Gains = race_gains(a, b, races.won, races.market, races.race)
        arms = (
            arm_scores(a, races.won, races.market, races.race),
            arm_scores(b, races.won, races.market, races.race),
        )
        self._level_arms = [
            [scores - scores.mean() for scores in (getattr(arm, way) for arm in arms)]
            for way in ("by_outcome", "by_market")
        ]
        self._truth = None if races.truth is None else _Truth(races, a, b)
        self.is_informative = self.gains.by_market != 0
        part = self.is_informative.mean()
        # The differences are moved so that their mean is 0: the outcomes' by the truth where it is known, and
        # then the market's by as much, so that its bias stays in.
        self._offset = (
            (np.mean(self.gains.by_outcome) / part, np.mean(self.gains.by_market) / part)
            if self._truth is None
            else (np.mean(self._truth.expected) / part,) * 2
        )

    def draw(self, n: int, rng: np.random.Generator, gain: float = 0.0) -> Gains:
        """Return the differences of n races in which the mean gain is ``gain``."""
        chosen = rng.integers(0, len(self.gains.by_market), n, dtype=np.int64)
        by_outcome = self.gains.by_outcome[chosen]
        if self._truth is not None:
            by_outcome = self._truth.gains(chosen, rng)
        moves = self.is_informative[chosen]
        return Gains(
            by_outcome + moves * (gain - self._offset[0]),
            self.gains.by_market[chosen] + moves * (gain - self._offset[1]),
        )

    def draw_split(
        self, n: int, share: float, rng: np.random.Generator, gain: float = 0.0
    ) -> tuple[NDArray[np.bool_], ArmScores]:
        """Return of n races whether the champion answered, and the scores of the arm that did."""
        of_champion = rng.random(n) >= share
        chosen = rng.integers(0, len(self.gains.by_market), n, dtype=np.int64)
        scores = [np.where(of_champion, a[chosen], b[chosen] - gain) for a, b in self._level_arms]
        return of_champion, ArmScores(*scores)

    def spreads(self) -> tuple[float, float]:
        """Return the standard deviations of both ways."""
        return float(self.gains.by_outcome.std()), float(self.gains.by_market.std())

    def bias(self) -> float:
        """Return by how much the market's expectation of B's gain exceeds the truth; NaN if unknown."""
        if self._truth is None:
            return float("nan")
        return float(self.gains.by_market.mean() - self._truth.expected.mean())


class _Truth:
    """Winners drawn anew from the true probabilities, race by race."""

    def __init__(self, races: Races, a: Floats, b: Floats) -> None:
        assert races.truth is not None
        starts = np.flatnonzero(np.diff(races.race, prepend=-1))
        place = np.arange(len(races.race)) - starts[races.race]
        shape = (len(starts), int(place.max()) + 1)
        gain = np.log(np.maximum(b, 1e-6)) - np.log(np.maximum(a, 1e-6))
        self.expected: Floats = np.add.reduceat(races.truth * gain, starts)
        truth, self._gain = np.zeros(shape), np.zeros(shape)
        truth[races.race, place], self._gain[races.race, place] = races.truth, gain
        self._reached = truth.cumsum(axis=1)

    def gains(self, chosen: Indices, rng: np.random.Generator) -> Floats:
        reached = self._reached[chosen]
        winner = (reached < rng.random((len(chosen), 1)) * reached[:, -1:]).sum(axis=1)
        drawn: Floats = self._gain[chosen, winner]
        return drawn


def pools_of(races: Races, rng: np.random.Generator) -> Iterator[Pool]:
    """Yield pairs that differ as versions do, and pairs that differ more."""
    race, p = races.race, races.rated
    log_p = np.log(p)
    noise = [rng.normal(size=len(p)) for _ in range(4)]
    yield Pool(NEARLY_THE_SAME, races, p, share_within_race(log_p + 0.055 * noise[0], race))
    yield Pool("sharpened, p^1.05", races, p, share_within_race(1.05 * log_p, race))
    yield Pool("flattened, p^.7", races, p, share_within_race(0.7 * log_p, race))
    mixed = share_within_race(0.9 * log_p + 0.1 * np.log(races.market), race)
    yield Pool("a tenth of the market", races, p, mixed)
    yield Pool("the market itself", races, p, races.market)
    seldom = (rng.random(race[-1] + 1) < 0.05)[race]
    now_and_then = share_within_race(log_p + np.where(seldom, 0.5 * noise[2], 0.0), race)
    yield Pool("differs in each 20th race", races, p, np.where(seldom, now_and_then, p))


def real_races(folder: Path) -> Races:
    """Return the races of 2025 in Betfair's monthly files: rated prices contest, BSP is the market."""
    rows = []
    for path in sorted(folder.glob("ANZ_Greyhounds_2025_*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            rows += [
                (row["MarketId"], row["Rated Price"], row["WIN_BSP"], float(row["WIN_RESULT"]))
                for row in csv.DictReader(file)
                if row["WIN_RESULT"].strip()
            ]
    if not rows:
        raise FileNotFoundError(f"no ANZ_Greyhounds_2025_*.csv.gz in {folder}")
    _, first, race = np.unique([row[0] for row in rows], return_index=True, return_inverse=True)
    order = np.argsort(first[race], kind="stable")
    race = np.unique(first[race][order], return_inverse=True)[1].astype(np.int64)
    rated, bsp, won = np.array([[float(row[i] or "nan") for row in rows] for i in (1, 2, 3)])[:, order]
    won = won == 1
    rated, market = market_probabilities(rated, race), market_probabilities(bsp, race)
    return _whole(Races(race, won, market, rated))


def simulated_races(n_races: int, rng: np.random.Generator) -> Races:
    """Return a simulated season with its truth, which a contestant sees askew; its BSP is the market.

    That BSP is the truth with noise, and so a little too bold: not calibrated.
    """
    season = run_season(n_races, max(n_races // 110, 14), rng)
    facts = facts_of(season, rng)
    truth = share_within_race(season.strength, season.race)
    seen = share_within_race(0.9 * (season.strength + 0.4 * rng.normal(size=len(season))), season.race)
    market = market_probabilities(facts["bsp"], season.race)
    won = np.asarray(facts["won"], np.bool_)
    return _whole(Races(season.race, won, market, seen, truth))


def with_calibrated_market(races: Races) -> Races:
    """Return the same races with the truth replaced by the market's view of it: as calibrated as can be."""
    return replace(races, truth=races.market)


def _whole(races: Races) -> Races:
    starts = np.flatnonzero(np.diff(races.race, prepend=-1))
    one_winner = np.add.reduceat(races.won.astype(np.int64), starts) == 1
    known = ~np.isnan(np.add.reduceat(races.market + races.rated, starts))
    stays = (one_winner & known)[races.race]
    race = np.unique(races.race[stays], return_inverse=True)[1].astype(np.int64)
    truth = None if races.truth is None else races.truth[stays]
    return Races(race, races.won[stays], races.market[stays], races.rated[stays], truth)
