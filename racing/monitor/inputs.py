"""How a version's inputs moved over the last days, for the monitor's report and its heat map."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from racing.monitor.champion import ChampionFacts
from racing.monitor.drift import Floats, UsualDays, p_values, psi, scaled, usual_days
from racing.monitor.input_counts import Bins
from racing.monitor.input_days import DayOfInputs, days_of_inputs

N_DAYS, N_FEATURES = 28, 40
_FEWEST_RUNNERS = 50


def summary(
    engine: Engine,
    champion: ChampionFacts | None,
    *,
    today: dt.date | None = None,
    n_days: int = N_DAYS,
    n_features: int = N_FEATURES,
) -> dict[str, Any] | None:
    """Return what came in by day, and the features that moved most, first the one that did so most.

    Values that JSON takes. ``features`` has for each its ``psi`` and share ``missing`` by day, None on a day
    of fewer than 50 runners; the training's share ``missing_in_training``; ``usual_psi``, that of a quiet
    day; and ``p_value``, the smallest of the last two days. ``days`` has the facts of each day with cards.
    """
    if champion is None:
        return None
    today = today or dt.datetime.now(dt.UTC).date()
    days = days_of_inputs(engine, champion.version, since=today - dt.timedelta(days=n_days - 1))
    return summary_of(days, champion.version, today=today, n_features=n_features)


def summary_of(
    days: Sequence[DayOfInputs], version: int, *, today: dt.date, n_features: int = N_FEATURES
) -> dict[str, Any]:
    """Return :func:`summary` of days that were read before."""
    if not days:
        return {"version": version, "days": [], "features": [], "n_features": 0, "usual": None}
    bins, by_day = days[-1].counted.bins, psi_by_day(days)
    usual, source = usual_of(days, today)
    order, p_value = _most_moved(by_day, days, usual)
    features = [
        {
            "name": bins.names[column],
            "psi": [_rounded(value) for value in by_day[:, column]],
            "missing": [_rounded(value) for value in missing[:, column]],
            "missing_in_training": _rounded(bins.shares[column, 0]),
            "usual_psi": _rounded(usual.mean[column] ** 3) if usual else None,
            "p_value": float(f"{p_value[column]:.2g}") if usual else None,
        }
        for missing in (_missing_by_day(days),)
        for column in order[:n_features].tolist()
    ]
    return {
        "version": version,
        "days": [
            {"date": str(day.date), **day.counted.facts, "unknown_tracks": day.counted.unknown_tracks}
            for day in days
        ],
        "features": features,
        "n_features": len(bins.names),
        "usual": usual and {"from": source, "n_days": usual.n_days, "n_runners": usual.n_runners},
    }


def psi_by_day(days: Sequence[DayOfInputs]) -> Floats:
    """Return the PSI of each day and column, of shape (n_days, n_columns); NaN of a day with few runners."""
    bins = days[0].counted.bins
    found = np.array([psi(day.counted.counts, bins.shares, bins.exists) for day in days])
    found[n_runners_of(days) < _FEWEST_RUNNERS] = np.nan
    return found


def n_runners_of(days: Sequence[DayOfInputs]) -> NDArray[np.int64]:
    """Return the runners of each day."""
    return np.array([day.counted.facts["n_runners"] for day in days], np.int64)


def usual_of(days: Sequence[DayOfInputs], today: dt.date) -> tuple[UsualDays | None, str]:
    """Return how far quiet days lie from the training, and whence it is known.

    From the artifact (``training``: the days on which the version was judged), else from the days that were
    served and are over (``served``), once they are enough.
    """
    bins: Bins = days[-1].counted.bins
    if bins.usual is not None:
        return bins.usual, "training"
    over = [day for day in days[:-1] if day.date < today]  # the last one is judged
    if not over:
        return None, "served"
    by_day = psi_by_day(over)
    are_known = np.isfinite(by_day).any(axis=1)
    return usual_days(np.nan_to_num(by_day[are_known]), n_runners_of(over)[are_known]), "served"


def _missing_by_day(days: Sequence[DayOfInputs]) -> Floats:
    counts = np.array([day.counted.counts for day in days])
    n = counts.sum(axis=2)
    return np.where(n >= _FEWEST_RUNNERS, counts[:, :, 0] / np.maximum(n, 1), np.nan)


def _most_moved(
    by_day: Floats, days: Sequence[DayOfInputs], usual: UsualDays | None
) -> tuple[NDArray[np.intp], Floats]:
    """Return the columns, those that moved most first, and their smallest p-values of the last two days."""
    n_runners = n_runners_of(days)
    if usual is None:
        return np.argsort(-np.nan_to_num(by_day).max(axis=0), kind="stable"), np.ones(by_day.shape[1])
    last = range(max(len(days) - 2, 0), len(days))
    smallest = np.min([p_values(by_day[i], int(n_runners[i]), usual) for i in last], axis=0)
    roots = np.cbrt(scaled(by_day, n_runners[:, None], usual.n_runners))
    excess = np.nan_to_num((roots - usual.mean) / np.maximum(usual.sd, 0.03), nan=-np.inf).max(axis=0)
    return np.argsort(-excess, kind="stable"), smallest


def _rounded(value: float) -> float | None:
    return None if value != value else round(float(value), 4)
