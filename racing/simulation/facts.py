"""What the world sees of a season: places, times, splits, margins, calls and prices."""

import numpy as np
from numpy.typing import NDArray

from racing.probabilities import n_places, place_probabilities, share_within_race
from racing.simulation.season import Season
from racing.simulation.world import TRACK_SPEED_M_S, TRACKS

Floats = NDArray[np.float64]
Facts = dict[str, NDArray[np.generic]]

SECONDS_A_LENGTH = 0.07
SECONDS_A_STRENGTH = 0.17  # at 500 m: 1 of strength is 2.4 lengths
EARLY_NOISE = 0.35  # in ln odds, of the price ten minutes before the off about BSP: .40 in 32 recorded races
FALL_SHARE = 0.04  # of the last-placed; they get neither place nor time


def facts_of(season: Season, rng: np.random.Generator) -> Facts:
    """Return the columns of :class:`~racing.database.tables.RunFacts`; NaN (or "") is unknown."""
    race, starts, sizes = season.race, *_blocks(season.race)
    true_p = share_within_race(season.strength, race)
    place = _rank_within_race(-season.performance, race)
    fell = (place == sizes[race]) & (rng.random(len(race)) < FALL_SHARE)
    time_s = _times(season, rng)
    best = np.repeat(np.minimum.reduceat(time_s, starts), sizes)
    second = np.repeat(np.minimum.reduceat(np.where(time_s == best, np.inf, time_s), starts), sizes)
    behind = np.where(place == 1, second - best, time_s - best) / SECONDS_A_LENGTH
    split_s = _splits(season, rng)
    places = n_places(sizes)[race]
    place_p = place_probabilities(true_p, race, 3)
    place_p = np.where(places == 3, place_p, place_probabilities(true_p, race, 2))
    place_p = np.where(places == 1, true_p, place_p)
    without_split = np.array([not track.times_splits for track in TRACKS])[season.track]
    return {
        "box": season.box,
        "rug": season.rug,
        "weight_kg": season.weight_kg,
        "finish_position": np.where(fell, np.nan, place),
        "won": place == 1,
        "placed": (place <= places) & ~fell,
        "time_s": np.where(fell, np.nan, time_s.round(2)),
        "winner_time_s": best.round(2),
        "first_split_s": np.where(
            fell | without_split | (rng.random(len(race)) < 0.05), np.nan, split_s.round(2)
        ),
        "margin_lengths": np.where(fell, np.nan, np.minimum((behind * 4).round() / 4, 50.0)),
        "position_in_running": _calls(season, split_s, time_s, place),
        **_prices(season, place_p, rng),
        "true_probability": true_p,
    }


def _times(season: Season, rng: np.random.Generator) -> Floats:
    """Return times whose order is that of the performances."""
    par = season.distance_m / TRACK_SPEED_M_S * (1 + 0.0001 * (season.distance_m - 450))
    of_track = np.array([1 + 0.004 * np.sin(3.0 * i) for i in range(len(TRACKS))])[season.track]
    pace = rng.normal(size=season.race[-1] + 1)[season.race] * 0.002
    seconds = SECONDS_A_STRENGTH * season.distance_m / 500
    times: Floats = par * of_track * (1 + season.going + pace) - seconds * (season.performance - 1.0)
    return times


def _splits(season: Season, rng: np.random.Generator) -> Floats:
    length_m = np.where(season.distance_m < 380, 65.0, 85.0)
    noise = rng.normal(size=len(season)) * 0.05
    ahead = 0.07 * season.early_speed + 0.03 * (season.performance - 1.0)
    splits: Floats = length_m / 16.4 * (1 + season.going) - ahead + noise
    return splits


def _calls(season: Season, split_s: Floats, time_s: Floats, place: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return the position at each call: two short of 400 m, else three; the last is the finish."""
    first = _rank_within_race(split_s, season.race)
    midway = _rank_within_race(3.0 * split_s + time_s, season.race)
    calls = np.char.add(first.astype(str), np.where(season.distance_m < 400, "", midway.astype(str)))
    return np.char.add(calls, place.astype(str))


def _prices(season: Season, place_p: Floats, rng: np.random.Generator) -> Facts:
    """Return prices scattered about the truth; bookmakers shade longshots more (Griffith, 1949)."""
    n, race = len(season), season.race
    seen = season.strength + 0.20 * rng.normal(size=n)
    book = 1 + 0.02 * rng.normal(size=race[-1] + 1)[race]
    bsp = 1 / (share_within_race(seen, race) * book)
    sp_share = share_within_race(0.93 * (seen + 0.08 * rng.normal(size=n)), race)
    rated = 1 / share_within_race(0.70 * (seen + 0.80 * rng.normal(size=n)), race)
    return {
        "starting_price": _on_the_ladder(1 / (sp_share * 1.20)),
        "bsp": np.clip(bsp, 1.01, 1000.0).round(2),
        "place_bsp": np.clip(np.exp(0.08 * rng.normal(size=n)) / place_p, 1.01, 1000.0).round(2),
        "rated_price": np.clip(rated, 1.01, 1000.0).round(2),
    }


def prices_before_off(season: Season, bsp: Floats, rng: np.random.Generator) -> Floats:
    """Return the market's prices ten minutes before the off, scattered about BSP: money comes late."""
    early = share_within_race(-np.log(bsp) + EARLY_NOISE * rng.normal(size=len(season)), season.race)
    return np.clip(1 / early, 1.01, 1000.0).round(2)


def _on_the_ladder(price: Floats) -> Floats:
    """Return prices in a bookmaker's steps: 5 cents below 2, 10 below 5, 50 below 15, then whole dollars."""
    step = np.select([price < 2, price < 5, price < 15], [0.05, 0.10, 0.50], 1.0)
    rounded: Floats = np.clip((price / step).round() * step, 1.01, 501.0).round(2)
    return rounded


def _rank_within_race(values: Floats, race: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.lexsort((values, race))
    starts, sizes = _blocks(race)
    rank = np.empty(len(race), np.int64)
    rank[order] = np.arange(len(race)) - np.repeat(starts, sizes) + 1
    return rank


def _blocks(race: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    starts = np.flatnonzero(np.diff(race, prepend=-1))
    return starts, np.diff(starts, append=len(race))
