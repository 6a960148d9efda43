"""A race database of full size to ask for dogs by name: ``python -m benchmarks.serving.season`` makes it."""

import datetime as dt
import random
from pathlib import Path

from sqlalchemy import Engine, func, select

from racing.database.engine import open_database
from racing.database.tables import Dog, Run
from racing.ratings import update_ratings
from racing.ratings.store import ratings_are_current
from racing.simulation.simulator import simulate_season

N_RACES, SEED = 56_000, 1
LAST_DAY = dt.date(2026, 6, 30)
FIRST_DAY = LAST_DAY - dt.timedelta(days=730)
FILE = Path("var/bench/season.db")


def bench_season(file: Path = FILE, *, n_races: int = N_RACES) -> Engine:
    """Return a rated database of 20,000 dogs and 400,000 runs; made once, in minutes, then reused."""
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = open_database(f"sqlite:///{file}", create=True)
    simulate_season(engine, n_races=n_races, seed=SEED, start=FIRST_DAY, until=LAST_DAY)
    if not ratings_are_current(engine):
        update_ratings(engine)
    return engine


def names_of_dogs(engine: Engine, n_runners: int, *, n_cards: int, seed: int = 1) -> list[list[str]]:
    """Return the names of some cards' runners, drawn from all dogs."""
    with engine.connect() as connection:
        names = list(connection.scalars(select(Dog.name).order_by(Dog.id)))
    draw = random.Random(seed)
    return [draw.sample(names, n_runners) for _ in range(n_cards)]


def main() -> None:
    """Make the database where it is not there yet, and print its size and URL."""
    engine = bench_season()
    with engine.connect() as connection:
        n_dogs, n_runs = (connection.scalar(select(func.count()).select_from(table)) for table in (Dog, Run))
    print(f"{engine.url}: {n_dogs:,} dogs, {n_runs:,} runs")


if __name__ == "__main__":
    main()
