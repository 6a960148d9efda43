"""The champion's figures day by day, for the charts of its training's run: one point a day, then final."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from racing.monitor.champion import ChampionFacts
from racing.monitor.judged import JudgedRaces

SETTLED_AFTER_DAYS = 3
"""A day's point is written once, so it waits until its results should be there, corrections too."""


@dataclass(frozen=True, slots=True)
class LiveDay:
    """The figures of one race day of one version."""

    date: dt.date
    day_number: int
    """Days since the version learnt: 1 is the first day that it had not seen."""
    figures: Mapping[str, float]


def live_days(races: JudgedRaces, champion: ChampionFacts | None, today: dt.date) -> list[LiveDay]:
    """Return the days of a champion's own answers that are settled, the earliest first.

    None of a version that does not say when it learnt: its days could not be numbered.
    """
    if champion is None or champion.learnt_until is None or not len(races):
        return []
    learnt = np.datetime64(champion.learnt_until, "D")
    settled = np.datetime64(today - dt.timedelta(days=SETTLED_AFTER_DAYS), "D")
    races = races.of((races.date > learnt) & (races.date <= settled))
    days = []
    gap_so_far = n_so_far = 0.0
    for date in np.unique(races.date):
        of_day = races.of(races.date == date)
        gap = of_day.gap[~np.isnan(of_day.gap)]
        gap_so_far, n_so_far = gap_so_far + float(gap.sum()), n_so_far + len(gap)
        figures = {"n_races": float(len(of_day)), "log_loss": float(of_day.loss.mean())}
        if len(gap):
            figures |= {"gap_to_market": float(gap.mean()), "gap_to_market_so_far": gap_so_far / n_so_far}
        days.append(LiveDay(date.item(), int((date - learnt).astype(int)), figures))
    return days
