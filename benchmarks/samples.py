"""All sample files in one fresh database: ``python -m benchmarks.samples ../shared/data``.

Every folder is imported, then everything a second time, which must change nothing. Then each market id must
be one race: none split over several, no two in one. Printed by format: files, rows, runs, races, what was
refused and why, seconds.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.importers.import_files import import_files
from racing.importers.report import FileStatus, ImportReport

# Each Betfair market is one race; a race has one of them, and of place markets one at most.
_SPLIT = """
SELECT count(*) FROM (
  SELECT s.race_key FROM sourcerow s JOIN run r ON r.id = s.run_id
  WHERE s.race_key LIKE 'betfair%' GROUP BY s.race_key HAVING count(DISTINCT r.race_id) > 1) AS split
"""
_MERGED = """
SELECT count(*) FROM (
  SELECT r.race_id FROM sourcerow s JOIN run r ON r.id = s.run_id
  WHERE s.race_key LIKE '{kind}:%' GROUP BY r.race_id HAVING count(DISTINCT s.race_key) > 1) AS merged
"""
_TWICE = """
SELECT count(*) FROM (
  SELECT market_id FROM race WHERE market_id IS NOT NULL GROUP BY market_id HAVING count(*) > 1) AS twice
"""
_N_REASONS_SHOWN = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Import all, print the tables, and return 1 where a check fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.samples", description=__doc__)
    parser.add_argument("folder", type=Path, help="whose folders hold sample files")
    parser.add_argument("--without", nargs="*", default=(), help="folders to leave out")
    parser.add_argument("--database", help="URL; by default a fresh SQLite file")
    chosen = parser.parse_args(arguments)
    console = Console(width=150)
    found = sorted(one for one in chosen.folder.iterdir() if one.is_dir())
    folders = [one for one in found if one.name not in chosen.without]
    with tempfile.TemporaryDirectory() as scratch:
        engine = open_database(chosen.database or f"sqlite:///{scratch}/races.db", create=True)
        first = {folder.name: _imported(engine, folder) for folder in folders}
        console.print(table(first))
        before = counts(engine)
        again = {folder.name: _imported(engine, folder) for folder in folders}
        console.print(table(again))
        faults = checks(engine)
        if counts(engine) != before:
            faults.append("a second import changed something")
        names = ("races", "whole races", "runs", "dogs", "tracks", "prices")
        console.print(", ".join(f"{n:,} {name}" for n, name in zip(before, names, strict=True)))
        console.print("; ".join(faults) or "each market is one race, a second import changes nothing")
        engine.dispose()
    return 1 if faults else 0


def _imported(engine: Engine, folder: Path) -> ImportReport:
    return import_files(engine, [folder])


def counts(engine: Engine) -> tuple[int, ...]:
    """Return how many races, whole ones, runs, dogs, tracks and prices there are."""
    queries = ("race", "race WHERE is_whole", "run", "dog", "track", "runnerprice")
    with engine.connect() as connection:
        return tuple(connection.execute(text(f"SELECT count(*) FROM {one}")).scalar_one() for one in queries)


def checks(engine: Engine) -> list[str]:
    """Return which markets are not one race each."""
    with engine.connect() as connection:
        found = {
            "markets are split over races": text(_SPLIT),
            "races have two win markets": text(_MERGED.format(kind="betfair")),
            "races have two place markets": text(_MERGED.format(kind="betfair-place")),
            "markets are the identity of two races": text(_TWICE),
        }
        numbers = {what: connection.execute(query).scalar_one() for what, query in found.items()}
    return [f"{n} {what}" for what, n in numbers.items() if n]


def table(reports: dict[str, ImportReport]) -> Table:
    """Return what was made of each folder's files, by format."""
    out = Table("folder", "taken for", box=None, padding=(0, 1, 0, 0))
    for head in ("files", "refused", "before", "rows", "new runs", "updated", "races", "rows refused", "s"):
        out.add_column(head, justify="right")
    out.add_column("why")
    for folder, report in reports.items():
        n_before = report.n_files(FileStatus.ALREADY_IMPORTED)
        for total in report.by_format():
            out.add_row(
                folder,
                total.title,
                f"{total.n_files:,}",
                f"{total.n_files_refused:,}",
                f"{n_before:,}" if total.title == "imported before" else "",
                *(f"{n:,}" for n in (total.n_read, total.n_added, total.n_updated, total.n_races)),
                f"{total.n_refused:,}",
                f"{total.seconds:.1f}",
                _reasons(report, total.title),
            )
    return out


def _reasons(report: ImportReport, title: str) -> str:
    """Return why files and rows of a format were refused, the frequent first."""
    of_format = {file.file for file in report.files if (file.taken_as or "of no known format") == title}
    kinds = [kind for kind in report.problems.kinds if kind.first.file in of_format]
    reasons = [f"{kind.n} {kind.what}: {kind.first.reason[:60]}" for kind in kinds]
    files = Counter(
        problem.reason[:60]
        for problem in report.problems
        if problem.what == "file" and problem.file in of_format
    )
    reasons += [f"{n} file: {reason}" for reason, n in files.most_common()]
    more = [f"and {len(reasons) - _N_REASONS_SHOWN} more"] if len(reasons) > _N_REASONS_SHOWN else []
    return "\n".join(reasons[:_N_REASONS_SHOWN] + more)


if __name__ == "__main__":
    started = time.perf_counter()
    code = main()
    Console().print(f"{time.perf_counter() - started:.0f} s in all")
    raise SystemExit(code)
