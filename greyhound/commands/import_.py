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
from greyhound.path_group import DEFAULT, PathGroup, refuse_command_among_paths
from greyhound.rating import rate_what_is_due
from greyhound.tables.data_summary import print_short_summary
from greyhound.tables.explained_file import explained_json, print_explained
from greyhound.tables.import_report import print_report, problem_kind, summary
from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.explain import ExplainedFile, explain
from racing.importers.files.archives import expand
from racing.importers.files.dates import DateOrder
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import format_named
from racing.importers.formats.format import Format
from racing.importers.formats.own_columns import EXAMPLE, read_columns
from racing.importers.import_files import (
    import_betfair,
    import_cards,
    import_files,
    import_form_guides,
    import_results,
)
from racing.importers.prices import import_prices, remove_prices
from racing.importers.report import FileStatus, ImportReport
from racing.importers.undo import imported_files, undo_import

_MAX_EXPLAINED = 10


def _paths_given(context: click.Context, _: click.Parameter, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths; where there are none, say how a folder is meant that has the command's name."""
    if not paths and not context.resilient_parsing:
        name = context.info_name or ""
        meant = f"; for the path of that name write ./{name}" if Path(name).exists() else ""
        raise click.UsageError(f"Missing argument 'PATH...'{meant}")
    return paths


_paths = click.argument("paths", metavar="PATH...", nargs=-1, callback=_paths_given)


@click.group("import", cls=PathGroup, invoke_without_command=True)
@click.pass_context
def import_group(context: click.Context) -> None:
    """Import files of races, whatever they are: each is recognised by what it holds.

    PATH is a file, a folder or an archive (.zip, .tar); .gz and .bz2 are opened. A file that is in the
    database already is skipped. The first word is a command where it is one of those below, else a path:
    write ./results for a folder named results.

    \b
    Examples:
      greyhound import downloads/
      greyhound import --explain "results 15 May.csv"
      greyhound import --as gbgb-results may.csv
      greyhound import --columns mine.toml from-my-spreadsheet.csv
      greyhound import list
      greyhound import --undo "Race 3 - BEN - 18 July 2025.csv"
    """
    if context.invoked_subcommand is None:
        say(context.get_help())


@import_group.command(DEFAULT)
@click.argument("paths", metavar="PATH...", nargs=-1)
@click.option(
    "--as",
    "as_format",
    metavar="FORMAT",
    help="The format of all of them, whatever they look like; an unknown name lists those there are.",
)
@click.option(
    "--explain", "is_explained", is_flag=True, help="Show what would be made of them; store nothing."
)
@click.option("--columns", metavar="TOML", help="What the columns of a CSV file of your own mean.")
@click.option("--columns-example", is_flag=True, help="Print a file for --columns to begin with.")
@click.option("--undo", metavar="FILE", help="Take an imported file out again: its path, name or number.")
@dates_option
@database_option
@json_option
@progress_option
def files(
    paths: tuple[str, ...],
    as_format: str | None,
    is_explained: bool,
    columns: str | None,
    columns_example: bool,
    undo: str | None,
    dates: DateOrder,
    database: str,
    as_json: bool,
) -> None:
    """Import files of any format, the same as `greyhound import PATH...`.

    Example: greyhound import files downloads/
    """
    refuse_command_among_paths(paths, import_group)
    if columns_example:
        say(EXAMPLE.rstrip())
        return
    if undo is not None:
        if paths:
            raise click.UsageError("--undo takes one file, and nothing else")
        _undo(database, undo, as_json)
        return
    if not paths:
        raise click.UsageError("name the files or folders to import")
    if as_format and columns:
        raise click.UsageError("--as and --columns both say what the files are; one of them does")
    taken_as = format_named(as_format) if as_format else read_columns(Path(columns)) if columns else None
    if is_explained:
        _explain(paths, taken_as, dates, as_json)
        return
    _import(partial(import_files, taken_as=taken_as), paths, dates, database, as_json)


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


@import_group.command("cards")
@_paths
@dates_option
@database_option
@json_option
@progress_option
def cards(paths: tuple[str, ...], dates: DateOrder, database: str, as_json: bool) -> None:
    """Import races to come.

    Of what files state of a runner the newest counts: scratched or not, box, price. A runner that a newer
    whole card leaves out is scratched; results outrank all of it. A file without a time of its own states it
    when it is imported.

    Taken are form guides whose name tells day, track and race (Race 6 - SAN - 14 March 2026.csv), cards in
    JSON as POST /predict takes them (one, an array, or one a line), official files of Betfair's, recorded
    streams and results in our columns without results. `greyhound import` takes them too, form guides as
    races to come where their name tells yesterday or later.

    Example: greyhound import cards guides/ cards.json
    """
    _import(import_cards, paths, dates, database, as_json)


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
        by_format = {} if what == "prices" else {"by_format": report.by_format()}
        print_json(summary(report) | by_format | details)
    else:
        print_report(report, what)
    if what == "runs" and not as_json:
        print_short_summary(engine)
    if report.files and report.n_files(FileStatus.REFUSED) == len(report.files):
        raise FileRefused(f"none of the {len(report.files)} files was taken")
    if not report.files:
        raise FileRefused(f"there is no CSV file in {', '.join(paths)}, nor another that is read")


def _explain(paths: tuple[str, ...], taken_as: Format | None, dates: DateOrder, as_json: bool) -> None:
    sources = expand(paths)
    explained: list[ExplainedFile] = []
    for source in sources[:_MAX_EXPLAINED]:
        try:
            explained.append(explain(InputFile(source.name, source.content(), dates), taken_as))
        except FileRefused as error:
            explained.append(ExplainedFile(source.name, refusal=str(error)))
    if as_json:
        print_json({"files": [explained_json(one) for one in explained], "n_files": len(sources)})
    else:
        for one in explained:
            print_explained(one)
        if len(sources) > _MAX_EXPLAINED:
            say(f"and {len(sources) - _MAX_EXPLAINED} more files: name those that you want to see")
    if explained and all(one.refusal for one in explained):
        raise FileRefused(f"none of the {len(explained)} files would be taken")
    if not explained:
        raise FileRefused(f"there is no file that is read in {', '.join(paths)}")


def _undo(database: str, file: str, as_json: bool) -> None:
    engine = open_database(database)
    report = undo_import(engine, file)
    rate_what_is_due(engine)
    if as_json:
        print_json(report)
        return
    changed = f"{report.n_runs_changed} are now as other files have them"
    console.print(f"{shown(Path(report.file).name)} is out: {report.n_runs_removed} runs removed, {changed}.")
