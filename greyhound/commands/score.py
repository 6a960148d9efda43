"""`greyhound score`: the win probabilities of stored races, written to a file."""

import csv
import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from sqlalchemy import Engine, text

from greyhound.options import Day, database_option, json_option, progress_option, registry_option
from greyhound.output.console import console
from greyhound.output.printing import print_json
from greyhound.output.progress import progress
from greyhound.rating import rate_what_is_due
from greyhound.scoring import MODEL_HELP, ScoredRaces, learnt_warnings, load_version, score_races
from model_registry import get_model_registry
from racing.database.engine import open_database

COLUMNS = (
    "race_id",
    "date",
    "track",
    "race_number",
    "distance_m",
    "runner",
    "box",
    "win_probability",
    "model_version",
)
FORMATS = (".csv", ".parquet")


@click.command()
@click.option("--from", "start", type=Day(), required=True, help="First day.")
@click.option("--to", "until", type=Day(), required=True, help="Last day.")
@click.option("--model", default="champion", show_default=True, help=MODEL_HELP)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="FILE.csv or FILE.parquet; written whole or not at all.",
)
@database_option
@registry_option
@json_option
@progress_option
def score(
    start: dt.date, until: dt.date, model: str, output: Path, database: str, registry: str, as_json: bool
) -> None:
    """Write the win probabilities of every stored race of some days, each as of its date.

    \b
    Example:
      greyhound score --from 2026-03-01 --to 2026-03-31 --output march.csv

    One row a runner: race_id, date, track, race_number, distance_m, runner, box, win_probability,
    model_version. Probabilities sum to 1 over the runners that the database has of the race.
    """
    check_days(start, until)
    if output.suffix not in FORMATS:
        raise click.BadParameter(
            f"a file ends in .csv or .parquet, got {output.name!r}", param_hint="--output"
        )
    if not output.parent.is_dir():
        raise click.BadParameter(f"{output.parent} is not a directory", param_hint="--output")
    engine = open_database(database)
    version, loaded = load_version(get_model_registry(registry), model)
    rate_what_is_due(engine)
    with progress("Features") as report:
        scored = score_races(engine, loaded, start=start, until=until, on_progress=report)
    _write(output, list(_rows(engine, scored, version, start, until)))
    n_races = int(scored.table.race[-1]) + 1
    warnings = learnt_warnings(loaded, start, until)
    if as_json:
        n_runners = len(scored.table)
        document = {"output": str(output), "races": n_races, "runners": n_runners, "model_version": version}
        print_json({**document, "warnings": warnings})
    else:
        for warning in warnings:
            console.print(f"Warning: {warning}", style="yellow", soft_wrap=True)
        console.print(f"{output}: {n_races} races, {len(scored.table)} runners, model version {version}")


def check_days(start: dt.date, until: dt.date) -> None:
    """Refuse days in the wrong order."""
    if until < start:
        raise click.UsageError(f"--to must not be before --from, got {start} to {until}")


def _rows(
    engine: Engine, scored: ScoredRaces, version: int, start: dt.date, until: dt.date
) -> Iterator[tuple[object, ...]]:
    query = text(
        "SELECT run.id, track.name, race.number, dog.name FROM run JOIN race ON race.id = run.race_id "
        "JOIN track ON track.id = race.track_id JOIN dog ON dog.id = run.dog_id "
        "WHERE run.date >= :start AND run.date <= :until"
    )
    with engine.connect() as connection:
        found = connection.execute(query, {"start": start, "until": until})
        names = {run_id: (track, number, dog) for run_id, track, number, dog in found}
    table = scored.table
    columns = (table.run_id, table.race_id, table.date, table.distance_m, table.box, scored.probabilities)
    for run_id, race_id, date, distance_m, box, p in zip(*(c.tolist() for c in columns), strict=True):
        track, number, dog = names[run_id]
        yield race_id, date, track, number, distance_m, dog, box or None, p, version


def _write(path: Path, rows: list[tuple[object, ...]]) -> None:
    """Write beside the file and move over it: a reader never sees half a file."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        if path.suffix == ".parquet":
            import pyarrow as pa  # type: ignore[import-untyped]
            import pyarrow.parquet as pq  # type: ignore[import-untyped]

            columns = zip(*rows, strict=True)
            pq.write_table(pa.table(dict(zip(COLUMNS, map(list, columns), strict=True))), draft)
        else:
            with open(draft, "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows(rows)
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
