"""Races made up for the tests: calibrated closing prices, and contestants that see them askew."""

from dataclasses import dataclass

import numpy as np

from racing.comparison.gains import race_gains
from racing.probabilities import share_within_race


@dataclass(frozen=True)
class Season:
    race: np.ndarray
    market: np.ndarray
    won: np.ndarray
    rng: np.random.Generator

    def contestant(self, noise=0.3, exponent=1.0):
        """Return probabilities that are the market's with noise on every log odds."""
        seen = np.log(self.market) + noise * self.rng.normal(size=len(self.market))
        return share_within_race(exponent * seen, self.race)


def make_season(n_races=1000, n_runners=7, seed=0, bias=1.0):
    """Return races won with the probabilities market^bias, shared to 1: calibrated where bias is 1."""
    rng = np.random.default_rng(seed)
    race = np.repeat(np.arange(n_races), n_runners)
    market = share_within_race(rng.normal(size=len(race)), race)
    truth = share_within_race(bias * np.log(market), race).reshape(n_races, -1)
    winner = (truth.cumsum(axis=1) < rng.random((n_races, 1)) * truth.sum(axis=1, keepdims=True)).sum(axis=1)
    won = (np.arange(n_runners) == winner[:, None]).ravel()
    return Season(race, market, won, rng)


def make_gains(season, a, b):
    """Return what b gains over a in the season's races."""
    return race_gains(a, b, season.won, season.market, season.race)
