"""What retraining weekly gains: one model that stays beside one fitted anew every week, same races."""

import datetime as dt
from collections.abc import Iterator

import numpy as np

from benchmarks.quality.bench import Bench, between
from benchmarks.quality.pieces import form_columns, parts_before, quick_model
from benchmarks.quality.races import by_week, drift_by_week, level, races_with_prices
from benchmarks.quality.step_cache import Json
from racing.features import FEATURE_NAMES, FEATURE_VERSION
from racing.metrics import paired_bootstrap

_WEEK = dt.timedelta(days=7)


def judge_retraining(bench: Bench) -> Json:
    """Return weekly minus never retrained, over the development window and week by week.

    Both are XGBoost at its default parameters with an exponent of its own, split as a training splits; only
    the day up to which they learn differs. Ratings are up to date for both, as the product does.
    """
    plan = bench.plan
    days = (plan.develop_from, plan.develop_until)
    inputs = {"feature_version": FEATURE_VERSION, "features": [FEATURE_NAMES[c] for c in form_columns()]}
    settings = bench.settings(days, database=bench.database)

    def losses_of(trained_for: dt.date, first: dt.date, last: dt.date) -> list[float]:
        table = bench.table(bench.database, None, plan.develop_until)
        races = races_with_prices(between(table, first, last))
        if not races.rows.any():
            return []
        model = quick_model(parts_before(table, trained_for), form_columns())
        found: list[float] = races.losses(model(races.table)).tolist()
        return found

    def stale() -> Json:
        races = races_with_prices(between(bench.table(bench.database, None, plan.develop_until), *days))
        market = races.losses(races.table.market_probability)
        race_days = [str(day) for day in races.days()]
        return {"losses": losses_of(days[0], *days), "market": market.tolist(), "days": race_days}

    once = bench.steps.step("retrain/once", stale, settings=settings, inputs=inputs)
    weekly: list[float] = []
    for first, last in weeks(*days):

        def fresh(first: dt.date = first, last: dt.date = last) -> Json:
            return {"losses": losses_of(first, first, last)}

        step = bench.steps.step(f"retrain/{first}", fresh, settings=settings, inputs=inputs)
        weekly += step["losses"]
    one, anew, market = np.array(once["losses"]), np.array(weekly), np.array(once["market"])
    race_days = np.array(once["days"], "datetime64[D]")
    ended = np.datetime64(days[0]) - np.timedelta64(1, "D")
    return {
        "days": f"{days[0]} to {days[1]}",
        "races": len(one),
        "once": list(level(one)),
        "weekly": list(level(anew)),
        "weekly_minus_once": list(paired_bootstrap(anew, one)),
        "weeks": [
            {"week": week, "races": n, "weekly_minus_once": list(gap)}
            for week, n, gap in by_week(anew - one, race_days, ended)
        ],
        "gain_drift_by_week": list(drift_by_week(anew - one, race_days)),
        "once_minus_market_drift_by_week": list(drift_by_week(one - market, race_days)),
    }


def weeks(first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """Yield the first and the last day of each week from ``first`` on; the last one may be short."""
    while first <= last:
        yield first, min(first + _WEEK - dt.timedelta(days=1), last)
        first += _WEEK
