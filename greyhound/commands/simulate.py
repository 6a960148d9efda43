"""`greyhound simulate`: fill the database with a season whose true win probabilities are known."""

import datetime as dt
import tempfile
from pathlib import Path

import click

from greyhound.options import Day, database_option, json_option, progress_option
from greyhound.output.console import console
from greyhound.output.printing import print_json
from greyhound.output.progress import progress
from greyhound.rating import rate_what_is_due


@click.command()
@click.option(
    "--races",
    metavar="N",
    type=click.IntRange(1, 200_000),
    default=4_000,
    show_default=True,
    help="How many races.",
)
@click.option(
    "--seed",
    metavar="S",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Which season; the same seed, size and days give the same.",
)
@click.option(
    "--from",
    "start",
    metavar="D",
    type=Day(),
    help="The season's first day; 180 days before its end if left out.",
)
@click.option("--until", metavar="D", type=Day(), help="Its last day; yesterday (UTC) if left out.")
@click.option(
    "--prices",
    "with_prices",
    is_flag=True,
    help="Also the market's prices ten minutes before each off, for `greyhound train --knows prices-10m`.",
)
@click.option(
    "--csv",
    "results_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the season as a results file for `greyhound import results`, and nothing to the database.",
)
@database_option
@json_option
@progress_option
def simulate(
    races: int,
    seed: int,
    start: dt.date | None,
    until: dt.date | None,
    with_prices: bool,
    results_file: Path | None,
    database: str,
    as_json: bool,
) -> None:
    """Fill the database with a simulated season; every race of it is marked as simulated.

    The truth is stored beside each run, so that a model can be compared with it.

    \b
    Example:
      greyhound simulate --races 4000 --seed 7
      greyhound simulate --races 4000 --seed 7 --csv results.csv
    """
    from racing.database.engine import open_database
    from racing.simulation.simulator import simulate_season

    until = until or dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    if start is not None and start > until:
        raise click.UsageError(f"--from must not be after --until, got {start} and {until}")
    if results_file is not None:
        if with_prices:
            raise click.UsageError("a results file has no prices before the off; leave out --prices or --csv")
        _to_file(results_file, races, seed, start, until, as_json)
        return
    engine = open_database(database, create=True)
    with progress("Simulating days") as report:
        season = simulate_season(
            engine,
            n_races=races,
            seed=seed,
            start=start,
            until=until,
            with_prices=with_prices,
            on_progress=report,
        )
    rate_what_is_due(engine)
    if as_json:
        print_json(season)
    elif season.is_new:
        console.print(
            f"SIMULATED: {season.n_races:,} races, {season.n_runs:,} runs of {season.n_dogs:,} made-up dogs, "
            f"{season.first_day} to {season.last_day}.",
            soft_wrap=True,
        )
    else:
        console.print(f"Nothing to do: the {season.name} is in the database already.")


def _to_file(path: Path, races: int, seed: int, start: dt.date | None, until: dt.date, as_json: bool) -> None:
    from racing.database.engine import open_database
    from racing.results_file import write_results
    from racing.simulation.simulator import simulate_season

    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"{path.parent} is not a directory", param_hint="--csv")
    with tempfile.TemporaryDirectory(prefix="greyhound-") as folder:
        engine = open_database(f"sqlite:///{folder}/season.db", create=True)
        with progress("Simulating days") as report:
            season = simulate_season(
                engine, n_races=races, seed=seed, start=start, until=until, on_progress=report
            )
        n_rows = write_results(engine, path)
        engine.dispose()
    if as_json:
        print_json({"file": str(path), "races": season.n_races, "rows": n_rows})
    else:
        size = f"{season.n_races:,} races, {n_rows:,} rows, {season.first_day} to {season.last_day}"
        console.print(f"{path}: SIMULATED, {size}.", soft_wrap=True)
