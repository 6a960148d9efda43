"""Files that unpack to, or hold, far more than they should: refused, in bounded memory and time."""

import bz2
import gzip
import io
import json
import random
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from racing.domain.errors import FileRefused
from racing.importers.files import contents
from racing.importers.files.archives import expand
from racing.importers.files.contents import Content
from racing.importers.files.csv_file import MAX_FIELD_CHARS, CsvFile, csv_of, read_csv
from racing.importers.formats.results import parse_results
from racing.importers.records import source_record as records
from tests.racing.importers.builders import BETFAIR_HEADER, FORM_HEADER, RESULTS_HEADER, results_row

MEBIBYTE = 1024 * 1024
N_BYTES = 24 * MEBIBYTE
MAX_ABOVE_IDLE_MIB = 48  # held whole, one of the files below takes 150
# The kernel counts: the most memory that the process ever had, above what it had once it was warm.
MEASURE = """
import json, sys
from pathlib import Path
from racing.database.engine import open_database
from racing.importers.import_files import import_results

def peak_mib():  # rusage would count what the process that started this one had
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

folder = Path(sys.argv[1])
engine = open_database(f"sqlite:///{folder}/races.db", create=True)
import_results(engine, [folder / "fine.csv"])
idle_mib = peak_mib()
found = {}
for path in sorted((folder / "bombs").iterdir()):
    before_mib = peak_mib()
    report = import_results(engine, [path])
    found[path.name] = [round(peak_mib() - before_mib), [problem.reason for problem in report.problems][-1]]
print(json.dumps([peak_mib() - idle_mib, found]))
"""


def zipped(raw: bytes, method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        file.writestr("one.csv", raw)
    return out.getvalue()


def with_stated_size(archive: bytes, size: int) -> bytes:
    """Let a zip's directory state another size of its only member."""
    at = archive.index(b"PK\x01\x02") + 24
    return archive[:at] + struct.pack("<I", size) + archive[at + 4 :]


def zip_of_nothing_but_names(n: int) -> bytes:
    """A zip whose list of members is n times a member without a name."""
    directory = (b"PK\x01\x02" + bytes(42)) * n
    return b"PK\x03\x04" + directory + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, len(directory), 4, 0)


def bombs() -> dict[str, bytes]:
    header = f"{RESULTS_HEADER}\n".encode()
    fields = header + b"1," * (N_BYTES // 2)
    digits = random.Random(1).randbytes(3000).hex().encode()  # packs to half its size
    long_line = header + digits * (N_BYTES // len(digits))
    return {
        "fields.csv": fields,
        "fields.csv.gz": gzip.compress(fields, 1),
        "fields.csv.bz2": bz2.compress(b"0" * N_BYTES),
        "line.csv": b"x" * N_BYTES,
        "line.csv.gz": gzip.compress(long_line, 1),
        "quote.csv": header + b'"' + (b"x" * 199 + b"\n") * (N_BYTES // 200),
        "letters.csv": header + "\U0001f415".encode() * (N_BYTES // 4),
        "utf16.csv": b"\xff\xfe" + header.decode().encode("utf-16-le") + b"x\0" * (N_BYTES // 2),
        "cp1252.csv": header + b"\xe9" * N_BYTES,
        "member.zip": zipped(fields, zipfile.ZIP_DEFLATED),
        "packed-member.zip": zipped(gzip.compress(fields, 1), zipfile.ZIP_STORED),
        "bzip2-member.zip": with_stated_size(zipped(b"0" * (2 * N_BYTES), zipfile.ZIP_BZIP2), 10),
        "names.zip": zip_of_nothing_but_names(400_000),
    }


def test_no_file_makes_an_import_take_much_memory(tmp_path: Path) -> None:
    (tmp_path / "fine.csv").write_text(f"{RESULTS_HEADER}\n{results_row('Fine', 1, '1')}\n")
    (tmp_path / "bombs").mkdir()
    files = bombs()
    for name, raw in files.items():
        (tmp_path / "bombs" / name).write_bytes(raw)
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    above_idle_mib, found = json.loads(done.stdout)
    assert set(found) == set(files)
    assert above_idle_mib < MAX_ABOVE_IDLE_MIB, found


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_file_unpacks_to_no_more_than_its_size_allows(pack: object) -> None:
    free = contents.FREE_BYTES
    assert Content.of(pack(b"0" * free)).head == b"0" * 4096  # type: ignore[operator]
    with pytest.raises(FileRefused, match=f"unpacks to at most {contents.MAX_RATIO} times its size"):
        Content.of(pack(b"0" * (free + 1)))  # type: ignore[operator]


def test_a_member_is_opened_only_where_it_is_unpacked_in_steps(tmp_path: Path) -> None:
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        (tmp_path / "a.zip").write_bytes(zipped(b"a,b\n1,2\n", method))
        (source,) = expand([tmp_path / "a.zip"])
        with pytest.raises(FileRefused, match="another method than deflate"):
            source.content()


@pytest.mark.parametrize("is_long", [False, True])
def test_a_zips_list_of_members_is_bounded_before_it_is_read(tmp_path: Path, is_long: bool) -> None:
    raw = zip_of_nothing_but_names(200_000)
    if is_long:  # with the fields of zip64, which tell the size in eight bytes
        at = len(raw) - 22
        end = b"PK\x06\x06" + bytes(36) + struct.pack("<QQ", at - 4, 4)
        locator = b"PK\x06\x07" + struct.pack("<IQI", 0, at, 1)
        raw = raw[:at] + end + locator + raw[at : at + 12] + b"\xff" * 8 + bytes(2)
    (tmp_path / "a.zip").write_bytes(raw)
    (source,) = expand([tmp_path / "a.zip"])
    assert source.refusal == "a zip's list of files has at most 4194304 bytes, this has 9200000"


def test_a_zip_whose_members_have_no_name_holds_no_csv(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of_nothing_but_names(3))
    assert [source.refusal for source in expand([tmp_path / "a.zip"])] == [
        "the zip holds no file of a kind that is read, but nothing"
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_a_file_that_is_not_held_is_read_as_one_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, pack: type
) -> None:
    rows = [results_row(f"Café {number}", 1, "1", race_id=f"r{number}") for number in range(300)]
    raw = "\r\n".join((RESULTS_HEADER, *rows)).encode(encoding)
    (tmp_path / "r.csv").write_bytes(pack(raw))
    (tmp_path / "r.zip").write_bytes(zipped(pack(raw), zipfile.ZIP_DEFLATED))

    def read() -> list[CsvFile]:
        return [read_csv(tmp_path / "r.csv"), read_csv(tmp_path / "r.zip")]

    held = read()
    monkeypatch.setattr(contents, "HELD_BYTES", 1000)
    monkeypatch.setattr("racing.importers.files.archives.HELD_BYTES", 1000)
    for one, other in zip(held, read(), strict=True):
        assert (other.sha256, other.header, other.notes) == (one.sha256, one.header, one.notes)
        assert list(other.rows()) == list(one.rows())
        assert len(list(one.rows())) == 300
        assert parse_results(other).records == parse_results(one).records


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "HELD_BYTES", 1000)
    path = tmp_path / "r.csv.gz"
    rows = [results_row(random.Random(number).randbytes(20).hex(), 1, "1") for number in range(100)]
    path.write_bytes(gzip.compress("\n".join((RESULTS_HEADER, *rows)).encode()))
    file = read_csv(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FileRefused, match="cannot be read a second time"):
        list(file.rows())


def test_a_field_that_is_read_is_bounded_and_one_that_is_not_is_not(tmp_path: Path) -> None:
    long = "x" * (MAX_FIELD_CHARS + 1)
    rows = [results_row("Fine", 1, "1"), results_row(long, 2, "2"), results_row("Also", 3, "3")]
    text = "\n".join((f"{RESULTS_HEADER},remark", *(f"{row},{long * 5}" for row in rows)))
    parsed = parse_results(csv_of(text.encode(), "r.csv"))
    assert [record["dog_name"] for record in parsed.records] == ["Fine", "Also"]
    assert [problem.line for problem in parsed.problems if problem.what == "row"] == [3]
    assert "has at most 200 characters, got 201" in parsed.problems[0].reason


def test_a_file_most_of_whose_rows_are_refused_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_REFUSED_ROWS", 3)
    rows = [results_row(f"Dog {number}", 11, "1", race_id=f"r{number}") for number in range(4)]
    text = "\n".join((RESULTS_HEADER, results_row("Fine", 1, "1"), *rows))
    with pytest.raises(FileRefused, match="at most 3 rows that are refused, the last: box must be"):
        parse_results(csv_of(text.encode(), "r.csv"))
    assert len(parse_results(csv_of(text.rpartition("\n")[0].encode(), "r.csv")).records) == 1


@pytest.mark.parametrize("header", [FORM_HEADER, BETFAIR_HEADER, RESULTS_HEADER])
@pytest.mark.parametrize("filler", ["\t", ";", " ", '"', ' "', "1,", "1.", "\t ", "$"])
def test_no_line_takes_long_to_be_split(header: str, filler: str) -> None:
    """Decimal commas are looked for in files with semicolons or tabs: once, a line of tabs took minutes."""
    text = header.replace(",", ";") + f"\n{filler * (19_000 // len(filler))}x\n" * 20
    began = time.process_time()
    list(csv_of(text.encode(), "r.csv").rows())
    assert time.process_time() - began < 2
