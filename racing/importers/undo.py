"""Take an imported file back out: facts that only it has are deleted, those of other files stay."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, delete
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from racing.database.change_log import lock_races
from racing.database.tables import RunnerPrice, SourceFile, SourceRow, WaitingRow
from racing.domain.errors import FileRefused
from racing.importers.entities import forget_unused
from racing.importers.files.csv_file import digest_of
from racing.importers.rebuild import Rebuilt, rebuild
from racing.importers.report import UndoReport


def undo_import(engine: Engine, file: str | Path) -> UndoReport:
    """Take a file out, meant by its number, its path, its name, or its content.

    Raises
    ------
    FileRefused
        If no imported file, or more than one, is meant.
    """
    with engine.begin() as connection:
        lock_races(connection)
        number, name = _meant(connection, str(file))
        out = delete_file(connection, number)
        forget_unused(connection, out.dog_ids, out.track_ids)
        rebuilt = out.rebuilt
        return UndoReport(name, out.n_rows, rebuilt.n_runs_removed, rebuilt.n_runs_changed, rebuilt.first_day)


@dataclass(frozen=True, slots=True)
class DeletedFile:
    """What was deleted with a file, and the dogs and tracks that may now be unused."""

    n_rows: int
    rebuilt: Rebuilt
    dog_ids: set[int]
    track_ids: set[int]


def delete_file(connection: Connection, number: int) -> DeletedFile:
    """Take a file out under :func:`~racing.database.change_log.lock_races`; its dogs and tracks stay."""
    query = sa_select(
        col(SourceRow.bucket), col(SourceRow.run_id), col(SourceRow.dog_id), col(SourceRow.track_id)
    )
    rows = connection.execute(query.where(col(SourceRow.file_id) == number)).all()
    connection.execute(delete(SourceRow).where(col(SourceRow.file_id) == number))
    days = connection.scalars(
        sa_select(col(WaitingRow.date)).where(col(WaitingRow.file_id) == number).distinct()
    ).all()
    connection.execute(delete(WaitingRow).where(col(WaitingRow.file_id) == number))
    connection.execute(delete(RunnerPrice).where(col(RunnerPrice.file_id) == number))
    keys = {key for key, *_ in rows if key is not None}
    rebuilt = rebuild(connection, keys, [], {run_id for _, run_id, *_ in rows}, days)
    connection.execute(delete(SourceFile).where(col(SourceFile.id) == number))
    return DeletedFile(
        len(rows),
        rebuilt,
        {dog_id for _, _, dog_id, _ in rows if dog_id is not None} | rebuilt.left_dog_ids,
        {track_id for *_, track_id in rows if track_id is not None},
    )


def imported_files(engine: Engine) -> list[SourceFile]:
    """Return the files that are in the database, in the order in which they came."""
    with Session(engine) as session:
        return list(session.exec(select(SourceFile).order_by(col(SourceFile.id))))


def _meant(connection: Connection, text: str) -> tuple[int, str]:
    files = connection.execute(
        sa_select(col(SourceFile.id), col(SourceFile.name), col(SourceFile.sha256))
    ).all()
    digest = digest_of(Path(text)) if Path(text).is_file() else None
    found = [(number, name) for number, name, sha256 in files if text == str(number) or sha256 == digest]
    found = found or [(number, name) for number, name, _ in files if name == text]
    found = found or [(number, name) for number, name, _ in files if Path(name).name == text]
    if not found:
        raise FileRefused(f"no imported file is {text!r}; `greyhound import list` shows them")
    if len(found) > 1:
        numbers = ", ".join(str(number) for number, _ in found)
        raise FileRefused(f"{text!r} means {len(found)} imported files ({numbers}); name one by its number")
    number, name = found[0]
    assert number is not None
    return number, name
