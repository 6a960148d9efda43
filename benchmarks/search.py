"""How long searches, a dog's page and form lines take: ``python -m benchmarks.search --database URL``.

The database is one of yours; it is read only. ``--dogs N`` fills a file of its own with N made-up dogs and
measures the search on them. Times are of a core (process time), so that other work on the machine matters
little; on PostgreSQL, whose work is another process's, they are by the clock.
"""

import random
import string
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy import Engine, func, insert, select

from racing.database.engine import open_database
from racing.database.tables import Dog, Race, Run
from racing.dogs.form_lines import race_form
from racing.dogs.profile import dog_profile
from racing.dogs.search import find_dogs
from racing.dogs.tracks import find_tracks

_DOG, _RUN, _RACE = Dog.__table__, Run.__table__, Race.__table__  # type: ignore[attr-defined]
_N_TIMES = 9


@click.command(help=__doc__)
@click.option("--database", required=True, metavar="URL")
@click.option("--dogs", "n_dogs", type=int, help="Measure the search on so many made-up dogs too.")
def main(database: str, n_dogs: int | None) -> None:
    """Print a line a question."""
    engine = open_database(database)
    with engine.connect() as connection:
        counts = {t.name: connection.scalar(select(func.count()).select_from(t)) for t in (_DOG, _RUN, _RACE)}
        n = func.count()
        most = connection.execute(
            select(_RUN.c.dog_id, n).group_by(_RUN.c.dog_id).order_by(n.desc()).limit(1)
        ).one()
        name = connection.scalar(select(_DOG.c.name).where(_DOG.c.id == most.dog_id)) or ""
        race = connection.scalar(select(_RACE.c.id).order_by(_RACE.c.date.desc()).limit(1)) or 0
    print(", ".join(f"{n:,} {what}s" for what, n in counts.items()))
    measure_search(engine, name)
    took("all tracks", engine, lambda: find_tracks(engine))
    took("a track by name", engine, lambda: find_tracks(engine, "wentworth"))
    took(f"page of a dog with {most[1]} runs", engine, lambda: dog_profile(engine, most.dog_id))
    took("form lines of a race", engine, lambda: race_form(engine, race))
    if n_dogs:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{n_dogs:,} made-up dogs")
            measure_search(*made_up(Path(folder), n_dogs))


def measure_search(engine: Engine, name: str) -> None:
    """Print how long it takes to find a dog, many dogs, and one that was meant."""
    misspelt = f"{name[:4]}qq{name[4:]}"
    took(f"dogs {name!r}", engine, lambda: find_dogs(engine, name))
    took("dogs 'a'", engine, lambda: find_dogs(engine, "a"))
    took(f"did you mean, of {misspelt!r}", engine, lambda: find_dogs(engine, misspelt))


def took(what: str, engine: Engine, ask: Callable[[], object]) -> None:
    """Print the median and the most of some times."""
    clock = time.process_time if engine.dialect.name == "sqlite" else time.perf_counter
    ask()
    times = []
    for _ in range(_N_TIMES):
        start = clock()
        ask()
        times.append(1000 * (clock() - start))
    times.sort()
    print(f"{what:45s} median {times[_N_TIMES // 2]:6.1f} ms, most {times[-1]:6.1f} ms")


def made_up(folder: Path, n_dogs: int) -> tuple[Engine, str]:
    """Return a database of dogs with names of two words and no runs, and one of the names."""
    draw = random.Random(7)
    parts = ["".join(draw.choices(string.ascii_uppercase, k=draw.randint(3, 8))) for _ in range(n_dogs // 10)]
    names = sorted({f"{draw.choice(parts)} {draw.choice(parts)}" for _ in range(2 * n_dogs)})[:n_dogs]
    engine = open_database(f"sqlite:///{folder / 'dogs.db'}", create=True)
    rows = {name.replace(" ", ""): {"key": name.replace(" ", ""), "name": name} for name in names}
    with engine.begin() as connection:
        connection.execute(insert(_DOG), list(rows.values()))
    return engine, names[n_dogs // 2]


if __name__ == "__main__":
    main()
