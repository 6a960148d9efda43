"""`greyhound import`: bring files of races in, list them, take one out again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from greyhound.console import console
from greyhound.options import (
    database_option,
    dates_option,
    json_option,
    print_json,
    progress,
    progress_option,
)
from greyhound.printing import say, shown
from greyhound.rating import rate_what_is_due
from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.files.dates import DateOrder
from racing.importers.import_files import import_betfair, import_form_guides, import_results
from racing.importers.report import FileStatus, ImportReport, ProblemKind
from racing.importers.undo import imported_files, undo_import

N_KINDS_SHOWN = 20
N_NAMES_SHOWN = 3
_COMMAND_LINE = click.core.ParameterSource.COMMANDLINE

_paths = click.argument("paths", metavar="PATH...", nargs=-1, required=True)


@click.group("import", invoke_without_command=True)
@click.option("--undo", metavar="FILE", help="Take an imported file out again: its path, name or number.")
@database_option
@json_option
@progress_option
@click.pass_context
def import_group(context: click.Context, undo: str | None, database: str, as_json: bool) -> None:
    """Import files of races: CSV, also packed as .zip, .gz or .bz2.

    A file that is in the database already is skipped; folders and zips are read whole.

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
        say(context.get_help())
        return
    _undo(database, undo, as_json)


@import_group.command("form-guides")
@_paths
@dates_option
@database_option
@json_option
@progress_option
def form_guides(paths: tuple[str, ...], dates: DateOrder, database: str, as_json: bool) -> None:
    """Import form guides, "expert form" CSV files: cards whose rows are the dogs' past runs.

    The format is the "expert form" CSV of thedogs.com.au, which other sites offer too.

    Example: greyhound import form-guides guides/
    """
    _import(import_form_guides, paths, dates, database, as_json)


@import_group.command("betfair")
@_paths
@dates_option
@database_option
@json_option
@progress_option
def betfair(paths: tuple[str, ...], dates: DateOrder, database: str, as_json: bool) -> None:
    """Import Betfair's monthly files of either kind, told apart by their header.

    The official ones are ANZ_Greyhounds_YYYY_MM.csv; those of the model results, with rated prices, are
    Iggy_Model_V2_Results_YYYY_MM.csv. A race that is in both is one race.

    Example: greyhound import betfair Iggy_Model_V2_Results_2025_07.csv ANZ_Greyhounds_2025_07.zip
    """
    _import(import_betfair, paths, dates, database, as_json)


@import_group.command("results")
@_paths
@dates_option
@database_option
@json_option
@progress_option
def results(paths: tuple[str, ...], dates: DateOrder, database: str, as_json: bool) -> None:
    """Import results in our own columns, one row a runner, every starter of a race.

    \b
    Needed: race_id, date, track, distance_m, runner. Optional: box, finish_position, grade, race_number,
    weight_kg, time_s, first_split_s, margin_lengths, position_in_running, starting_price, bsp, place_bsp,
    rated_price, true_probability.

    finish_position is a place, or a code as results have it: =2 or 2DH in a dead heat; F, DNF, DSQ and their
    like ran and were not placed; SCR, NR, RES did not run. VACANT and nan are empty boxes.

    Example: greyhound import results my-results.csv
    """
    _import(import_results, paths, dates, database, as_json)


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
        table.add_row(str(file.id), shown(Path(file.name).name), file.kind, *map(str, counts))
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
    importer: Callable[..., ImportReport],
    paths: tuple[str, ...],
    dates: DateOrder,
    database: str,
    as_json: bool,
) -> None:
    if not any(Path(path).exists() for path in paths):
        raise FileRefused(f"there is no file or folder {', '.join(paths)}")
    engine = open_database(database, create=True)
    with progress("importing files") as show:
        report = importer(engine, paths, on_progress=show, dates=dates)
    rate_what_is_due(engine)
    if as_json:
        details = {
            "files": report.files,
            "n_problems": report.problems.n,
            "problem_kinds": [_kind(kind) for kind in report.problems.kinds],
            "problems": list(report.problems),
        }
        print_json(_summary(report) | details)
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
    console.print(f"{shown(Path(report.file).name)} is out: {report.n_runs_removed} runs removed, {kept}.")


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
        "n_empty": report.n_empty,
    }


def _print(report: ImportReport) -> None:
    counts = _summary(report)
    console.print(
        "files: {n_files_imported} imported, {n_files_already_imported} already there, "
        "{n_files_refused} refused".format(**counts)
    )
    console.print(
        "rows:  {n_read} read; {n_added} runs added, {n_updated} updated, {n_known} known, "
        "{n_refused} refused{empty}".format(
            **counts, empty=f", {report.n_empty} of empty boxes" if report.n_empty else ""
        )
    )
    for note, names in _notes(report).items():
        more = f" and {len(names) - N_NAMES_SHOWN} more files" if len(names) > N_NAMES_SHOWN else ""
        say(f"  {', '.join(names[:N_NAMES_SHOWN])}{more}: {note}", err=True)
    for problem in report.problems:
        if problem.what == "file":
            say(f"  {shown(Path(problem.file).name)}: {shown(problem.reason)}", err=True)
    kinds = report.problems.kinds
    for kind in kinds[:N_KINDS_SHOWN]:
        say(f"  {shown(str(kind))}", err=True)
    if len(kinds) > N_KINDS_SHOWN:
        say(f"  and {len(kinds) - N_KINDS_SHOWN} more rules that were broken (--json lists all)", err=True)


def _notes(report: ImportReport) -> dict[str, list[str]]:
    notes: dict[str, list[str]] = {}
    for file in report.files:
        for note in file.notes:
            notes.setdefault(note, []).append(shown(Path(file.file).name))
    return notes


def _kind(kind: ProblemKind) -> dict[str, Any]:
    first = kind.first
    return {
        "what": kind.what,
        "n": kind.n,
        "n_files": kind.n_files,
        "first_file": first.file,
        "first_line": first.line,
        "first_reason": first.reason,
    }
