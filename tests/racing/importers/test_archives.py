"""Zips, packed files and what is no CSV at all: opened within bounds, or named for what they are."""

import bz2
import gzip
import io
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.files import archives
from racing.importers.files.archives import expand
from racing.importers.files.csv_file import csv_of, read_csv
from racing.importers.import_files import import_results
from racing.importers.report import FileStatus, ImportReport
from tests.racing.importers.builders import RESULTS_HEADER, results_row

CSV = f"{RESULTS_HEADER}\n{results_row('Alpha', 1, '1')}\n".encode()
OTHER = f"{RESULTS_HEADER}\n{results_row('Bravo', 1, '1', date='2025-07-04')}\n".encode()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db'}", create=True)


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def reasons(report: ImportReport) -> dict[str, str]:
    return {Path(problem.file).name: problem.reason for problem in report.problems}


def test_each_csv_of_a_zip_is_a_file_of_its_own(tmp_path: Path, engine: Engine) -> None:
    path = make_zip(
        tmp_path / "a.zip", {"b/two.csv": OTHER, "one.csv": CSV, "read me.txt": b"x", "d/.x.csv": b"x"}
    )
    report = import_results(engine, [path])
    assert [file.file for file in report.files] == [f"{path}/b/two.csv", f"{path}/one.csv"]
    assert (report.n_added, report.problems.n) == (2, 0)
    assert import_results(engine, [path]).n_files(FileStatus.ALREADY_IMPORTED) == 2


def test_a_file_is_the_same_in_a_zip_and_beside_it(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "in").mkdir()
    make_zip(tmp_path / "in" / "a.zip", {"one.csv": CSV})
    (tmp_path / "in" / "one.csv").write_bytes(CSV)
    report = import_results(engine, [tmp_path / "in"])
    assert [file.status for file in report.files] == [FileStatus.IMPORTED, FileStatus.ALREADY_IMPORTED]


def test_a_refused_member_is_named_with_its_archive_and_leaves_the_others(
    tmp_path: Path, engine: Engine
) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"one.csv": CSV}).read_bytes()
    path = make_zip(tmp_path / "a.zip", {"in.zip": inner, "one.csv": CSV, "page.csv": b"<html>"})
    report = import_results(engine, [path])
    assert report.n_added == 1
    assert [problem.file for problem in report.problems] == [f"{path}/in.zip", f"{path}/page.csv"]
    assert "zip inside a zip" in reasons(report)["in.zip"]
    assert "HTML" in reasons(report)["page.csv"]


def test_an_encrypted_member_is_refused_by_that_name(tmp_path: Path, engine: Engine) -> None:
    raw = bytearray(make_zip(tmp_path / "a.zip", {"one.csv": CSV}).read_bytes())
    raw[6] |= 1  # the flag in the member's own header, and in the directory
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(bytes(raw))
    assert "encrypted" in reasons(import_results(engine, [tmp_path / "a.zip"]))["one.csv"]


def test_zips_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_zip(tmp_path / "a.zip", {f"{n}.csv": b"0" * 1000 for n in range(5)})
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 4000)
    assert [source.refusal for source in expand([path])] == [
        "a zip unpacks to at most 4000 bytes, this to 5000"
    ]
    monkeypatch.setattr(archives, "MAX_MEMBERS", 4)
    assert [source.refusal for source in expand([path])] == ["a zip has at most 4 files, this has 5"]


def test_a_member_that_is_longer_than_its_zip_states_is_refused(tmp_path: Path) -> None:
    raw = bytearray(make_zip(tmp_path / "a.zip", {"one.csv": b"0" * 100_000}).read_bytes())
    raw[raw.index(b"PK\x01\x02") + 24 : raw.index(b"PK\x01\x02") + 28] = (10).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(bytes(raw))
    (source,) = expand([tmp_path / "a.zip"])
    with pytest.raises(FileRefused, match="cannot be read from its zip"):
        source.content()


@pytest.mark.parametrize("cut", [10, 60, -30])
def test_a_broken_zip_is_refused(tmp_path: Path, engine: Engine, cut: int) -> None:
    raw = make_zip(tmp_path / "a.zip", {"one.csv": CSV, "two.csv": OTHER}).read_bytes()
    (tmp_path / "a.zip").write_bytes(raw[:cut])
    report = import_results(engine, [tmp_path / "a.zip"])
    assert report.n_files(FileStatus.REFUSED) == len(report.files) == 1
    assert "broken or cut off" in reasons(report)["a.zip"]


def test_a_zip_without_csv_says_what_it_holds(tmp_path: Path) -> None:
    (source,) = expand([make_zip(tmp_path / "a.zip", {"photo.jpg": b"x"})])
    assert source.refusal == "the zip holds no file of a kind that is read, but photo.jpg"


def test_names_in_a_zip_hold_no_control_characters(tmp_path: Path) -> None:
    (source,) = expand([make_zip(tmp_path / "a.zip", {"\x1b[31m.csv": CSV})])
    assert source.name == f"{tmp_path}/a.zip/?[31m.csv"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files_are_opened_by_their_first_bytes_and_bounded(pack: object, tmp_path: Path) -> None:
    raw = pack(CSV)  # type: ignore[operator]
    (tmp_path / "named wrongly.csv").write_bytes(raw)
    assert read_csv(tmp_path / "named wrongly.csv").header == tuple(RESULTS_HEADER.split(","))
    with pytest.raises(FileRefused, match="unpacks to more"):
        csv_of(raw, "r.csv", max_bytes=len(CSV) - 1)
    with pytest.raises(FileRefused, match="broken or cut off"):
        csv_of(raw[:-12], "r.csv")


def office(name: str, mimetype: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        if mimetype:
            file.writestr("mimetype", mimetype)
        file.writestr(name, b"<x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (office("xl/workbook.xml"), r"Excel workbook .* CSV UTF-8"),
        (office("content.xml", b"application/vnd.oasis.opendocument.spreadsheet"), "OpenDocument"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, r"old Excel .* CSV UTF-8"),
        (b"%PDF-1.7", "PDF"),
        (b"PAR1\x15", "Parquet"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xff\xd8\xff\xe0", "picture"),
        (b'{"races": []}', "JSON"),
        (b"[1, 2]", "JSON"),
        (b"\n  <!DOCTYPE html>", "HTML"),
        (b"SQLite format 3\0", "SQLite"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
    ],
)
def test_what_is_no_csv_is_named_with_what_to_do(
    tmp_path: Path, engine: Engine, raw: bytes, what: str
) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(raw)
    report = import_results(engine, [path])
    with pytest.raises(FileRefused, match=what):
        raise FileRefused(reasons(report)["results.csv"])


def test_spreadsheets_in_a_folder_are_refused_by_name_and_other_files_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.CSV", "b.csv.gz", "c.xlsx", "LICENSE", "~$c.xlsx", ".d.csv", "e.tsv"):
        (folder / name).write_bytes(CSV)
    assert [Path(source.name).name for source in expand([folder])] == ["a.CSV", "b.csv.gz", "c.xlsx", "e.tsv"]
