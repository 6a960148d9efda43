"""Write the records of files: each file whole or not at all, each date and distance resolved anew."""

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from sqlalchemy import Connection, Engine, insert, select, update
from sqlmodel import col

from racing.database.bulk import insert_rows, large_cache
from racing.database.change_log import lock_races
from racing.database.tables import SourceFile, WaitingRow
from racing.domain.errors import FileRefused
from racing.domain.regions import BRITISH, LAST_TRAP, country_of
from racing.importers.entities import EntityResolver, forget_unused
from racing.importers.files.archives import Source, expand
from racing.importers.files.dates import DateOrder
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import ANY_CARDS, BETFAIR_MODEL, FORM_GUIDE, RESULTS, format_of
from racing.importers.formats.format import Format
from racing.importers.ids import next_id, release_ids
from racing.importers.rebuild import rebuild
from racing.importers.records.source_record import ParsedFile, SourceRecord
from racing.importers.records.statements import state_time
from racing.importers.report import FileReport, FileStatus, ImportReport, Problem
from racing.importers.runner_prices import write_prices
from racing.importers.undo import DeletedFile, delete_file
from racing.importers.waiting.rejoin import Rejoined

OnProgress = Callable[[int, int], None]
"""``on_progress(n_done, n_total)``: files, of all files."""


class Options(TypedDict, total=False):
    """What every import takes by name; see :func:`import_files`."""

    on_progress: OnProgress | None
    dates: DateOrder


# Form guides have 40 rows a file: many share a transaction, so that their keys are resolved together.
BATCH_ROWS = 25_000


def import_betfair(engine: Engine, paths: Iterable[str | Path], **options: Unpack[Options]) -> ImportReport:
    """Import Betfair's monthly files of both kinds; see :func:`import_files`."""
    return import_files(engine, paths, BETFAIR_MODEL, **options)


def import_form_guides(
    engine: Engine, paths: Iterable[str | Path], **options: Unpack[Options]
) -> ImportReport:
    """Import form guides; see :func:`import_files`."""
    return import_files(engine, paths, FORM_GUIDE, **options)


def import_results(engine: Engine, paths: Iterable[str | Path], **options: Unpack[Options]) -> ImportReport:
    """Import results files; see :func:`import_files`."""
    return import_files(engine, paths, RESULTS, **options)


def import_cards(engine: Engine, paths: Iterable[str | Path], **options: Unpack[Options]) -> ImportReport:
    """Import races to come: form guides with the race that their name tells, cards, and others' files."""
    return import_files(engine, paths, ANY_CARDS, **options)


def import_files(
    engine: Engine,
    paths: Iterable[str | Path],
    taken_as: Format | None = None,
    on_progress: OnProgress | None = None,
    dates: DateOrder = DateOrder.DEFAULT,
) -> ImportReport:
    """Import files, every file below a folder, or those in a zip; each is recognised by itself.

    One that is refused, or was imported before, leaves the others alone.

    ``taken_as`` is the format of all of them, whatever they look like.

    ``dates`` is the order of day and month in those of their dates that can be read in two ways.

    Interrupted, it leaves whole files only; started again, it goes on where it stopped.
    """
    report = ImportReport()
    files = expand(paths)
    with engine.connect() as connection:
        known = set(connection.scalars(select(col(SourceFile.sha256))))
    batch: list[tuple[ParsedFile, FileReport]] = []
    n_rows = 0
    for i, source in enumerate(files):
        entry = FileReport(source.name, FileStatus.IMPORTED)
        report.files.append(entry)
        began = time.perf_counter()
        parsed = _parsed(source, dates, taken_as, known, entry, report)
        entry.seconds = time.perf_counter() - began
        if parsed is not None:
            known.add(parsed.sha256)
            batch.append((parsed, entry))
            # A price has a quarter of a record's columns.
            n_rows += len(parsed.records) + len(parsed.waiting) + len(parsed.prices) // 4
        if n_rows >= BATCH_ROWS or i == len(files) - 1:
            began = time.perf_counter()
            _write(engine, batch, report)
            _share_seconds(batch, time.perf_counter() - began)
            batch, n_rows = [], 0
        if on_progress:
            on_progress(i + 1, len(files))
    return report


def import_replacing(engine: Engine, files: Sequence[InputFile], taken_as: Format) -> ImportReport:
    """Import files that were read already; one of the same name as an earlier one takes its place.

    All of them in one transaction: readers see all of it or nothing.
    """
    report = ImportReport()
    batch: list[tuple[ParsedFile, FileReport]] = []
    for file in files:
        entry = FileReport(file.name, FileStatus.IMPORTED)
        report.files.append(entry)
        parsed = _parsed_of(file, taken_as, entry, report)
        if parsed is not None:
            batch.append((parsed, entry))
    _write(engine, batch, report, is_replacing=True)
    return report


def _parsed(
    source: Source,
    dates: DateOrder,
    taken_as: Format | None,
    known: set[str],
    entry: FileReport,
    report: ImportReport,
) -> ParsedFile | None:
    try:
        file = InputFile(source.name, source.content(), dates)
    except FileRefused as error:
        entry.status = FileStatus.REFUSED
        report.problems.add(Problem(source.name, 0, "file", str(error)))
        return None
    if file.sha256 in known:
        entry.status = FileStatus.ALREADY_IMPORTED
        return None
    return _parsed_of(file, taken_as, entry, report)


def _parsed_of(
    file: InputFile, taken_as: Format | None, entry: FileReport, report: ImportReport
) -> ParsedFile | None:
    try:
        kind = taken_as or format_of(file)
        entry.taken_as = kind.title
        parsed = kind.read(file)
        entry.notes = (*parsed.notes, *_odd_traps(parsed))
        report.problems.add_all(parsed.problems)
        entry.n_read, entry.n_refused, entry.n_empty = parsed.n_read, parsed.n_refused, parsed.n_empty
        entry.left_out = parsed.left_out
        if parsed.left_out and not parsed.n_read:
            entry.status = FileStatus.LEFT_OUT
            return None
        if not parsed.records and not parsed.waiting:
            reason = f"none of its {parsed.n_read} rows could be taken" if parsed.n_read else "it has no rows"
            if parsed.n_read and parsed.n_empty == parsed.n_read:
                reason = f"all of its {parsed.n_read} rows are of empty boxes"
            raise FileRefused(reason)
    except FileRefused as error:
        entry.status = FileStatus.REFUSED
        report.problems.add(Problem(file.name, 0, "file", str(error)))
        return None
    report.note_races(entry.taken_as, {record["race_key"] for record in parsed.records})
    return parsed


def _odd_traps(parsed: ParsedFile) -> Iterator[str]:
    """Yield a note where starters stand in traps that Britain and Ireland have not raced from for long."""
    odd = [
        record
        for record in parsed.records
        if (record["box"] or 0) > LAST_TRAP and not record["is_scratched"]
        if country_of(record["track"]) in BRITISH
    ]
    if odd:
        tracks = ", ".join(sorted({record["track"] for record in odd})[:3])
        yield (
            f"{len(odd):,} starters in traps 7 and up at {tracks}: in Britain and Ireland races have six "
            "traps, see whether the track is another"
        )


def _share_seconds(batch: list[tuple[ParsedFile, FileReport]], seconds: float) -> None:
    """Give each file its share, by its rows, of the time that writing all of them took."""
    n_rows = [len(parsed.records) + len(parsed.waiting) for parsed, _ in batch]
    for (_, entry), n in zip(batch, n_rows, strict=True):
        entry.seconds += seconds * n / max(sum(n_rows), 1)


def _write(
    engine: Engine,
    batch: list[tuple[ParsedFile, FileReport]],
    report: ImportReport,
    *,
    is_replacing: bool = False,
) -> None:
    if not batch:
        return
    with engine.begin() as connection, large_cache(connection):
        lock_races(connection)
        # Another import may have brought the same file since this one began.
        here = set(connection.scalars(select(col(SourceFile.sha256))))
        batch = [pair for pair in batch if not _is_there(pair, here)]
        replaced = _delete_namesakes(connection, [parsed.name for parsed, _ in batch] if is_replacing else [])
        rows: list[SourceRecord] = []
        waiting: list[SourceRecord] = []
        file_id = next_id(connection, SourceFile)
        written: list[tuple[int, ParsedFile, FileReport]] = []
        for parsed, entry in batch:
            state_time(parsed.records)
            for record in (*parsed.records, *parsed.waiting):
                record["file_id"] = file_id
            rows += parsed.records
            waiting += parsed.waiting
            written.append((file_id, parsed, entry))
            file_id += 1
        if not written:
            return
        EntityResolver(connection).give_ids(rows)
        connection.execute(insert(SourceFile), [_file_row(number, parsed) for number, parsed, _ in written])
        _insert_waiting(connection, waiting)
        days = {row["date"] for row in waiting}
        rebuilt = rebuild(connection, {row["bucket"] for row in rows}, rows, days=days)
        for number, parsed, entry in written:
            dog_ids = {record["dog_key"]: record["dog_id"] for record in parsed.records}
            write_prices(connection, number, parsed.prices, dog_ids)
            entry.n_added, entry.n_updated = rebuilt.n_added[number], rebuilt.n_updated[number]
            entry.n_waiting = rebuilt.rejoined.n_waiting[number]
            n_taken = len(parsed.records) + len({row["line"] for row in parsed.waiting}) - entry.n_waiting
            entry.n_known = max(n_taken + parsed.n_repeated - entry.n_added - entry.n_updated, 0)
            counts = {"n_added": entry.n_added, "n_updated": entry.n_updated}
            connection.execute(update(SourceFile).where(col(SourceFile.id) == number).values(**counts))
        _report_contradictions(connection, rebuilt.rejoined, report)
        forget_unused(connection, rebuilt.left_dog_ids, ())
        for out in replaced:
            forget_unused(connection, out.dog_ids, out.track_ids)
        release_ids(connection)
    if rebuilt.first_day is not None:
        report.first_day = min(report.first_day or rebuilt.first_day, rebuilt.first_day)


def _insert_waiting(connection: Connection, rows: list[SourceRecord]) -> None:
    number = next_id(connection, WaitingRow)
    for i, row in enumerate(rows):
        row["id"] = number + i
    insert_rows(connection, WaitingRow.__table__, rows)  # type: ignore[attr-defined]


def _report_contradictions(connection: Connection, rejoined: Rejoined, report: ImportReport) -> None:
    """Report the waiting rows that contradict the race that they name, of whichever file they are."""
    numbers = {file_id for file_id, *_ in rejoined.contradictions}
    query = select(col(SourceFile.id), col(SourceFile.name)).where(col(SourceFile.id).in_(numbers))
    names = dict(connection.execute(query).all()) if numbers else {}
    for file_id, line, reason in rejoined.contradictions:
        report.problems.add(Problem(names[file_id], line, "row", reason))


def _is_there(pair: tuple[ParsedFile, FileReport], here: set[str]) -> bool:
    parsed, entry = pair
    if parsed.sha256 not in here:
        return False
    entry.status = FileStatus.ALREADY_IMPORTED
    return True


def _delete_namesakes(connection: Connection, names: list[str]) -> list[DeletedFile]:
    query = select(col(SourceFile.id)).where(col(SourceFile.name).in_(names))
    return [
        delete_file(connection, number) for number in connection.scalars(query).all() if number is not None
    ]


def _file_row(number: int, parsed: ParsedFile) -> dict[str, object]:
    return {
        "id": number,
        "name": parsed.name,
        "kind": parsed.kind,
        "sha256": parsed.sha256,
        "imported_at": dt.datetime.now(dt.UTC),
        "n_read": parsed.n_read,
        "n_added": 0,
        "n_updated": 0,
        "n_refused": parsed.n_refused,
    }
