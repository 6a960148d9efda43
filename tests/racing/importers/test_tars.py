"""Tars: members are files of their own, found by the headers alone, within bounds."""

import bz2
import gzip
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.domain.errors import FileRefused
from racing.importers.files import contents, packed_tars, tars
from racing.importers.files.archives import expand
from racing.importers.import_files import import_results
from racing.importers.report import FileStatus
from tests.racing.importers.builders import RESULTS_HEADER, results_row

CSV = f"{RESULTS_HEADER}\n{results_row('Alpha', 1, '1')}\n".encode()
OTHER = f"{RESULTS_HEADER}\n{results_row('Bravo', 1, '1', date='2025-07-04')}\n".encode()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db'}", create=True)


def make_tar(path: Path, members: dict[str, bytes], how: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=how) as file:
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            file.addfile(info, io.BytesIO(raw))
    return path


@pytest.mark.parametrize("how", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_each_member_is_a_file_of_its_own_whatever_wrote_the_tar(
    tmp_path: Path, engine: Engine, how: int
) -> None:
    long = f"BASIC/{'a' * 90}/2026/Mar/31/one.csv.bz2"
    members = {long: bz2.compress(CSV), "two.csv": OTHER, "read me.txt": b"x"}
    path = make_tar(tmp_path / "data.tar", members, how)
    report = import_results(engine, [path])
    assert [file.file for file in report.files] == [f"{path}/{long}", f"{path}/two.csv"]
    assert (report.n_added, report.problems.n) == (2, 0)
    assert import_results(engine, [path]).n_files(FileStatus.ALREADY_IMPORTED) == 2


def test_links_and_devices_are_no_files_and_names_lead_nowhere(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "secret.csv").write_bytes(OTHER)
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        link = tarfile.TarInfo("link.csv")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.csv")
        file.addfile(link)
        hard = tarfile.TarInfo("hard.csv")
        hard.type, hard.linkname = tarfile.LNKTYPE, "../secret.csv"
        file.addfile(hard)
        up = tarfile.TarInfo("../../up.csv")
        up.size = len(CSV)
        file.addfile(up, io.BytesIO(CSV))
    before = sorted(tmp_path.rglob("*"))
    report = import_results(engine, [tmp_path / "a.tar"])
    assert [file.file for file in report.files] == [f"{tmp_path}/a.tar/../../up.csv"]
    assert report.n_added == 1
    assert sorted(path for path in tmp_path.rglob("*") if "db" not in path.name) == [
        path for path in before if "db" not in path.name
    ]


def test_a_member_is_bounded_as_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = bz2.compress(b"0" * (contents.FREE_BYTES + 1))
    packed, large = expand([make_tar(tmp_path / "a.tar", {"a.csv.bz2": bomb, "b.csv": b"0" * 5000})])
    with pytest.raises(FileRefused, match="unpacks to at most"):
        packed.content()
    monkeypatch.setattr(tars, "MAX_BYTES", 4000)
    with pytest.raises(FileRefused, match="a file has at most 4000 bytes, this has 5000"):
        large.content()


def test_the_number_of_members_and_the_length_of_names_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_tar(tmp_path / "a.tar", {f"{n}.csv": CSV for n in range(5)})
    monkeypatch.setattr(tars, "MAX_MEMBERS", 4)
    assert [source.refusal for source in expand([path])] == ["a tar has at most 4 files, this has more"]
    long = make_tar(tmp_path / "b.tar", {"a" * (tars.MAX_NAME_BYTES + 1) + ".csv": CSV}, tarfile.GNU_FORMAT)
    (source,) = expand([long])
    assert source.refusal is not None
    assert source.refusal.startswith("a name in a tar has at most")


@pytest.mark.parametrize("cut", [300, 600, 1100])
def test_a_tar_that_is_cut_off_is_refused(tmp_path: Path, engine: Engine, cut: int) -> None:
    raw = make_tar(tmp_path / "a.tar", {"one.csv": CSV * 3, "two.csv": OTHER}).read_bytes()
    (tmp_path / "a.tar").write_bytes(raw[:cut])
    report = import_results(engine, [tmp_path / "a.tar"])
    assert report.n_files(FileStatus.REFUSED) == len(report.files) == 1


def test_an_archive_in_a_tar_says_what_to_do_as_a_packed_tar_of_another_name_does(
    tmp_path: Path, engine: Engine
) -> None:
    inner = make_tar(tmp_path / "inner.tar", {"one.csv": CSV}).read_bytes()
    outer = make_tar(tmp_path / "outer.tar", {"inner.tar": inner, "one.csv": CSV})
    report = import_results(engine, [outer])
    assert (report.n_added, report.n_files(FileStatus.REFUSED)) == (1, 1)
    assert "a tar inside a tar is not opened" in report.problems[0].reason
    (tmp_path / "packed.gz").write_bytes(gzip.compress(inner))
    (packed,) = import_results(engine, [tmp_path / "packed.gz"]).problems
    assert "packed tar" in packed.reason


def test_a_large_member_is_read_as_one_that_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [results_row(f"Dog {n}", 1, "1", race_id=f"r{n}") for n in range(200)]
    raw = "\n".join((RESULTS_HEADER, *rows)).encode()
    path = make_tar(tmp_path / "a.tar", {"a.csv": raw, "b.csv.gz": gzip.compress(raw)})
    monkeypatch.setattr(tars, "HELD_BYTES", 100)
    monkeypatch.setattr(contents, "HELD_BYTES", 100)
    for source in expand([path]):
        content = source.content()
        assert b"".join(content.chunks()) == raw
        assert b"".join(content.chunks()) == raw


@pytest.mark.parametrize(("suffix", "pack"), [("tar.gz", gzip.compress), ("TBZ2", bz2.compress)])
def test_a_packed_tar_is_opened_and_leaves_nothing_on_the_disk(
    tmp_path: Path,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    pack: Callable[[bytes], bytes],
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    raw = make_tar(tmp_path / "a.tar", {"one.csv.bz2": bz2.compress(CSV), "two.csv": OTHER}).read_bytes()
    path = tmp_path / f"day.{suffix}"
    path.write_bytes(pack(raw))
    report = import_results(engine, [path])
    assert [file.file for file in report.files] == [f"{path}/one.csv.bz2", f"{path}/two.csv"]
    assert (report.n_added, report.problems.n) == (2, 0)
    assert import_results(engine, [path]).n_files(FileStatus.ALREADY_IMPORTED) == 2
    assert list(scratch.iterdir()) == []


def test_a_packed_tar_that_is_cut_off_or_unpacks_to_too_much_is_refused(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = gzip.compress(make_tar(tmp_path / "a.tar", {"one.csv": CSV, "two.csv": OTHER}).read_bytes())
    (tmp_path / "cut.tar.gz").write_bytes(whole[:-20])
    (cut,) = import_results(engine, [tmp_path / "cut.tar.gz"]).problems
    assert "broken or cut off" in cut.reason
    monkeypatch.setattr(packed_tars, "MAX_UNPACKED_BYTES", 1000)
    (tmp_path / "much.tar.gz").write_bytes(whole)
    (much,) = import_results(engine, [tmp_path / "much.tar.gz"]).problems
    assert "unpacks to at most 1000 bytes" in much.reason
