"""What an import did, as counts and as lines."""

from pathlib import Path
from typing import Any

from rich.table import Table

from greyhound.output.console import console
from greyhound.output.printing import say, shown
from racing.importers.report import FileStatus, FormatTotals, ImportReport, ProblemKind

N_KINDS_SHOWN = 20
N_NAMES_SHOWN = 3


def summary(report: ImportReport) -> dict[str, Any]:
    """Return the counts of an import, as ``--json`` prints them."""
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
        "n_waiting": report.n_waiting,
        "left_out": report.left_out,
    }


def print_report(report: ImportReport, what: str = "runs") -> None:
    """Print the counts, and on standard error what was not taken and why."""
    counts = summary(report)
    n_left_out = report.n_files(FileStatus.LEFT_OUT)
    console.print(
        "files: {n_files_imported} imported, {n_files_already_imported} already there, "
        "{n_files_refused} refused{files_left_out}".format(
            **counts, files_left_out=f", {n_left_out} left out" if n_left_out else ""
        )
    )
    console.print(
        "rows:  {n_read} read; {n_added} {what} added, {n_updated} updated, {n_known} known, "
        "{n_refused} refused{empty}{waiting}".format(
            **counts,
            what=what,
            empty=f", {report.n_empty} of empty boxes" if report.n_empty else "",
            waiting=f", {report.n_waiting} wait for their races" if report.n_waiting else "",
        )
    )
    if report.left_out:
        counted = ", ".join(f"{n:,} {shown(kind)}" for kind, n in report.left_out.items())
        console.print(f"left out, as no races: {counted}")
    if any(file.taken_as for file in report.files):
        console.print(format_table(report.by_format(), what))
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


def format_table(totals: list[FormatTotals], what: str = "runs") -> Table:
    """Return what was made of the files of each format."""
    table = Table("taken for", box=None, padding=(0, 1, 0, 0))
    for head in ("files", "rows", f"{what} added", "updated", "races", "refused", "s"):
        table.add_column(head, justify="right")
    for total in totals:
        n_files = f"{total.n_files:,}"
        if total.n_files_refused:
            n_files += f" ({total.n_files_refused:,} refused)"
        counts = (total.n_read, total.n_added, total.n_updated, total.n_races, total.n_refused)
        table.add_row(total.title, n_files, *(f"{count:,}" for count in counts), f"{total.seconds:.1f}")
    return table


def _notes(report: ImportReport) -> dict[str, list[str]]:
    notes: dict[str, list[str]] = {}
    for file in report.files:
        for note in file.notes:
            notes.setdefault(note, []).append(shown(Path(file.file).name))
    return notes


def problem_kind(kind: ProblemKind) -> dict[str, Any]:
    """Return a kind of problem with its first case, as ``--json`` prints it."""
    first = kind.first
    return {
        "what": kind.what,
        "n": kind.n,
        "n_files": kind.n_files,
        "first_file": first.file,
        "first_line": first.line,
        "first_reason": first.reason,
    }
