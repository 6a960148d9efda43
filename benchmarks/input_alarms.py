"""False alarms about inputs of quiet weeks, and how fast faults are found: ``-m benchmarks.input_alarms``.

The stored races of a database, the first as the training's, those after them as the days that it was judged
on, the rest as days that are served: as they happened, and as weeks made of other meetings of the same
weekday. A look after each quarter of a meeting, with the code that the service runs.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from racing.database.engine import open_database
from racing.features import FEATURE_NAMES, FEATURES, race_table
from racing.monitor.drift import ALARMS_A_WEEK
from racing.monitor.input_alarms import judge
from racing.monitor.input_counts import FACTS, Bins, Counted, bins_of
from racing.monitor.input_days import DayOfInputs
from racing.race_table import RaceTable
from training.export.documents import reference

TRAINING, JUDGED = 0.55, 0.75  # shares of the days, as a training splits them
QUARTERS = 4
SEED = 1
Rows = NDArray[np.int64]
Fault = Callable[[NDArray[np.float32], NDArray[np.int64], np.random.Generator], None]
"""Changes the features of a meeting, and its facts (shape (n_cards, n_facts)), in place."""


@dataclass(frozen=True)
class Season:
    """Stored races, cut as a training cuts them."""

    table: RaceTable
    bins: Bins
    days: Sequence[np.datetime64]
    """Those that are served."""
    meetings: dict[np.datetime64, list[Rows]]
    win: NDArray[np.float64]

    @classmethod
    def of(cls, table: RaceTable) -> "Season":
        """Return the season of a table; its win probabilities are the market's, where they are known."""
        days = np.unique(table.date)
        first, last = days[int(len(days) * TRAINING)], days[int(len(days) * JUDGED)]
        size = np.bincount(table.race)[table.race]
        win = np.where(np.isfinite(table.market_probability), table.market_probability, 1 / size)
        is_judged = (table.date >= first) & (table.date < last)
        document = reference(
            table.features[table.date < first], FEATURE_NAMES, win[is_judged], later=table.take(is_judged)
        )
        meetings: dict[np.datetime64, list[Rows]] = {day: [] for day in days}
        order = np.lexsort((table.race, table.track_id, table.date))
        cuts = np.flatnonzero(np.diff(table.track_id[order]) | (np.diff(table.date[order]).astype(int) != 0))
        for rows in np.split(order, cuts + 1):
            meetings[table.date[rows[0]]].append(rows)
        return cls(table, bins_of(document, FEATURE_NAMES), days[days >= last], meetings, win)

    def looks(
        self, meetings: Sequence[Rows], rng: np.random.Generator, fault: Fault | None = None
    ) -> Iterator[tuple[int, Counted]]:
        """Yield how many cards there were and what was counted, after each quarter of a round of meetings.

        Up to three meetings are run at the same time, as tracks do.
        """
        counted, table, n_cards = Counted(self.bins, self.bins.no_counts()), self.table, 0
        order = rng.permutation(len(meetings))
        parts = [
            part
            for start in range(0, len(order), 3)
            for quarter in range(QUARTERS)
            for part in [[_quarter(meetings[i], table.race, quarter) for i in order[start : start + 3]]]
        ]
        for hour, part in enumerate(parts):
            for rows in part:
                if not len(rows):
                    continue
                features, races = (
                    table.features[rows].copy(),
                    np.unique(table.race[rows], return_inverse=True),
                )
                facts = _facts(table, rows, races[1])
                if fault:
                    fault(features, facts, rng)
                counted.counts = counted.counts + self.bins.count(features, self.win[rows])
                counted.hours[min(hour, 23)] += facts.sum(axis=0)
                n_cards += len(races[0])
            yield n_cards, counted


def _quarter(rows: Rows, race: NDArray[np.int64], quarter: int) -> Rows:
    of_race = np.unique(race[rows], return_inverse=True)[1]
    return rows[of_race * QUARTERS // (of_race.max() + 1) == quarter]


def _facts(table: RaceTable, rows: Rows, race: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the facts of some races, a row a race, as if the service had answered their cards."""
    facts = np.zeros((race.max() + 1, len(FACTS)), np.int64)
    facts[:, FACTS.index("n_cards")] = 1
    facts[:, FACTS.index("n_runners")] = np.bincount(race)
    is_new = table.n_prior_runs[rows] == 0
    facts[:, FACTS.index("n_unknown_dogs")] = np.bincount(race, is_new)
    facts[:, FACTS.index("n_without_form")] = np.bincount(race, is_new) == np.bincount(race)
    facts[:, FACTS.index("n_priced")] = np.bincount(race, np.isnan(table.market_probability[rows])) == 0
    return facts


class Watch:
    """The alarms of one run of days: which are active, and how many were raised."""

    def __init__(self) -> None:
        self.days: list[DayOfInputs] = []
        self.active: set[str] = set()
        self.raised: list[str] = []

    def look(self, day: int, counted: Counted) -> list[str]:
        """Look at a day as it is so far, and return the alarms that were raised by it."""
        date = np.datetime64("2026-01-05", "D") + day
        today = date.item()
        if not self.days or self.days[-1].date != today:
            self.days = self.days[-28:]
            self.days.append(DayOfInputs(today, 1, "", counted))
        self.days[-1] = DayOfInputs(today, 1, "", counted)
        judged = judge(self.days, today=today)
        found = {finding.key for finding in judged.findings}
        new = sorted(found - self.active)
        self.active = (self.active | found) & (found | judged.unsettled)
        self.raised += new
        return new


def as_they_happened(season: Season, rng: np.random.Generator) -> tuple[int, list[str]]:
    """Return the number of days that were served, and the alarms that they raised."""
    watch = Watch()
    for number, day in enumerate(season.days):
        for _, counted in season.looks(season.meetings[day], rng):
            watch.look(number, counted)
    return len(season.days), watch.raised


def resampled(season: Season, n_weeks: int, rng: np.random.Generator) -> list[list[str]]:
    """Return the alarms of weeks whose meetings are drawn, each, from those of the same weekday."""
    by_weekday: dict[int, list[Rows]] = {}
    sizes: dict[int, list[int]] = {}
    for day in season.days:
        weekday = int(day.astype("datetime64[D]").astype(int)) % 7
        by_weekday.setdefault(weekday, []).extend(season.meetings[day])
        sizes.setdefault(weekday, []).append(len(season.meetings[day]))
    weeks = []
    watch = Watch()
    for week in range(n_weeks):
        watch.raised = []
        for weekday in sorted(by_weekday):
            n = int(rng.choice(sizes[weekday]))
            drawn = rng.choice(len(by_weekday[weekday]), n, replace=False)
            meetings = [by_weekday[weekday][i] for i in drawn]
            for _, counted in season.looks(meetings, rng):
                watch.look(7 * week + weekday, counted)
        weeks.append(watch.raised)
    return weeks


def found(season: Season, fault: Fault, n_times: int, rng: np.random.Generator) -> list[int | None]:
    """Return how many cards of its first day a fault took to be found, by day; None where it was not."""
    took: list[int | None] = []
    for start in rng.choice(len(season.days) - 1, n_times):
        watch = Watch()
        history = [*range(max(start - 20, 0), start)]
        for number, i in enumerate(history):
            *_, (_, counted) = season.looks(season.meetings[season.days[i]], rng)
            watch.look(number, counted)
        looks = season.looks(season.meetings[season.days[start]], rng, fault)
        at = (n_cards for n_cards, counted in looks if watch.look(len(history), counted))
        took.append(next(at, None))
    return took


def faults(season: Season) -> dict[str, Fault]:
    """Return the faults, by what people would call them."""
    column = {name: i for i, name in enumerate(FEATURE_NAMES)}
    of_form = [i for i, feature in enumerate(FEATURES) if feature.group not in ("card", "rated")]
    of_prices = [i for i, feature in enumerate(FEATURES) if "market" in feature.name]
    weights = [i for name, i in column.items() if name.startswith("weight_kg") or name == "weight_kg"]
    middle = season.table.features[len(season.table) // 2]  # a runner's, perhaps unknown
    unknown_track, without = FACTS.index("n_unknown_tracks"), FACTS.index("n_without_form")
    first_state: list[bool] = []

    def frozen(name: str) -> Fault:
        def fault(features: NDArray[np.float32], facts: Rows, rng: np.random.Generator) -> None:
            features[:, column[name]] = middle[column[name]]

        return fault

    def no_prices(features: NDArray[np.float32], facts: Rows, rng: np.random.Generator) -> None:
        gone = np.flatnonzero(rng.random(len(features)) < 0.3)
        features[np.ix_(gone, of_prices)] = np.nan
        facts[:, FACTS.index("n_priced")] = 0

    def pounds(features: NDArray[np.float32], facts: Rows, rng: np.random.Generator) -> None:
        features[:, weights] *= 2.2046

    def new_track(features: NDArray[np.float32], facts: Rows, rng: np.random.Generator) -> None:
        if rng.random() < 1 / 8:  # a quarter of a meeting here, another there
            features[:, column["track"]] = np.nan
            facts[:, unknown_track] = 1

    def no_form(features: NDArray[np.float32], facts: Rows, rng: np.random.Generator) -> None:
        first_state.append(rng.random() < 0.2)  # a state of five
        if first_state[-1]:
            features[:, of_form] = np.nan
            facts[:, without] = 1

    def no_form_at_all(features: NDArray[np.float32], facts: Rows, rng: np.random.Generator) -> None:
        features[:, of_form] = np.nan
        facts[:, without] = 1

    named = ("box", "days_since_last_run", "market_rating", "average_time_at_distance", "weight_kg")
    return {
        **{f"{name} frozen": frozen(name) for name in named if name in column},
        "30 % of the prices missing": no_prices,
        "weights in lb instead of kg": pounds,
        "one track in eight new or renamed": new_track,
        "form missing for a state (a fifth)": no_form,
        "no card has form": no_form_at_all,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.input_alarms", description=__doc__)
    default = os.environ.get("GREYHOUND_DATABASE", "sqlite:///var/greyhound.db")
    parser.add_argument("--database", default=default, help="race database, else $GREYHOUND_DATABASE")
    parser.add_argument("--weeks", type=int, default=200, help="quiet weeks to make")
    parser.add_argument("--times", type=int, default=20, help="days on which each fault is tried")
    chosen = parser.parse_args(arguments)
    season, rng = Season.of(race_table(open_database(chosen.database))), np.random.default_rng(SEED)
    report(season, chosen.weeks, chosen.times, rng)


def report(season: Season, n_weeks: int, n_times: int, rng: np.random.Generator) -> None:
    """Print what a season shows."""
    console, usual = Console(), season.bins.usual
    if usual is None:
        console.print("too few days to know what is usual")
        return
    n_days, raised = as_they_happened(season, rng)
    quiet = Table("quiet days", "weeks", "alarms a week", "weeks with more than one", title="False alarms")
    quiet.add_row("as they happened", f"{n_days / 7:.1f}", f"{len(raised) / n_days * 7:.3f}", "")
    weeks = resampled(season, n_weeks, rng)
    n_more = sum(len(week) > 1 for week in weeks)
    quiet.add_row("other meetings", str(n_weeks), f"{sum(map(len, weeks)) / n_weeks:.3f}", str(n_more))
    console.print(quiet, f"at most {ALARMS_A_WEEK} a week in the mean are meant; usual: {usual.n_days} days")
    for alarm in [*raised, *(alarm for week in weeks for alarm in week)][:10]:
        console.print(f"  {alarm}")
    shown = Table("fault", "found on its first day", "after cards (median)", title="Faults")
    for name, fault in faults(season).items():
        took = found(season, fault, n_times, rng)
        of_found = [n for n in took if n is not None]
        median = f"{np.median(of_found):.0f}" if of_found else "-"
        shown.add_row(name, f"{len(of_found)} of {len(took)}", median)
    console.print(shown)


if __name__ == "__main__":
    main()
