"""`greyhound watch`: a folder whose files are imported as they come."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from greyhound.options import database_option
from greyhound.output.printing import say, shown
from greyhound.parent import end_with_parent, until_stdin_closes_option
from greyhound.rating import rate_what_is_due
from racing.database.engine import open_database
from racing.domain.errors import DatabaseUnavailable, FileRefused
from racing.importers.files.archives import printable
from racing.importers.import_files import import_files
from racing.importers.report import FileReport, FileStatus, ImportReport
from racing.race_day.folder import REFUSED, TAKEN, WatchedFolder, working_alone

_AT_ONCE = 200  # files that share an import
_NICENESS = 10  # the service that runs beside it goes first
_MAX_WAIT_S = 60.0


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--once",
    is_flag=True,
    help="Take what is whole, and end: two looks, an interval apart. For cron.",
)
@click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(0.01, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between two looks; a file is whole when two find it alike.",
)
@database_option
@until_stdin_closes_option
def watch(folder: Path, once: bool, interval_s: float, database: str, has_parent: bool) -> None:
    """Import the files of a FOLDER as they come, until Ctrl-C; the folders below it too.

    Each is recognised as by `greyhound import`: cards of races to come, results, prices. A file that was
    taken is moved to FOLDER/taken, a bad one to FOLDER/refused with NAME.reason.txt beside it. Files are
    taken once they are whole. Ended at any point it loses nothing, and imports nothing twice.

    \b
    Examples:
      greyhound watch incoming/
      greyhound watch incoming/ --once
    """
    if has_parent:
        end_with_parent()
    os.nice(_NICENESS)
    watched = WatchedFolder(folder)
    try:
        watched.prepare()
    except OSError as error:
        raise FileRefused(f"{folder}: {error.strerror}") from error
    stands_by = False
    while True:
        with _working_alone(folder) as is_alone:
            if is_alone:
                _Watcher(watched, database, interval_s).run(once=once)
                return
        if once:
            raise FileRefused(f"{folder}: another `greyhound watch` works on it")
        if not stands_by:
            say(f"another `greyhound watch` works on {shown(str(folder))}; this one stands by")
            stands_by = True
        time.sleep(interval_s)


@contextmanager
def _working_alone(folder: Path) -> Iterator[bool]:
    with ExitStack() as stack:
        try:
            is_alone = stack.enter_context(working_alone(folder))
        except OSError as error:
            raise FileRefused(f"{folder}: {error.strerror}") from error
        yield is_alone


class _Watcher:
    def __init__(self, watched: WatchedFolder, database: str, interval_s: float) -> None:
        self._watched = watched
        self._database = database
        self._interval_s = interval_s
        self._reported: dict[Path, str] = {}
        self._n_taken = self._n_refused = 0

    def run(self, *, once: bool) -> None:
        """Look and import, again and again or once."""
        self._work(self._watched.left_over())
        self._watched.whole()
        while True:
            time.sleep(self._interval_s)
            self._work(self._takeable(self._watched.whole()))
            self._say_unreadable()
            if once:
                break
        if self._n_refused and not self._n_taken:
            raise FileRefused(f"none of the {self._n_refused} files was taken")

    def _takeable(self, paths: Iterable[Path]) -> Iterable[Path]:
        for path in paths:
            try:
                taken = self._watched.take(path)
            except OSError as error:
                self._say_once(path, error.strerror or str(error))
                continue
            if taken is not None:
                yield taken

    def _work(self, paths: Iterable[Path]) -> None:
        some: list[Path] = []
        for path in paths:
            some.append(path)
            if len(some) == _AT_ONCE:
                self._import(some)
                some = []
        if some:
            self._import(some)

    def _import(self, paths: list[Path]) -> None:
        engine = self._in_time(lambda: open_database(self._database, create=True))
        try:
            reports = _reports(self._in_time(lambda: import_files(engine, paths)), paths)
        except Exception as error:  # a file may be wrong in any way, and must stop no other
            if len(paths) > 1:
                for path in paths:
                    self._import([path])
                return
            reports = {paths[0]: (f"it failed: {type(error).__name__}: {error}", [])}
        for path in paths:
            self._put(path, *reports[path])
        self._in_time(lambda: rate_what_is_due(engine))
        engine.dispose()

    def _put(self, path: Path, reason: str | None, files: list[FileReport]) -> None:
        try:
            moved = self._watched.put(path, TAKEN if reason is None else REFUSED, reason)
        except OSError as error:  # what it is was imported; the next watcher tries to move it again
            self._say_once(path, f"it cannot be moved: {error.strerror or error}")
            return
        name = shown(str(moved.relative_to(self._watched.folder)))
        if reason is not None:
            self._n_refused += 1
            say(f"{name}: {shown(' '.join(reason.split()))}", err=True)
            return
        self._n_taken += 1
        counts = {
            what: sum(getattr(file, f"n_{what}") for file in files) for what in ("read", "added", "updated")
        }
        kinds = ", ".join(sorted({file.taken_as for file in files if file.taken_as})) or "imported before"
        say(f"{name}: {kinds}; {counts['read']} read, {counts['added']} added, {counts['updated']} updated")

    def _in_time(self, call: Callable[[], Any]) -> Any:
        """Return what a call returns; while the database is away, try again and say so once."""
        wait_s, was_away = self._interval_s, False
        while True:
            try:
                return call()
            except DatabaseUnavailable as error:
                if not was_away:
                    say(f"the race database is away, so files wait: {error}", err=True)
                was_away = True
                time.sleep(wait_s)
                wait_s = min(2 * wait_s, _MAX_WAIT_S)

    def _say_unreadable(self) -> None:
        for path, why in self._watched.unreadable.items():
            self._say_once(path, why)

    def _say_once(self, path: Path, why: str) -> None:
        if self._reported.get(path) != why:
            self._reported[path] = why
            say(f"{shown(str(path))} is left where it is: {shown(why)}", err=True)


def _reports(report: ImportReport, paths: list[Path]) -> dict[Path, tuple[str | None, list[FileReport]]]:
    """Return of each file why it is refused, if it is, and what became of it or of the files in it.

    An archive of which anything was taken is taken.
    """
    by_name: dict[str, list[FileReport]] = {printable(str(path)): [] for path in paths}
    for file in report.files:
        name = file.file
        while name not in by_name and name not in ("", ".", "/"):
            name = str(Path(name).parent)
        by_name.get(name, []).append(file)
    reasons: dict[str, list[str]] = {}
    for problem in report.problems:
        if problem.what in ("file", "row"):
            where = f"line {problem.line}: " if problem.line else ""
            reasons.setdefault(problem.file, []).append(where + problem.reason)
    found: dict[Path, tuple[str | None, list[FileReport]]] = {}
    for path in paths:
        files = by_name[printable(str(path))]
        is_refused = all(file.status is FileStatus.REFUSED for file in files)
        why = [reason for file in files for reason in reasons.get(file.file, [])]
        found[path] = ("\n".join(why[:200]) or "nothing in it could be read" if is_refused else None, files)
    return found
