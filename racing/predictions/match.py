"""Match predictions with their outcomes, by dog, date and track, as results come, change and go.

A card's race is the stored one of its day and track that shares most dogs with it, half of the card's at
least. The probabilities of those that started are shared again, so that they sum to 1. A race is judged if it
has one winner and if every starter was on the card.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Table, bindparam, select, update

from racing.database.tables import Dog, Race, Run, TrackAlias
from racing.metrics import expected_loss, per_race_log_loss, per_race_top_pick
from racing.predictions.compared import JudgedCard, compare_races
from racing.predictions.latest import OutcomeChange, update_latest
from racing.predictions.tables import RACE, RUNNER
from racing.probabilities import market_probabilities

_RUN, _RACE = Run.__table__, Race.__table__  # type: ignore[attr-defined]
_DOG, _ALIAS = Dog.__table__, TrackAlias.__table__  # type: ignore[attr-defined]

_OF_RACE = ("race_id", "n_starters", "loss", "market_loss", "uniform_loss", "top_pick",
            "expected_loss", "market_expected_loss")  # fmt: skip
_OF_RUNNER = ("run_id", "finish_position", "won", "share", "market_probability")


def match_outcomes(
    connection: Connection, prediction_ids: Sequence[int], results: "dict[dt.date, DayResults] | None" = None
) -> None:
    """Match some predictions with their outcomes, where there are any; their days are locked.

    Which cards count in a score, and the sums over them, change with them. ``results`` are those that were
    loaded before; those of other days are added.
    """
    results = {} if results is None else results
    ids = sorted(prediction_ids)
    tracks: dict[str, int] = dict(connection.execute(select(_ALIAS.c.alias, _ALIAS.c.track_id)).all())
    races = connection.execute(
        select(RACE).where(RACE.c.prediction_id.in_(ids)).order_by(RACE.c.prediction_id)
    ).all()
    runners: dict[int, list[Row[Any]]] = defaultdict(list)
    predicted = select(RUNNER).where(RUNNER.c.prediction_id.in_(ids))
    for runner in connection.execute(predicted.order_by(RUNNER.c.prediction_id, RUNNER.c.box)):
        runners[runner.prediction_id].append(runner)
    judged: list[JudgedCard] = []
    new_races: list[dict[str, Any]] = []
    new_runners: list[dict[str, Any]] = []
    for race in races:
        if race.date not in results:
            results[race.date] = DayResults(connection, race.date)
        day, mine = results[race.date], runners[race.prediction_id]
        race_id = day.race_of(tracks.get(race.track), [runner.dog_key for runner in mine])
        starters = day.starters[race_id] if race_id is not None else {}
        outcome: dict[str, Any] = dict.fromkeys(_OF_RACE)
        outcome |= {"prediction_id": race.prediction_id, "at": race.at}
        outcome["race_id"] = race_id
        started = []
        for runner in mine:
            run = starters.get(runner.dog_key)
            what = dict.fromkeys(_OF_RUNNER) | {"prediction_id": runner.prediction_id, "box": runner.box}
            what["at"] = race.at
            what["win_probability"] = runner.win_probability
            if run is not None:
                what |= {"run_id": run.run_id, "finish_position": run.finish_position, "won": run.won}
                started.append((what, run))
            new_runners.append(what)
        if race_id is not None:
            outcome["n_starters"] = len(starters)
            if len(started) == len(starters) and sum(bool(run.won) for _, run in started) == 1:
                judged.append(JudgedCard(race, outcome, started, mine))
        new_races.append(outcome)
    _judge(judged)
    compare_races(connection, races, judged)
    changed = _update(connection, RACE, ("prediction_id", "at"), _OF_RACE, new_races, races)
    before = [runner for race in races for runner in runners[race.prediction_id]]
    changed |= _update(connection, RUNNER, ("prediction_id", "box", "at"), _OF_RUNNER, new_runners, before)
    update_latest(
        connection,
        [
            OutcomeChange(old, race_now=None if new["loss"] is None else new["race_id"])
            for new, old in zip(new_races, races, strict=True)
            if old.prediction_id in changed
        ],
    )


class DayResults:
    """The results of one day: who ran in which race."""

    def __init__(self, connection: Connection, date: dt.date) -> None:
        query = (
            select(
                _RACE.c.id.label("race_id"),
                _RACE.c.track_id,
                _DOG.c.key,
                _RUN.c.id.label("run_id"),
                _RUN.c.finish_position,
                _RUN.c.won,
                _RUN.c.bsp,
                _RUN.c.starting_price,
            )
            .join(_RUN, _RUN.c.race_id == _RACE.c.id)
            .join(_DOG, _DOG.c.id == _RUN.c.dog_id)
            .where(_RACE.c.date == date, _RUN.c.is_scratched.is_(False), _RUN.c.won.is_not(None))
        )
        self.starters: dict[int, dict[str, Any]] = defaultdict(dict)
        self._races_of: dict[tuple[int, str], list[int]] = defaultdict(list)
        for run in connection.execute(query.order_by(_RUN.c.id)):
            self.starters[run.race_id][run.key] = run
            self._races_of[run.track_id, run.key].append(run.race_id)

    def race_of(self, track_id: int | None, dogs: Iterable[str]) -> int | None:
        """Return the race at a track that has most of the dogs, and half of them at least."""
        if track_id is None:
            return None
        shared = Counter(race for dog in dogs for race in self._races_of.get((track_id, dog), ()))
        if not shared:
            return None
        race, n_shared = min(shared.items(), key=lambda entry: (-entry[1], entry[0]))
        return race if n_shared >= 2 and 2 * n_shared >= len(list(dogs)) else None


def _judge(judged: list[JudgedCard]) -> None:
    """Fill in the losses of races and the starters' shares, with the market's beside them."""
    if not judged:
        return
    flat = [(i, what, run) for i, card in enumerate(judged) for what, run in card.started]
    race = np.array([i for i, _, _ in flat])
    p = np.array([what["win_probability"] for _, what, _ in flat])
    won = np.array([bool(run.won) for _, _, run in flat])
    n_starters = np.bincount(race)
    sums = np.bincount(race, p)
    share = p / np.maximum(sums, 1e-300)[race]
    bsp = market_probabilities(np.array([run.bsp for _, _, run in flat], float), race)
    starting = market_probabilities(np.array([run.starting_price for _, _, run in flat], float), race)
    market = np.where(np.isnan(bsp), starting, bsp)
    loss, market_loss = per_race_log_loss(share, won, race), per_race_log_loss(market, won, race)
    has_market = ~np.isnan(market[np.cumsum(n_starters) - n_starters])
    for_races = {
        "loss": loss,
        "uniform_loss": np.log(n_starters),
        "top_pick": per_race_top_pick(share, won, race),
    }
    for_market = {
        "market_loss": market_loss,
        "expected_loss": expected_loss(market, share, race),
        "market_expected_loss": expected_loss(market, market, race),
    }
    for i, card in enumerate(judged):
        card.outcome.update({name: float(values[i]) for name, values in for_races.items()})
        if has_market[i]:
            card.outcome.update({name: float(values[i]) for name, values in for_market.items()})
    for (_, what, _), own, theirs in zip(flat, share.tolist(), market.tolist(), strict=True):
        what["share"] = own
        what["market_probability"] = None if theirs != theirs else theirs


def _update(
    connection: Connection,
    table: Table,
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    rows: list[dict[str, Any]],
    before: Sequence[Row[Any]],
) -> set[int]:
    """Write the rows whose columns changed, in the order of their keys, and return the cards they are of."""
    changed = [
        {f"_{name}": row[name] for name in (*keys, *columns)}
        for row, old in zip(rows, before, strict=True)
        if any(row[name] != getattr(old, name) for name in columns)
    ]
    if changed:
        statement = update(table).values({name: bindparam(f"_{name}") for name in columns})
        for key in keys:
            statement = statement.where(table.c[key] == bindparam(f"_{key}"))
        connection.execute(statement, changed)
    return {row["_prediction_id"] for row in changed}
