"""A small simulated season to learn from, and its stored races as cards."""

import datetime as dt
from pathlib import Path

from sqlalchemy import Engine, select

from racing.database.engine import open_database
from racing.database.tables import Dog, Race, Run, RunnerPrice, Track
from racing.domain.cards import Card, Runner
from racing.importers.prices_before_off import MINUTES_BEFORE
from racing.ratings import update_ratings
from racing.simulation.simulator import simulate_season

LAST_DAY = dt.date(2026, 6, 30)


def make_season(folder: Path, *, n_races: int = 400, seed: int = 7, with_prices: bool = False) -> Engine:
    """Return a rated database with a season that ends on :data:`LAST_DAY`, with or without early prices."""
    engine = open_database(f"sqlite:///{folder / 'season.db'}", create=True)
    simulate_season(engine, n_races=n_races, seed=seed, until=LAST_DAY, with_prices=with_prices)
    update_ratings(engine)
    return engine


def card_of_stored_race(engine: Engine, race_id: int) -> Card:
    """Return a stored race as the card that it once was: names and boxes, no form."""
    run, race, dog, track, price = (
        table.__table__  # type: ignore[attr-defined]
        for table in (Run, Race, Dog, Track, RunnerPrice)
    )
    query = (
        select(
            race.c.date,
            track.c.name.label("track"),
            race.c.distance_m,
            race.c.grade,
            dog.c.name,
            run.c.box,
            run.c.rug,
            run.c.weight_kg,
            run.c.rated_price,
            run.c.early_speed,
            price.c.last.label("price_10m"),
        )
        .join(race, race.c.id == run.c.race_id)
        .join(dog, dog.c.id == run.c.dog_id)
        .join(track, track.c.id == race.c.track_id)
        .outerjoin(
            price,
            (price.c.race_key == race.c.source_key)
            & (price.c.dog_id == run.c.dog_id)
            & (price.c.minutes == MINUTES_BEFORE),
        )
        .where(race.c.id == race_id, run.c.is_scratched.is_(False), run.c.won.is_not(None))
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    runners = tuple(
        Runner(
            name=row.name,
            box=row.box or row.rug,
            weight_kg=row.weight_kg,
            price_10m=row.price_10m,
            rated_price=row.rated_price,
            early_speed=row.early_speed,
        )
        for row in sorted(rows, key=lambda row: row.box or row.rug)
    )
    first = rows[0]
    return Card(
        date=first.date, track=first.track, distance_m=first.distance_m, grade=first.grade, runners=runners
    )
