"""Files of every source, imported into PostgreSQL and taken out again, leave what they leave in SQLite."""

import gzip
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select
from sqlmodel import col

from racing.database.engine import open_database
from racing.database.tables import Dog, Race, Run, RunnerPrice, SourceFile, Track, WaitingRow
from racing.importers.import_files import import_files
from racing.importers.records.source_record import FACTS
from racing.importers.undo import imported_files, undo_import
from tests.racing.importers.builders import write

_DAYS = ("2025-05-10", "2025-11-25", "2025-12-11")
_QUERIES: dict[str, Any] = {
    "races": select(
        Race.date, Track.name, Track.zone, Race.distance_m, Race.number, Race.grade, Race.off_at,
        Race.going_s, Race.market_id, Race.source_key, Race.is_whole,
    ).join(Track, col(Track.id) == col(Race.track_id)),
    "runs": select(Dog.key, Race.market_id, Race.source_key, *(getattr(Run, name) for name in FACTS))
    .join(Dog, col(Dog.id) == col(Run.dog_id))
    .join(Race, col(Race.id) == col(Run.race_id)),
    "dogs": select(Dog.key, Dog.name, Dog.sex, Dog.sire, Dog.dam, Dog.born),
    "prices": select(
        Dog.key, RunnerPrice.race_key, RunnerPrice.minutes, RunnerPrice.at, RunnerPrice.back, RunnerPrice.lay,
        RunnerPrice.last, RunnerPrice.volume,
    ).join(Dog, col(Dog.id) == col(RunnerPrice.dog_id)),
    "waiting": select(
        WaitingRow.track, WaitingRow.race_number, WaitingRow.rug, WaitingRow.is_joined, WaitingRow.reason
    ),
    "files": select(SourceFile.name, SourceFile.n_read, SourceFile.n_added, SourceFile.n_updated),
}  # fmt: skip


def everything(engine: Engine) -> dict[str, list[str]]:
    with engine.connect() as connection:
        return {
            what: sorted(repr(tuple(row)) for row in connection.execute(query))
            for what, query in _QUERIES.items()
        }


def samples(folder: Path, real_data: Path) -> list[Path]:
    """Return files of each source: of the large ones the first lines, or days that others tell of as well."""
    some = [real_data / "recorder_results", real_data / "betfair_official"]
    some += sorted((real_data / "betfair_stream").iterdir())[:4]
    some += [real_data / "box_results" / f"results_{day}.csv" for day in _DAYS[1:]]
    for large in (*(real_data / "gbgb").glob("*.csv"), *(real_data / "betfair_sp").iterdir()):
        path = folder / large.name
        path.write_bytes(b"".join(large.read_bytes().splitlines(keepends=True)[:200]))
        some.append(path)
    for day in _DAYS:
        packed = real_data / "betfair" / f"ANZ_Greyhounds_{day[:7].replace('-', '_')}.csv.gz"
        with gzip.open(packed, "rt", encoding="utf-8") as file:
            header, *lines = file
        rows = [line for line in lines if line.startswith(day)]
        some.append(write(folder, f"{day}.csv", header.rstrip(), *map(str.rstrip, rows)))
    return some


def test_files_of_every_source_come_and_go_as_in_sqlite(
    tmp_path: Path, real_data: Path, postgresql_url: str
) -> None:
    lite = open_database(f"sqlite:///{tmp_path / 'db'}", create=True)
    server = open_database(postgresql_url, create=True)
    paths = samples(tmp_path, real_data)
    for engine in (lite, server):
        import_files(engine, paths)
    full = everything(lite)
    assert full == everything(server)
    assert all(full.values())
    for file in imported_files(lite):
        for engine in (lite, server):
            undo_import(engine, file.name)
        left = everything(lite)
        assert left == everything(server), file.name
    assert not any(left.values())
    server.dispose()
