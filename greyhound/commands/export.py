"""`greyhound export ratings`: fair prices of a day's races, in what tools for the exchange read."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path

import click

from greyhound.exports.ratings_files import FORMATS, ratings_file
from greyhound.options import Day, database_option, json_option, registry_option
from greyhound.output.printing import print_json, say, shown
from greyhound.output.whole_file import write_whole
from racing.domain.errors import NotEnoughHistory


@click.group()
def export() -> None:
    """Write what other tools read.

    \b
    Example:
      greyhound export ratings --date 2026-03-31 --format gruss --out ratings.csv
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
