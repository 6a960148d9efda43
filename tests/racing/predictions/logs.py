"""A log of cards about a few races, their results, and the score of it added up card by card."""

import datetime as dt
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from sqlalchemy import Engine, insert, select, update

from racing.database.change_log import note_changes
from racing.database.experiment_tables import PriceList
from racing.database.tables import Run
from racing.database.upsert import insert_missing
from racing.domain.names import name_key
from racing.domain.tracks import known_track
from racing.importers.results_api import RaceResult, import_race_results
from racing.importers.undo import imported_files, undo_import
from racing.predictions.prediction_filter import PredictionFilter
from racing.predictions.prune import prune
from racing.predictions.reading import read_unread
from racing.predictions.tables import PREDICTION, PRICE, RACE, RUNNER, STORED
from racing.predictions.update import update_outcomes

_RUN = Run.__table__  # type: ignore[attr-defined]
DAYS = [dt.date(2026, 3, day) for day in (1, 2, 8)]
TRACKS = ("Sandown Park", "The Meadows", "Nowhere Else")
N_DOGS = 5


@dataclass(frozen=True)
class Meeting:
    """Which race of which day and track."""

    day: dt.date
    track: str
    number: int

    @property
    def dogs(self) -> list[str]:
        """Return the names of its runners."""
        return [f"Dog {self.track} {self.day:%d} {self.number} {box}" for box in range(1, N_DOGS + 1)]


RACES = [Meeting(day, track, number) for day in DAYS for track in TRACKS for number in (1, 2)]


def log_cards(engine: Engine, random: Random, races: Iterable[Meeting], writer: str) -> None:
    """Log a card about each race as the service does; nobody has read them."""
    rows = []
    for number, race in enumerate(races):
        dogs = race.dogs if random.random() < 0.8 else race.dogs[1:]  # some cannot be judged
        chances = [random.random() + 0.01 for _ in dogs]
        runners = [
            {"name": name, "box": box, "win_probability": p / sum(chances), "place_probability": 0.5}
            for box, (name, p) in enumerate(zip(dogs, chances, strict=True), start=1)
        ]
        card = {"date": race.day.isoformat(), "track": race.track, "distance_m": 515}
        late = dt.timedelta(days=3 if random.random() < 0.3 else 0)
        rows.append(
            {
                "writer": writer,
                "number": number,
                "request_id": f"{writer}-{number}",
                "model_version": random.randint(1, 3),
                "digest": "0" * 64,
                "at": dt.datetime.combine(race.day, dt.time(1)) + late,
                "card": json.dumps(card | {"race_number": race.number}),
                "answer": json.dumps({"runners": runners}),
                "experiment_id": random.choice((None, 1, 2)),
                "shadows": _shadows(random, len(runners)),
            }
        )
    with engine.begin() as connection:
        connection.execute(insert(PREDICTION), rows)


def _shadows(random: Random, n_runners: int) -> str | None:
    """Return what versions 8 and 9 would have answered, or one of them, or none."""
    versions = random.choice(([], [8], [9, 8]))
    chances = {version: [random.random() + 0.01 for _ in range(n_runners)] for version in versions}
    shadows = [
        {"version": version, "digest": "0" * 64, "win_probability": [p / sum(some) for p in some]}
        for version, some in chances.items()
    ]
    return json.dumps(shadows) if shadows else None


def bring_prices(engine: Engine, random: Random, races: Iterable[Meeting], name: str) -> None:
    """Store somebody's prices of some races, of the dogs or of their boxes."""
    rows = [
        {
            "name": name,
            "date": race.day,
            "track": name_key(known_track(race.track) or race.track),
            "race_number": race.number,
            "runner": name_key(dog) if race.number == 1 else f"box:{box}",
            "probability": random.random() + 0.01,
        }
        for race in races
        for box, dog in enumerate(race.dogs, start=1)
    ]
    now = dt.datetime(2026, 3, 1)
    with engine.begin() as connection:
        insert_missing(connection, PriceList.__table__, [{"name": name, "created_at": now}])  # type: ignore[attr-defined]
        insert_missing(connection, PRICE, rows)
        note_changes(connection, {race.day for race in races})


def bring_results(engine: Engine, random: Random, races: Iterable[Meeting]) -> None:
    """Store how races came out, or how they came out after all."""
    results = []
    for race in races:
        order = random.sample(race.dogs, random.choice((N_DOGS, N_DOGS, N_DOGS - 1)))
        is_priced = random.random() < 0.7
        runners = [
            {"runner": name, "box": race.dogs.index(name) + 1, "finish_position": place}
            | ({"bsp": 1.5 + 2 * random.random() * place} if is_priced else {})
            for place, name in enumerate(order, start=1)
        ]
        results.append(
            RaceResult(
                date=race.day, track=race.track, distance_m=515, race_number=race.number, runners=runners
            )
        )
    import_race_results(engine, results)


def correct_a_result(engine: Engine, random: Random) -> None:
    """Give a stored race another winner; it stays the race that it is."""
    with engine.begin() as connection:
        races = list(connection.execute(select(STORED.c.id, STORED.c.date)))
        if races:
            race = random.choice(races)
            runs = list(connection.scalars(select(_RUN.c.id).where(_RUN.c.race_id == race.id)))
            winner = random.choice(runs)
            is_winner = {"won": _RUN.c.id == winner, "bsp": 1.5 + 3 * random.random()}
            connection.execute(update(_RUN).where(_RUN.c.race_id == race.id).values(**is_winner))
            note_changes(connection, [race.date])


def change(engine: Engine, random: Random, step: int) -> None:
    """Do one thing of those that change what a score counts."""
    some = random.sample(RACES, random.randint(1, 6))
    what = random.choice(
        ("log", "log", "late", "results", "correct", "correct", "update", "undo", "prune", "prices")
    )
    if what in ("log", "late"):
        log_cards(engine, random, some * random.randint(1, 3), f"w{step}")
        if what == "log":
            read_unread(engine, n_at_once=random.choice((2, 50)))
    elif what == "results":
        bring_results(engine, random, some)
        if random.random() < 0.7:
            update_outcomes(engine)
    elif what == "correct":
        correct_a_result(engine, random)
        update_outcomes(engine)
    elif what == "prices":
        bring_prices(engine, random, some, random.choice(("tipster", "bot")))
    elif what == "undo":
        if files := imported_files(engine):
            undo_import(engine, str(random.choice(files).id))
            update_outcomes(engine)
    elif what == "prune" and random.random() < 0.5:
        prune(engine, random.choice(DAYS) + dt.timedelta(days=random.randint(0, 2)))
    else:
        update_outcomes(engine)


def counted_from_scratch(
    engine: Engine, wanted: PredictionFilter, *, with_late: bool, by_version: bool
) -> list[Any]:
    """Return the cards that count, found by looking at every card."""
    last: dict[Any, Any] = {}
    with engine.connect() as connection:
        rows = connection.execute(select(RACE).order_by(RACE.c.prediction_id)).all()
    for card in rows:
        if card.loss is None or not (card.is_ahead or with_late):
            continue
        if wanted.version in (None, card.model_version):
            last[card.date, card.race_id, card.model_version if by_version else None] = card
    return [
        card
        for card in last.values()
        if (wanted.since is None or card.date >= wanted.since)
        and (wanted.until is None or card.date <= wanted.until)
        and (wanted.track_key in (None, card.track))
    ]


def score_from_scratch(cards: list[Any]) -> dict[str, float]:
    """Return what :class:`racing.predictions.score.Score` says of cards, added up one by one."""
    priced = [card for card in cards if card.market_loss is not None]

    def mean(values: list[float]) -> float:
        return sum(values) / len(values) if values else math.nan

    return {
        "n_races": len(cards),
        "log_loss": mean([card.loss for card in cards]),
        "uniform_log_loss": mean([card.uniform_loss for card in cards]),
        "top_pick_rate": mean([card.top_pick for card in cards]),
        "n_with_market": len(priced),
        "log_loss_with_market": mean([card.loss for card in priced]),
        "market_log_loss": mean([card.market_loss for card in priced]),
        "behind_market": mean([card.loss - card.market_loss for card in priced]),
    }


def starters_from_scratch(engine: Engine, cards: list[Any]) -> tuple[int, float, int]:
    """Return how many starters cards have, the sum of their shares, and how many won."""
    ids = {card.prediction_id for card in cards}
    with engine.connect() as connection:
        rows = [row for row in connection.execute(select(RUNNER)) if row.prediction_id in ids]
    started = [row for row in rows if row.share is not None]
    return len(started), sum(row.share for row in started), sum(bool(row.won) for row in started)
