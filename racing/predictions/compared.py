"""Compare the contestants of each judged card: challengers in shadow and price lists, with what was answered.

Derived like the outcomes themselves, in their transaction: results that come late, twice or corrected, and
prices that come after the results, leave the rows that they would have left had they come right at first.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, delete, insert, select

from racing.comparison.gains import race_gains
from racing.domain.track_time import is_over
from racing.predictions.shadows import read_shadows
from racing.predictions.tables import COMPARED, PRICE

PRICES = "prices:"
"""How the contestant of a price list begins; its name follows."""
_VALUES = (
    "champion_version",
    "experiment_id",
    "date",
    "track",
    "race_id",
    "gain_by_outcome",
    "gain_by_market",
)


@dataclass(frozen=True, slots=True)
class JudgedCard:
    """A logged card whose race is judged."""

    race: Row[Any]
    """Its row of ``predictedrace``, as it was before."""
    outcome: dict[str, Any]
    """Its new outcome, by column."""
    started: list[tuple[dict[str, Any], Row[Any]]]
    """Those that started, in the order of their boxes: the new outcome by column, and the stored run."""
    runners: Sequence[Row[Any]]
    """All that were to start, whether or not they did: rows of ``predictedrunner`` in the order of boxes."""


def compare_races(connection: Connection, races: Sequence[Row[Any]], judged: Sequence[JudgedCard]) -> None:
    """Bring the comparisons of some cards up to date; their days are locked, and the judged ones judged."""
    ids = [race.prediction_id for race in races]
    query = select(COMPARED).where(COMPARED.c.prediction_id.in_(ids))
    before = {
        (row.prediction_id, row.contestant): tuple(getattr(row, name) for name in _VALUES)
        for row in connection.execute(query)
    }
    rows = _compared(judged, _PriceBook(connection, {card.race.date for card in judged}))
    after = {(row["prediction_id"], row["contestant"]): row for row in rows}
    changed = [row for key, row in after.items() if before.get(key) != tuple(row[name] for name in _VALUES)]
    gone = sorted(
        {key[0] for key in before.keys() - after.keys()} | {row["prediction_id"] for row in changed}
    )
    if gone:
        connection.execute(delete(COMPARED).where(COMPARED.c.prediction_id.in_(gone)))
        changed = [row for key, row in after.items() if key[0] in set(gone)]
    if changed:
        connection.execute(insert(COMPARED), changed)


def _compared(judged: Sequence[JudgedCard], prices: "_PriceBook") -> list[dict[str, Any]]:
    """Return the comparisons of cards: one for each contestant that rates every starter."""
    pairs = [
        (card, contestant, p)
        for card in judged
        for contestant, p in (*_of_shadows(card), *prices.of_card(card))
        if len(p) == len(card.started) and np.isfinite(p).all() and p.sum() > 0
    ]
    if not pairs:
        return []
    sizes = [len(p) for _, _, p in pairs]
    race = np.repeat(np.arange(len(pairs)), sizes)
    starters = [what | {"_won": run.won} for card, _, _ in pairs for what, run in card.started]
    gains = race_gains(
        np.array([what["share"] for what in starters], float),
        np.concatenate([p for _, _, p in pairs]),
        np.array([bool(what["_won"]) for what in starters]),
        np.array([what["market_probability"] for what in starters], float),
        race,
    )
    return [
        {
            "prediction_id": card.race.prediction_id,
            "contestant": contestant,
            "at": card.race.at,
            "champion_version": card.race.model_version,
            "experiment_id": card.race.experiment_id,
            "date": card.race.date,
            "track": card.race.track,
            "race_id": card.outcome["race_id"],
            "gain_by_outcome": by_outcome,
            "gain_by_market": None if by_market != by_market else by_market,
        }
        for (card, contestant, _), by_outcome, by_market in zip(
            pairs, gains.by_outcome.tolist(), gains.by_market.tolist(), strict=True
        )
    ]


def _of_shadows(card: JudgedCard) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield each version in shadow, and its probabilities of those that started."""
    shadows = read_shadows(card.race.shadows)
    if not shadows:
        return
    # those of the card that did not start after all are left out, and the others share the race
    boxes = {what["box"] for what, _ in card.started}
    is_started = np.array([runner.box in boxes for runner in card.runners])
    for version, p in shadows.items():
        if len(p) == len(card.runners):
            yield version, p[is_started]


class _PriceBook:
    """The price lists' probabilities of the races of some days."""

    def __init__(self, connection: Connection, days: set[dt.date]) -> None:
        self._races: dict[tuple[dt.date, str], dict[tuple[str, int], dict[str, float]]] = defaultdict(dict)
        if not days:
            return
        for row in connection.execute(select(PRICE).where(PRICE.c.date.in_(days))):
            if row.at is not None and is_over(row.date, row.track, row.at.replace(tzinfo=dt.UTC)):
                continue
            race = self._races[row.date, row.track].setdefault((row.name, row.race_number), {})
            race[row.runner] = row.probability

    def of_card(self, card: JudgedCard) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Yield each price list that prices every starter of a card, and its probabilities."""
        started = {what["box"] for what, _ in card.started}
        runners = [runner for runner in card.runners if runner.box in started]
        for (name, number), race in self._races.get((card.race.date, card.race.track), {}).items():
            if number == card.race.race_number:
                p = [race.get(runner.dog_key, race.get(f"box:{runner.box}")) for runner in runners]
            elif card.race.race_number is None:
                p = [race.get(runner.dog_key) for runner in runners]
            else:
                continue
            if None not in p:
                yield f"{PRICES}{name}", np.array(p, float)
