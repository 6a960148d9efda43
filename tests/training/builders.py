"""Builders of race tables: seasons whose winners are drawn from known probabilities."""

from dataclasses import replace

import numpy as np

from racing.finish_orders import finish_orders, order_probabilities, with_fourth
from racing.probabilities import share_within_race
from racing.race_table import RaceTable

N_FEATURES = 6
TRUE_DISCOUNTS = (1.0, 0.6, 0.5)
"""Of :func:`make_finished`; the fourth follows."""
FEATURE_NAMES = tuple(f"feature_{i}" for i in range(N_FEATURES))


def make_table(
    n_races=300, n_runners=6, *, seed=0, first_day="2025-01-01", races_a_day=5, **columns
) -> RaceTable:
    """Return a season in which the first two features tell the winner as well as anything can."""
    rng = np.random.default_rng(seed)
    n = n_races * n_runners
    race = np.repeat(np.arange(n_races), n_runners)
    features = rng.normal(size=(n, N_FEATURES)).astype(np.float32)
    features[rng.random(n) < 0.05, 2] = np.nan
    features[:, 5] = rng.integers(0, 3, n)
    truth = share_within_race(features[:, 0] + 0.5 * features[:, 1], race)
    winner = (truth.reshape(n_races, -1).cumsum(axis=1) > rng.random((n_races, 1))).argmax(axis=1)
    market = share_within_race(np.log(truth) + 0.2 * rng.normal(size=n), race)
    table = RaceTable(
        features=features,
        race_id=race + 100,
        run_id=np.arange(n) + 1000,
        date=np.datetime64(first_day, "D") + race // races_a_day,
        track_id=race % 3,
        track=np.array(["Ballarat", "Bendigo", "Bulli"])[race % 3],
        state=np.array(["VIC", "VIC", "NSW"])[race % 3],
        distance_m=np.full(n, 500),
        box=np.tile(np.arange(1, n_runners + 1), n_races),
        won=(np.arange(n_runners) == winner[:, None]).ravel(),
        placed=np.full(n, np.nan),
        finish_position=np.full(n, np.nan),
        is_whole=np.ones(n, bool),
        n_prior_runs=rng.integers(0, 6, n),
        market_probability=market,
        rated_probability=np.full(n, np.nan),
        place_market_probability=np.full(n, np.nan),
        true_probability=truth,
    )
    return replace(table, **columns)


def known_in_part(table: RaceTable, share: float = 0.7, *, seed: int = 1) -> RaceTable:
    """Return winners and a share of the others, as form guides know a race; they share the market."""
    is_known = table.won | (np.random.default_rng(seed).random(len(table)) < share)
    known = table.take(is_known)
    market = known.market_probability / np.bincount(known.race, known.market_probability)[known.race]
    return replace(known, is_whole=np.zeros(len(known), bool), market_probability=market)


def make_finished(n_races: int = 3000, n_runners: int = 8, *, seed: int = 0) -> RaceTable:
    """Return a season whose first four are drawn one after the other, by discounts."""
    table = make_table(n_races, n_runners, seed=seed)
    win = table.true_probability.reshape(n_races, n_runners)
    joint = order_probabilities(win, 4, with_fourth(TRUE_DISCOUNTS)).cumsum(axis=1)
    drawn = (joint > np.random.default_rng(seed + 1).random((n_races, 1))).argmax(axis=1)
    position = np.full((n_races, n_runners), np.nan)
    orders = finish_orders(n_runners, 4)[drawn]
    np.put_along_axis(position, orders, np.arange(1.0, 5.0)[None], axis=1)
    placed = position <= (3 if n_runners >= 8 else 2)
    return replace(
        table, finish_position=position.ravel(), won=(position == 1).ravel(), placed=placed.ravel() * 1.0
    )


def log_odds_of(p):
    """Return the log odds of probabilities."""
    return np.log(p) - np.log1p(-p)
