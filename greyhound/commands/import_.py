"""`greyhound import`: bring files of races in, list them, take one out again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from greyhound.options import console, database_option, json_option, print_json, progress, progress_option
from greyhound.rating import rate_what_is_due
from racing.database.engine import open_database
from racing.errors import FileRefused
from racing.importers.betfair import import_betfair
from racing.importers.form_guides import import_form_guides
from racing.importers.report import FileStatus, ImportReport
from racing.importers.results import import_results
from racing.importers.undo import imported_files, undo_import

N_PROBLEMS_SHOWN = 20
_COMMAND_LINE = click.core.ParameterSource.COMMANDLINE

_paths = click.argument("paths", metavar="PATH...", nargs=-1, required=True)


@click.group("import", invoke_without_command=True)
@click.option("--undo", metavar="FILE", help="Take an imported file out again: its path, name or number.")
@database_option
@json_option
@progress_option
@click.pass_context
def import_group(context: click.Context, undo: str | None, database: str, as_json: bool) -> None:
    """Import files of races. A file that is in the database already is skipped; folders are read whole.

    \b
    Examples:
      greyhound import betfair downloads/betfair
      greyhound import form-guides guides/ "Race 3 - BEN - 18 July 2025.csv"
      greyhound import list
      greyhound import --undo "Race 3 - BEN - 18 July 2025.csv"
    """
    if context.invoked_subcommand is not None:
        given = [name for name in context.params if context.get_parameter_source(name) == _COMMAND_LINE]
        if given:
            raise click.UsageError(f"options stand after {context.invoked_subcommand!r}, not before it")
        return
    if undo is None:
        click.echo(context.get_help())
        return
    _undo(database, undo, as_json)


@import_group.command("form-guides")
@_paths
@database_option
@json_option
@progress_option
def form_guides(paths: tuple[str, ...], database: str, as_json: bool) -> None:
    """Import form guides, "expert form" CSV files: cards whose rows are the dogs' past runs.

    Example: greyhound import form-guides guides/
    """
    _import(import_form_guides, paths, database, as_json)


@import_group.command("betfair")
@_paths
@database_option
@json_option
@progress_option
def betfair(paths: tuple[str, ...], database: str, as_json: bool) -> None:
    """Import Betfair's monthly files, Iggy_Model_V2_Results_YYYY_MM.csv or ANZ_Greyhounds_YYYY_MM.csv.

    Example: greyhound import betfair Iggy_Model_V2_Results_2025_07.csv
    """
    _import(import_betfair, paths, database, as_json)


@import_group.command("results")
@_paths
@database_option
@json_option
@progress_option
def results(paths: tuple[str, ...], database: str, as_json: bool) -> None:
    """Import results in our own columns, one row a runner, every starter of a race.

    \b
    Needed: race_id, date, track, distance_m, runner. Optional: box, finish_position, grade, race_number,
    weight_kg, time_s, first_split_s, margin_lengths, position_in_running, starting_price, bsp, place_bsp,
    rated_price, true_probability.

    Example: greyhound import results my-results.csv
    """
    _import(import_results, paths, database, as_json)


@import_group.command("list")
@database_option
@json_option
def list_files(database: str, as_json: bool) -> None:
    """List the imported files with their counts.

    Example: greyhound import list
    """
    engine = open_database(database)
    files = imported_files(engine)
    if as_json:
        print_json({"files": [file.model_dump() for file in files]})
        return
    table = Table("no", "file", "kind", "read", "added", "updated", "refused", box=None)
    for file in files:
        counts = (file.n_read, file.n_added, file.n_updated, file.n_refused)
        table.add_row(str(file.id), Path(file.name).name, file.kind, *map(str, counts))
    console.print(table)


@import_group.command("undo")
@click.argument("file")
@database_option
@json_option
@progress_option
def undo_command(file: str, database: str, as_json: bool) -> None:
    """Take an imported FILE out again, meant by its path, its name or its number in the list.

    Example: greyhound import undo test_form_guide.csv
    """
    _undo(database, file, as_json)


def _import(
    importer: Callable[..., ImportReport], paths: tuple[str, ...], database: str, as_json: bool
) -> None:
    if not any(Path(path).exists() for path in paths):
        raise FileRefused(f"there is no file or folder {', '.join(paths)}")
    engine = open_database(database, create=True)
    with progress("importing files") as show:
        report = importer(engine, paths, on_progress=show)
    rate_what_is_due(engine)
    if as_json:
        print_json(_summary(report) | {"files": report.files, "problems": report.problems})
    else:
        _print(report)
    if report.files and report.n_files(FileStatus.REFUSED) == len(report.files):
        raise FileRefused(f"none of the {len(report.files)} files was taken")
    if not report.files:
        raise FileRefused(f"there is no CSV file in {', '.join(paths)}")


def _undo(database: str, file: str, as_json: bool) -> None:
    engine = open_database(database)
    report = undo_import(engine, file)
    rate_what_is_due(engine)
    if as_json:
        print_json(report)
        return
    kept = f"{report.n_runs_changed} are now as other files tell them"
    console.print(f"{Path(report.file).name} is out: {report.n_runs_removed} runs removed, {kept}.")


def _summary(report: ImportReport) -> dict[str, Any]:
    return {
        "n_files_imported": report.n_files(FileStatus.IMPORTED),
        "n_files_already_imported": report.n_files(FileStatus.ALREADY_IMPORTED),
        "n_files_refused": report.n_files(FileStatus.REFUSED),
        "n_read": report.n_read,
        "n_added": report.n_added,
        "n_updated": report.n_updated,
        "n_known": report.n_known,
        "n_refused": report.n_refused,
    }


def _print(report: ImportReport) -> None:
    counts = _summary(report)
    console.print(
        "files: {n_files_imported} imported, {n_files_already_imported} already there, "
        "{n_files_refused} refused".format(**counts)
    )
    console.print(
        "rows:  {n_read} read; {n_added} runs added, {n_updated} updated, {n_known} known, "
        "{n_refused} refused".format(**counts)
    )
    files = [problem for problem in report.problems if problem.what == "file"]
    for problem in files:
        click.echo(f"  {Path(problem.file).name}: {problem.reason}", err=True)
    # Rows first: they cost more than single facts.
    others = sorted((p for p in report.problems if p.what != "file"), key=lambda p: p.what != "row")
    for problem in others[:N_PROBLEMS_SHOWN]:
        click.echo(f"  {problem}", err=True)
    if len(others) > N_PROBLEMS_SHOWN:
        click.echo(f"  and {len(others) - N_PROBLEMS_SHOWN} more rows and facts (--json lists all)", err=True)
