"""A log of judged races written at once: as many as wanted, of a model as good or bad as wanted."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, insert

from racing.domain.names import name_key
from racing.domain.tracks import KNOWN_TRACKS
from racing.predictions.sums import N_LEVELS
from racing.predictions.tables import LATEST, PREDICTION, RACE, SUMS

DAY_0 = dt.date(2026, 1, 5)  # a Monday
_AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Races answered by one version, some a day; prices are calibrated, the model as declared."""

    n_races: int
    version: int = 7
    first_day: dt.date = DAY_0
    races_a_day: int = 100
    temperature: float = 1.0
    """Above 1 the model is too timid, below 1 too bold."""
    noise: float = 0.1
    """Of the model's log odds."""
    noise_later: float | None = None
    """The same from the fifth week on."""
    price_share: float = 1.0
    """Of the races, those with prices."""
    seed: int = 0
    tracks: tuple[str, ...] = field(default=tuple(track.name for track in KNOWN_TRACKS[:40]))


def write_answers(engine: Engine, answers: Answers, *, first_id: int = 1) -> int:
    """Write judged races as the matching of outcomes leaves them; return the next free number."""
    random = np.random.default_rng(answers.seed)
    n, n_field = answers.n_races, random.integers(4, 9, answers.n_races)
    race = np.repeat(np.arange(n), n_field)
    day = np.arange(n) // answers.races_a_day
    later = answers.noise if answers.noise_later is None else answers.noise_later
    noise = np.where(day[race] < 28, answers.noise, later)
    strength = random.normal(0, 0.8, len(race))
    market = _shared(strength, race)
    model = _shared(strength / answers.temperature + noise * random.normal(size=len(race)), race)
    won = _winners(market, race, random)
    starts = np.cumsum(n_field) - n_field
    entropy = np.add.reduceat(-market * np.log(market), starts)
    columns = {
        "loss": -np.log(model[won]),
        "market_loss": -np.log(market[won]),
        "uniform_loss": np.log(n_field),
        "expected_loss": np.add.reduceat(-market * np.log(model), starts),
        "market_expected_loss": entropy,
        "n_starters": n_field,
    }
    is_priced = random.random(n) < answers.price_share
    levels = (np.minimum((model * N_LEVELS).astype(np.int64), N_LEVELS - 1) << 1 | won).astype("<u2")
    track = np.arange(n) % len(answers.tracks)
    rows = {name: values.tolist() for name, values in columns.items()}
    cards, races, latest = [], [], []
    groups: dict[tuple[dt.date, str], list[int]] = {}
    for i in range(n):
        date = answers.first_day + dt.timedelta(days=int(day[i]))
        key, number = name_key(answers.tracks[track[i]]), first_id + i
        at = dt.datetime.combine(date, dt.time(1))
        cards.append({"id": number, "writer": "bulk", "number": number, "request_id": str(number),
                      "model_version": answers.version, "digest": "0" * 64, "at": at, "card": "{}",
                      "answer": "{}"})  # fmt: skip
        outcome = {name: values[i] for name, values in rows.items()}
        if not is_priced[i]:
            outcome |= dict.fromkeys(("market_loss", "expected_loss", "market_expected_loss"))
        races.append({"prediction_id": number, "model_version": answers.version, "at": at, "date": date,
                      "track": key, "distance_m": 515, "race_number": None, "n_runners": int(n_field[i]),
                      "is_ahead": True, "race_id": number, "top_pick": 0.0, **outcome})  # fmt: skip
        latest.append({"date": date, "race_id": number, "model_version": answers.version, "is_ahead": True,
                       "prediction_id": number, "track": key, "is_last": True, "is_last_ahead": True,
                       "is_last_of_version": True})  # fmt: skip
        groups.setdefault((date, key), []).append(i)
    sums = [
        {"counting": way, "date": date, "track": key, "model_version": answers.version,
         **_sums(columns, is_priced, some),
         "shares": b"".join(levels[starts[i] : starts[i] + n_field[i]].tobytes() for i in some)}
        for (date, key), some in groups.items() for way in range(4)
    ]  # fmt: skip
    with engine.begin() as connection:
        for table, values in ((PREDICTION, cards), (RACE, races), (LATEST, latest), (SUMS, sums)):
            for at_once in range(0, len(values), _AT_ONCE):
                connection.execute(insert(table), values[at_once : at_once + _AT_ONCE])
    return first_id + n


def _sums(
    columns: dict[str, NDArray[Any]], is_priced: NDArray[np.bool_], some: list[int]
) -> dict[str, float]:
    priced = [i for i in some if is_priced[i]]
    gaps = columns["loss"][priced] - columns["market_loss"][priced]
    return {
        "n_races": len(some),
        "loss": float(columns["loss"][some].sum()),
        "uniform_loss": float(columns["uniform_loss"][some].sum()),
        "top_picks": 0.0,
        "n_with_market": len(priced),
        "loss_with_market": float(columns["loss"][priced].sum()),
        "market_loss": float(columns["market_loss"][priced].sum()),
        "squared_gaps": float((gaps**2).sum()),
    }


def _shared(strength: NDArray[np.float64], race: NDArray[np.int64]) -> NDArray[np.float64]:
    p = np.exp(strength)
    shared: NDArray[np.float64] = p / np.bincount(race, p)[race]
    return shared


def _winners(
    p: NDArray[np.float64], race: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.bool_]:
    """Return who won: the dog with the least of exponential times at these rates."""
    times = random.exponential(size=len(p)) / p
    won = np.zeros(len(p), bool)
    order = np.lexsort((times, race))
    won[order[np.flatnonzero(np.diff(race[order], prepend=-1))]] = True
    return won
