"""`greyhound import`: bring files of races in, list them, take one out again."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from rich.table import Table

from greyhound.card_files import dates_option
from greyhound.options import database_option, json_option, progress_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, say, shown
from greyhound.output.progress import progress
from greyhound.rating import rate_what_is_due
from greyhound.tables.import_report import print_report, problem_kind, summary
from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.files.dates import DateOrder
from racing.importers.import_files import import_betfair, import_form_guides, import_results
from racing.importers.prices import import_prices, remove_prices
from racing.importers.report import FileStatus, ImportReport
from racing.importers.undo import imported_files, undo_import

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
    """Import form guides ("expert form" CSV).

    A form guide is a card whose rows are the dogs' past runs. The format is the "expert form" CSV of
    thedogs.com.au, which other sites offer too.

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
    """Import Betfair's monthly files.

    Both kinds are recognised by their header. The official ones are ANZ_Greyhounds_YYYY_MM.csv; those of the
    model results, with rated prices, are Iggy_Model_V2_Results_YYYY_MM.csv. A race in both is one race.

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
    """Import results in our own columns.

    One row a runner, with every starter of a race.

    \b
    Needed: race_id, date, track, distance_m, runner. Optional: box, finish_position, grade, race_number,
    weight_kg, time_s, first_split_s, margin_lengths, position_in_running, starting_price, bsp, place_bsp,
    rated_price, true_probability.

    finish_position is a place, or a code as results have it: =2 or 2DH in a dead heat; F, DNF, DSQ and their
    like ran and were not placed; SCR, NR, RES did not run. VACANT and nan are empty boxes.

    Example: greyhound import results my-results.csv
    """
    _import(import_results, paths, dates, database, as_json)


@import_group.command("prices")
@click.argument("paths", metavar="PATH...", nargs=-1)
@click.option("--name", metavar="NAME", required=True, help="Name of the price list, e.g. tipster.")
@click.option("--remove", is_flag=True, help="Remove the price list instead, with all its prices.")
@dates_option
@database_option
@json_option
@progress_option
def prices(
    paths: tuple[str, ...], name: str, remove: bool, dates: DateOrder, database: str, as_json: bool
) -> None:
    """Import others' prices as a contestant.

    They get the same figures as a version beside the champion, and never serve: a tipster's, a bot's, a
    bookmaker's, an older model's.

    \b
    Needed: date, track, race_number, runner or box, price or probability. Optional: distance_m, time (when
    it was quoted; the newest of a runner counts). Usual other names of columns are known.

    \b
    Examples:
      greyhound import prices tips.csv --name tipster
      greyhound import prices --name tipster --remove
    """
    if remove and paths:
        raise click.UsageError("--remove takes no files")
    if not remove and not paths:
        raise click.UsageError("name the files of prices, or --remove")
    if not remove:
        _import(partial(import_prices, name=name), paths, dates, database, as_json, "prices")
        return
    n_removed = remove_prices(open_database(database), name)
    if as_json:
        print_json({"name": name, "n_removed": n_removed})
        return
    console.print(f"the price list {shown(name)} is out: {n_removed} prices removed.")


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
    """Take an imported FILE out again.

    FILE is its path, its name or its number in `greyhound import list`.

    Example: greyhound import undo test_form_guide.csv
    """
    _undo(database, file, as_json)


def _import(
    importer: Callable[..., ImportReport],
    paths: tuple[str, ...],
    dates: DateOrder,
    database: str,
    as_json: bool,
    what: str = "runs",
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
            "problem_kinds": [problem_kind(kind) for kind in report.problems.kinds],
            "problems": list(report.problems),
        }
        print_json(summary(report) | details)
    else:
        print_report(report, what)
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
    changed = f"{report.n_runs_changed} are now as other files have them"
    console.print(f"{shown(Path(report.file).name)} is out: {report.n_runs_removed} runs removed, {changed}.")
