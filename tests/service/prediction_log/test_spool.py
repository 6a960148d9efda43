"""The spool: what was appended is read, by this process or a later one, whatever broke off."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.prediction_log.log_queue import LogRecord
from service.prediction_log.records import Damaged, from_bytes, to_bytes
from service.prediction_log.spool import Spool, SpoolFull, read_segment, take_over

WRITER = "a" * 32


def make_records(first: int, n: int) -> list[LogRecord]:
    return [
        LogRecord(i, f"race-{i}", 3, "ab" * 32, 1_700_000_000_000_000 + i, b'{"card": 1}', b'{"\xc3\xa9": 2}')
        for i in range(first, first + n)
    ]


_REST = b"ab" * 32 + b'{"card": 1}{"\xc3\xa9": 2}'
OLDER_SEGMENT = b"".join(
    bytes.fromhex(start) + request_id + _REST
    for start, request_id in (
        ("76000000004f678e010000000000000001401e18240a060003000000060040000b000000", b"race-1"),
        ("760000002f8887c6020000000000000002401e18240a060003000000060040000b000000", b"race-2"),
    )
)
"""The first two of :func:`make_records` as release 0.1 appended them, byte for byte."""


def make_older_folder(root: Path) -> Path:
    """Leave what a killed service of release 0.1 leaves: segments of some batches, the last cut off."""
    folder = root / WRITER
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "00000001.log").write_bytes(OLDER_SEGMENT)
    (folder / "00000002.log").write_bytes(to_bytes(make_records(3, 1)[0]) + OLDER_SEGMENT[:80])
    return folder


def read_all(spool: Spool) -> list[LogRecord | Damaged]:
    return [record for segment in spool.segments() for record in read_segment(segment)]


def test_what_is_appended_is_read_in_order_over_many_segments(tmp_path: Path) -> None:
    spool = Spool(tmp_path, WRITER)
    for first in range(1, 101, 5):
        spool.append(make_records(first, 5))
    assert len(spool.segments()) == 20
    assert read_all(spool) == make_records(1, 100)


def test_a_spool_that_is_empty_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", WRITER)
    spool.append(make_records(1, 5))
    spool.remove_oldest()
    assert spool.n_bytes == 0
    spool.leave()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_somebody_deleted_holds_up_none_after_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, WRITER)
    spool.append(make_records(1, 5))
    spool.append(make_records(6, 5))
    first, second = spool.segments()
    first.unlink()
    assert spool.oldest() == second
    spool.remove_oldest()
    assert (spool.oldest(), spool.n_bytes, spool.is_empty) == (None, 0, True)


def test_a_spool_is_taken_over_from_the_dead_once_and_never_from_the_living(tmp_path: Path) -> None:
    spool = Spool(tmp_path, WRITER)
    spool.append(make_records(1, 5))
    assert list(take_over(tmp_path)) == []
    spool.leave()  # as the kernel does for a process that was killed
    (taken,) = take_over(tmp_path)
    assert list(take_over(tmp_path)) == []
    assert (taken.writer, taken.n_bytes > 0) == (WRITER, True)
    assert read_all(taken) == make_records(1, 5)


def test_a_folder_of_an_older_release_is_taken_over_with_its_segments(tmp_path: Path) -> None:
    make_older_folder(tmp_path)
    (taken,) = take_over(tmp_path)
    assert read_all(taken) == [*make_records(1, 3), Damaged(OLDER_SEGMENT[:80], 1)]


def test_a_process_that_is_killed_while_it_appends_leaves_whole_records(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.service.prediction_log.test_spool import WRITER, make_records\n"
        "from service.prediction_log.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), WRITER)\n"
        "for first in range(1, 10**6, 7):\n"
        "    spool.append(make_records(first, 7))\n"
        "    print(first + 6, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    acknowledged = [int(process.stdout.readline()) for _ in range(20)][-1]
    process.kill()
    process.communicate()
    (taken,) = take_over(tmp_path)
    records = read_all(taken)
    if isinstance(records[-1], Damaged):  # what it was about to append
        records.pop()
    assert records == make_records(1, len(records))
    assert len(records) >= acknowledged


def test_half_a_record_at_the_end_is_skipped_and_reported(tmp_path: Path) -> None:
    spool = Spool(tmp_path, WRITER)
    spool.append(make_records(1, 3))
    (segment,) = spool.segments()
    os.truncate(segment, segment.stat().st_size - 1)
    assert read_all(spool) == [*make_records(1, 2), Damaged(to_bytes(make_records(3, 1)[0])[:-1], 1)]


N = 5
WHOLE = [to_bytes(record) for record in make_records(1, N)]
ENDS = [sum(map(len, WHOLE[: i + 1])) for i in range(N)]


def taken_and_lost(data: bytes) -> tuple[list[LogRecord], int]:
    found = list(from_bytes(data))
    damaged = [one for one in found if isinstance(one, Damaged)]
    assert all(one.data and one.n_lost >= 1 for one in damaged)
    records = [one for one in found if isinstance(one, LogRecord)]
    assert sum(map(len, map(to_bytes, records))) + sum(len(one.data) for one in damaged) == len(data)
    return records, sum(one.n_lost for one in damaged)


def test_any_flipped_bit_loses_the_record_that_it_is_in_and_no_other() -> None:
    segment = b"".join(WHOLE)
    for i in range(len(segment)):
        hit = next(number for number, end in enumerate(ENDS) if i < end)
        others = [record for number, record in enumerate(make_records(1, N)) if number != hit]
        for bit in range(8):
            flipped = bytearray(segment)
            flipped[i] ^= 1 << bit
            assert taken_and_lost(bytes(flipped)) == (others, 1), (i, bit)


def test_a_segment_that_is_cut_off_anywhere_gives_every_whole_record_and_reports_half_a_one() -> None:
    segment = b"".join(WHOLE)
    for n_bytes in range(len(segment) + 1):
        n_whole = sum(end <= n_bytes for end in ENDS)
        is_half = n_bytes not in (0, *ENDS)
        assert taken_and_lost(segment[:n_bytes]) == (make_records(1, n_whole), int(is_half))
        n_behind = sum(end - len(one) >= n_bytes for end, one in zip(ENDS, WHOLE, strict=True))
        behind = make_records(N + 1 - n_behind, n_behind)
        assert taken_and_lost(segment[n_bytes:])[0] == behind


@pytest.mark.parametrize("n_lost", [1, 2, 3])
def test_as_many_are_lost_as_numbers_are_missing(n_lost: int) -> None:
    data = WHOLE[0] + b"\x00" * 70 + b"\xff" * 80 + b"".join(WHOLE[1 + n_lost :])
    left = [*make_records(1, 1), *make_records(2 + n_lost, N - 1 - n_lost)]
    assert taken_and_lost(data) == (left, n_lost)


def test_a_sent_card_that_looks_like_a_record_is_never_taken_for_one() -> None:
    forged = make_records(77, 1)[0]
    carrier = forged._replace(number=2, card=b'{"card": "' + to_bytes(forged) + b'"}')
    assert b"\x00" in carrier.card  # so JSON it is not, and the service refuses it
    long = forged._replace(number=2, card=b"[" + b" " * 70_000 + b"]")
    data = bytearray(WHOLE[0] + to_bytes(long) + WHOLE[2])
    data[len(WHOLE[0]) + 300] ^= 1
    assert taken_and_lost(bytes(data)) == ([*make_records(1, 1), *make_records(3, 1)], 1)


def test_a_segment_of_noughts_is_read_at_once() -> None:
    assert taken_and_lost(bytes(8 * 2**20)) == ([], 1)


def test_a_spool_that_is_full_takes_nothing_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path, WRITER, max_bytes=1000)
    spool.append(make_records(1, 3))
    with pytest.raises(SpoolFull, match="may hold 1000"):
        spool.append(make_records(4, 30))
    assert read_all(spool) == make_records(1, 3)


def test_a_disk_that_is_full_leaves_no_half_batch(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.service.prediction_log.test_spool import WRITER, make_records, read_all\n"
        "from service.prediction_log.spool import Spool\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))\n"
        "spool = Spool(Path(sys.argv[1]), WRITER)\n"
        "spool.append(make_records(1, 5))\n"
        "try:\n"
        "    spool.append(make_records(6, 50))\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "spool.append(make_records(6, 50))\n"
        "print(read_all(spool) == make_records(1, 55))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["File too large", "True"]
