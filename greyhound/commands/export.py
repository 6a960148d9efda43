"""`greyhound export`: fair prices of a day for tools of the exchange, features of any days as Parquet."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path

import click

from greyhound.countries import COUNTRIES
from greyhound.exports.ratings_files import FORMATS, ratings_file
from greyhound.options import (
    Day,
    database_option,
    engine_options,
    engine_scheduler,
    json_option,
    progress_option,
    registry_option,
)
from greyhound.output.printing import print_json, say, shown
from greyhound.output.progress import progress
from greyhound.output.whole_file import write_whole
from racing.domain.errors import NotEnoughHistory


@click.group()
def export() -> None:
    """Write what other tools read.

    \b
    Example:
      greyhound export ratings --date 2026-03-31 --format gruss --out ratings.csv
      greyhound export features --from 2025-01-01 --out features
    """


@export.command()
@click.option("--date", type=Day(), required=True, help="The day of the races.")
@click.option(
    "--format", "format_name", type=click.Choice(list(FORMATS)), required=True, help="Who reads it."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file, written whole or not at all; else it goes to standard output.",
)
@click.option("--model", default="champion", show_default=True, help="`champion`, or a version's number.")
@database_option
@registry_option
@json_option
def ratings(
    date: dt.date,
    format_name: str,
    out: Path | None,
    model: str,
    database: str,
    registry: str,
    as_json: bool,
) -> None:
    """Write the fair prices of a day's stored races, run or to come, each as of that morning.

    A fair price is 1 / win probability: no stake, no margin, and no tick of the exchange's ladder. Runners
    that are scratched have none, nor have reserves until they run. A day from which the version has learnt
    gets a warning. docs/how-to/export-ratings.md says what reads each format, and how.

    \b
    Examples:
      greyhound export ratings --date 2026-03-31 --format betfair --out hub.csv
      greyhound export ratings --date 2026-03-31 --format csv > all.csv
    """
    from greyhound.commands.predict import card_predictor, version_number
    from greyhound.exports.rated_runners import rated_day
    from racing.database.engine import open_database

    if as_json and out is None:
        raise click.UsageError("--json reports on a file: give --out with it")
    if out is not None and not out.parent.is_dir():
        raise click.BadParameter(f"{out.parent} is not a directory", param_hint="--out")
    version = version_number(model)
    engine = open_database(database)
    try:
        day = rated_day(engine, date, card_predictor(version, False, database, registry))
    finally:
        engine.dispose()
    if not day.runners:
        why = "; ".join(day.warnings) or "import its cards first (greyhound import)"
        raise NotEnoughHistory(f"there is no race to rate on {date}: {why}")
    text = ratings_file(format_name, day.runners)
    if out is None:
        say(text.replace("\r\n", "\n").rstrip("\n"))  # a terminal or pipe has lines of its own
    else:
        write_whole(out, text.encode())
    n_races = len({runner.race_id for runner in day.runners})
    report = {
        "output": None if out is None else str(out),
        "format": format_name,
        "races": n_races,
        "runners": len(day.runners),
        "model_version": day.runners[0].model_version,
        "warnings": day.warnings,
    }
    if as_json:
        print_json(report | {"rated": [asdict(runner) for runner in day.runners]})
        return
    for warning in day.warnings:
        say(f"Warning: {shown(warning)}", err=True)
    where = "" if out is None else f"{out}: "
    of_what = f"{n_races} races, {len(day.runners)} runners, model version {report['model_version']}"
    say(f"{shown(where)}{of_what}", err=out is None)


@export.command()
@click.option("--from", "start", type=Day(), help="First day; by default the first there is.")
@click.option("--to", "until", type=Day(), help="Last day; by default the last there is.")
@click.option("--countries", type=COUNTRIES, default=(), metavar="GB,IE", help="Races of these alone.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the months; a month that is there is replaced whole. Workers elsewhere must reach it by "
    "the same path.",
)
@engine_options
@database_option
@json_option
@progress_option
def features(
    start: dt.date | None,
    until: dt.date | None,
    countries: tuple[str, ...],
    out: Path,
    engine_name: str,
    scheduler: str | None,
    database: str,
    as_json: bool,
) -> None:
    """Write the features of every stored race with a result as Parquet, a folder a month.

    One row a runner, as of the morning of its day, the rows of a race together: race_id, run_id, date,
    track_name, won, and a column for each feature (docs/reference/features.md), NaN where unknown.
    `greyhound score --features` reads them, as do Spark, Dask and DuckDB. On Dask the workers find the
    database by GREYHOUND_DATABASE.

    \b
    Examples:
      greyhound export features --out features
      greyhound export features --from 2026-01-01 --to 2026-03-31 --out /shared/features --engine dask
    """
    from greyhound.parquet.features import FeatureSource, months_between, write_month
    from greyhound.parquet.over_months import over_months
    from greyhound.rating import rate_what_is_due
    from racing.database.engine import open_database

    where = engine_scheduler(engine_name, scheduler)
    engine = open_database(database)
    rate_what_is_due(engine)
    months = months_between(engine, start, until)
    out.mkdir(parents=True, exist_ok=True)
    source = FeatureSource(
        database=None if where else database,
        start=start,
        until=until,
        countries=countries,
        folder=str(out.absolute()),
    )
    with progress("Features") as report:
        found = over_months(source, where, write_month, {month: month for month in months}, report)
    written = {month: n_runners for month, n_runners in found.items() if n_runners}
    if not written:
        raise NotEnoughHistory("there is no race with a result on those days")
    n_runners = sum(written.values())
    if as_json:
        print_json({"output": str(out), "months": len(written), "runners": n_runners})
    else:
        say(shown(f"{out}: {len(written)} months, {n_runners} runners"))
