"""`greyhound score`: the win probabilities of stored races, written to a file."""

import csv
import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from sqlalchemy import Engine, text

from greyhound.options import (
    Day,
    database_option,
    engine_options,
    engine_scheduler,
    json_option,
    progress_option,
    registry_option,
)
from greyhound.output.console import console
from greyhound.output.printing import print_json
from greyhound.output.progress import progress
from greyhound.rating import rate_what_is_due
from greyhound.scoring import (
    MODEL_HELP,
    ScoredRaces,
    learnt_warnings,
    load_version,
    score_races,
    version_path,
)
from model_registry import get_model_registry
from model_registry.artifact import read_sealed
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
@click.option("--from", "start", type=Day(), help="First day.")
@click.option("--to", "until", type=Day(), help="Last day.")
@click.option(
    "--features",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Score what `greyhound export features` wrote there, instead of stored races of some days.",
)
@click.option("--model", default="champion", show_default=True, help=MODEL_HELP)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="FILE.csv or FILE.parquet, written whole or not at all; with --features a folder of months.",
)
@engine_options
@database_option
@registry_option
@json_option
@progress_option
def score(
    start: dt.date | None,
    until: dt.date | None,
    features: Path | None,
    model: str,
    output: Path,
    engine_name: str,
    scheduler: str | None,
    database: str,
    registry: str,
    as_json: bool,
) -> None:
    """Write the win probabilities of every stored race of some days, each as of its date.

    \b
    Examples:
      greyhound score --from 2026-03-01 --to 2026-03-31 --output march.csv
      greyhound score --features features --output scored

    One row a runner: race_id, date, track, race_number, distance_m, runner, box, win_probability,
    model_version. Probabilities sum to 1 over the runners that the database has of the race.
    """
    if features is not None:
        if start or until:
            raise click.UsageError("--features scores all months of a folder: give no --from and no --to")
        where = engine_scheduler(engine_name, scheduler)
        _score_features(features, output, model, where, registry, as_json=as_json)
        return
    if start is None or until is None:
        raise click.UsageError("give --from and --to, or --features FOLDER")
    if engine_name != "local":
        raise click.UsageError("--engine is of --features: stored races are scored here")
    check_days(start, until)
    if output.is_dir():
        raise click.BadParameter(f"{output} is a directory", param_hint="--output")
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


def _score_features(
    features: Path, output: Path, model: str, scheduler: str | None, registry: str, *, as_json: bool
) -> None:
    from greyhound.parquet.over_months import over_months
    from greyhound.parquet.scores import ModelFiles, months_in, score_month

    if output.is_file() or output.resolve() == features.resolve():
        raise click.BadParameter("is a folder of its own with --features", param_hint="--output")
    months = months_in(features)
    version, path = version_path(get_model_registry(registry), model)
    files, digest = read_sealed(path)
    with progress("Scoring") as report:
        found = over_months(
            ModelFiles(version=version, files=files, digest=digest),
            scheduler,
            score_month,
            {month: (str(features.absolute()), str(output.absolute()), month) for month in months},
            report,
        )
    n_races = sum(month.n_races for month in found.values())
    n_runners = sum(month.n_runners for month in found.values())
    if as_json:
        counted = {"months": len(found), "races": n_races, "runners": n_runners}
        print_json({"output": str(output), **counted, "model_version": version})
    else:
        console.print(
            f"{output}: {len(found)} months, {n_races} races, {n_runners} runners, model version {version}"
        )


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
