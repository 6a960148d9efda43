"""Does a better last run make a dog likelier to win? A lost last run is turned into a win by a head.

Everything that a model reads is worked out anew: the features, the numbers of single runs, and what each
rating makes of the run, which moves by as much as its measurement does (its level is of the rivals, and
stays). The price at which the dog started in that run stays too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from model_registry.artifact import LoadedModel
from racing.domain.runs import Floats, Form
from racing.features import INPUT_NAMES, need_price_before_off, race_table
from racing.race_table import RaceTable
from racing.ratings.catalog import RATINGS
from racing.ratings.performances import names_of
from training.data.whole_races import rows_with_prices_before_off

Ints = NDArray[np.int64]

MUCH_WORSE = 0.05
"""Of its odds, by how much less a dog may have after a better run: what one tree's step may do."""
N_WORST = 10

_HEAD_LENGTHS = 0.2
_LENGTH_S = 0.07


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A dog's win probability before and after its last run was turned into a win."""

    race_id: int
    run_id: int
    before: float
    after: float

    @property
    def odds_ratio(self) -> float:
        """Return by what its odds are multiplied."""
        return float(_odds(self.after) / _odds(self.before))


@dataclass(frozen=True, slots=True, kw_only=True)
class Monotone:
    """What a better last run does to one dog of each race."""

    n_races: int
    median_odds_ratio: float
    share_worse: float
    """Of the races, in which the dog's odds shrank at all."""
    share_much_worse: float
    """In which they shrank by more than :data:`MUCH_WORSE`."""
    share_much_worse_by_runs: Mapping[str, float]
    """The same, by how many runs of the dog are known."""
    worst: tuple[Moved, ...]
    """The dogs that lost most, at most :data:`N_WORST`, the worst first."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as a JSON object."""
        return {
            "n_races": self.n_races,
            "median_odds_ratio": self.median_odds_ratio,
            "share_worse": self.share_worse,
            "share_much_worse": self.share_much_worse,
            "share_much_worse_by_runs": dict(self.share_much_worse_by_runs),
            "worst": [
                {
                    "race_id": moved.race_id,
                    "run_id": moved.run_id,
                    "before": moved.before,
                    "after": moved.after,
                    "odds_ratio": moved.odds_ratio,
                }
                for moved in self.worst
            ],
        }


def check_last_run(model: LoadedModel, engine: Engine, *, seed: int = 0, **days: Any) -> Monotone:
    """Turn the last run of one dog of each race into a win, and say what the model makes of it.

    The dog is drawn among those that did not win their last run; races without one do not count. ``days`` and
    countries are those of :func:`racing.features.race_table`.
    """
    with_runs = model.spec.n_run_features > 0
    lost: list[NDArray[np.bool_]] = []

    def looked_at(run_id: Ints, form: Form) -> Form:
        lost.append(form.won[:, 0] == 0)
        return form

    before = race_table(engine, with_runs=with_runs, change_form=looked_at, **days)
    can_be_judged = np.concatenate(lost)
    if need_price_before_off(model.spec.features):
        can_be_judged &= rows_with_prices_before_off(before)
    rows = _one_of_each_race(before.race, can_be_judged, seed)
    chosen = before.run_id[rows]

    def won_by_a_head(run_id: Ints, form: Form) -> Form:
        return with_last_run_won(form, np.isin(run_id, chosen))

    after = race_table(engine, with_runs=with_runs, change_form=won_by_a_head, **days)
    then, now = (_probabilities(model, table)[rows] for table in (before, after))
    return judged(then, now, before.take(rows))


def with_last_run_won(form: Form, rows: NDArray[np.bool_]) -> Form:
    """Return the form where the newest run of some entries was won by a head, ``rows`` of shape (n,)."""
    newest = np.zeros(form.known.shape, np.bool_)
    newest[:, 0] = rows
    newest &= form.known & (form["won"] == 0)
    behind = np.where(np.isnan(form["margin_lengths"]), 0.0, form["margin_lengths"]) + _HEAD_LENGTHS
    now = {
        "finish_position": np.where(newest, 1.0, form["finish_position"]),
        "won": np.where(newest, 1.0, form["won"]),
        "placed": np.where(newest, 1.0, form["placed"]),
        "margin_lengths": _where_known(newest, form["margin_lengths"], _HEAD_LENGTHS),
        "time_s": _where_known(newest, form["time_s"], form["time_s"] - _LENGTH_S * behind),
    }
    changed = _Changed(form, now)
    return _Changed(form, now | _performances(form, changed, newest))


class _Changed(Form):
    """A form of which some columns are others."""

    def __init__(self, form: Form, columns: Mapping[str, Floats]) -> None:
        self._columns = columns
        self._form = form
        self.known = form.known

    def __getitem__(self, column: str) -> Floats:
        return self._columns[column] if column in self._columns else self._form[column]

    def __getattr__(self, column: str) -> Floats:
        return self[column]


def _performances(form: Form, now: Form, newest: NDArray[np.bool_]) -> dict[str, Floats]:
    """Return what each rating makes of the runs now: as much more as its measurement is."""
    columns: dict[str, Floats] = {}
    for rating in RATINGS:
        gain = np.where(newest, rating.measure(now) - rating.measure(form), 0.0)
        for name in names_of(rating)[0]:
            columns[name] = form[name] + np.nan_to_num(gain)
        if rating.shift is not None:
            shift = rating.shift(now) - rating.shift(form)
            columns[f"{rating.name}_shift"] = form[f"{rating.name}_shift"] + np.where(newest, shift, 0.0)
    return columns


def judged(before: Floats, after: Floats, dogs: RaceTable) -> Monotone:
    """Return what became of one dog a race, given its probabilities; the table has a row a dog."""
    ratio = _odds(after) / _odds(before)
    is_much_worse = ratio < 1 - MUCH_WORSE
    runs: dict[str, Callable[[Ints], NDArray[np.bool_]]] = {
        "1": lambda n: n == 1,
        "2 to 5": lambda n: (n >= 2) & (n <= 5),
        "6 and more": lambda n: n >= 6,
    }
    groups = {name: holds(dogs.n_prior_runs) for name, holds in runs.items()}
    worst = [row for row in np.argsort(ratio, kind="stable")[:N_WORST] if ratio[row] < 1]
    return Monotone(
        n_races=len(ratio),
        median_odds_ratio=float(np.median(ratio)) if len(ratio) else float("nan"),
        share_worse=_share(ratio < 1),
        share_much_worse=_share(is_much_worse),
        share_much_worse_by_runs={
            name: _share(is_much_worse[group]) for name, group in groups.items() if group.any()
        },
        worst=tuple(
            Moved(
                race_id=int(dogs.race_id[row]),
                run_id=int(dogs.run_id[row]),
                before=float(before[row]),
                after=float(after[row]),
            )
            for row in worst
        ),
    )


def _one_of_each_race(race: Ints, is_candidate: NDArray[np.bool_], seed: int) -> Ints:
    order = np.random.default_rng(seed).permutation(len(race))
    order = order[is_candidate[order]]
    _, first = np.unique(race[order], return_index=True)
    return np.sort(order[first])


def _probabilities(model: LoadedModel, table: RaceTable) -> Floats:
    inputs = table.inputs(len(INPUT_NAMES))
    columns = model.spec.columns(INPUT_NAMES[: inputs.shape[1]])
    return model.probabilities(inputs[:, columns], table.race)


def _where_known(rows: NDArray[np.bool_], values: Floats, now: Floats | float) -> Floats:
    return np.where(rows & ~np.isnan(values), now, values)


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def _odds(probability: Any) -> Any:
    return probability / (1 - probability)
