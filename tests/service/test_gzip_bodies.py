"""Bodies that come compressed, with a mark before them, or in another encoding of text."""

import asyncio
import gzip
import json
import statistics
import time
import tracemalloc
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.errors import BodyTooLarge
from service.server.gzip_bodies import MAX_MEMBERS, gunzip, gunzip_in_time
from service.thread_pools import ThreadPool
from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    running_service,
    win_probabilities,
)
from tests.service.keys import service_with_keys

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
CARD = json.dumps(make_card()).encode()
PACKED = gzip.compress(CARD, mtime=0)
MEBIBYTE = 1024 * 1024


def send(
    service: RunningService, body: bytes, path: str = "/predict", kind: str = JSON, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.client.post(path, content=body, headers={"Content-Type": kind} | named)


def test_a_card_in_gzip_is_answered_as_one_that_is_not(service: RunningService) -> None:
    plain = win_probabilities(send(service, CARD))
    for coding in ("gzip", "x-gzip", "GZip", "identity, gzip"):
        assert list(win_probabilities(send(service, PACKED, content_encoding=coding))) == list(plain)
    for coding in ("identity", "", "Identity"):
        assert list(win_probabilities(send(service, CARD, content_encoding=coding))) == list(plain)


@pytest.mark.parametrize(
    "coding", ["br", "deflate", "zstd", "gzip, gzip", "compress", "x" * 500, "é"], ids=ascii
)
def test_another_encoding_is_refused_with_the_one_that_is_read(service: RunningService, coding: str) -> None:
    answer = service.client.post("/predict", content=PACKED, headers=[(b"content-encoding", coding.encode())])
    assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "gzip")  # RFC 7694
    assert answer.json()["type"] == "urn:greyhound:problem:encoding-not-read"
    assert len(answer.json()["detail"]) < 130


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PACKED[:-1], "ends too early"),
        (PACKED[:30], "ends too early"),
        (b"", "ends too early"),
        (PACKED + b"garbage", "something else follows"),
        (PACKED + b"\x00", "ends too early"),
        (PACKED[:-8] + b"\x00" * 8, "incorrect data check"),
        (CARD, "incorrect header check"),
        (gzip.compress(b"") * (MAX_MEMBERS + 1), f"at most {MAX_MEMBERS}"),
    ],
    ids=[
        "a byte short",
        "cut off",
        "empty",
        "garbage after",
        "a NUL after",
        "wrong checksum",
        "no gzip",
        "too many",
    ],
)
def test_what_is_no_whole_gzip_file_is_a_400_that_says_why(
    service: RunningService, body: bytes, reason: str
) -> None:
    answer = send(service, body, content_encoding="gzip")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:greyhound:problem:body-not-gzip")
    assert reason in answer.json()["detail"]
    assert send(service, CARD).status_code == 200


def test_the_limit_is_of_what_comes_out(registry_of_small_bodies: RunningService) -> None:
    service = registry_of_small_bodies
    for n_bytes, status in ((8192, 200), (8193, 413)):
        assert (
            send(service, gzip.compress(CARD.ljust(n_bytes)), content_encoding="gzip").status_code == status
        )
    lines = b"\n".join([CARD] * 10)
    for n_bytes, status in ((32768, 200), (32769, 413)):
        packed = gzip.compress(lines.ljust(n_bytes))
        answer = send(service, packed, "/predict/batch", NDJSON, content_encoding="gzip")
        assert answer.status_code == status
    assert answer.json()["detail"] == "a body has at most 32768 bytes once unpacked; this one has more"


@pytest.fixture(scope="module")
def registry_of_small_bodies(tmp_path_factory: pytest.TempPathFactory) -> Any:
    uri = make_registry(tmp_path_factory.mktemp("registry"))
    with running_service(uri, max_body_bytes=8192, max_batch_bytes=32768) as service:
        yield service


def bomb(n_mebibytes: int) -> bytes:
    """So many MiB of blanks, in a thousandth of them."""
    return gzip.compress(b" " * MEBIBYTE) * n_mebibytes


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    packed = gzip.compress(b" " * (512 * MEBIBYTE), 9)
    assert len(packed) < MEBIBYTE
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        gunzip(packed, 4 * MEBIBYTE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * MEBIBYTE


def test_a_bomb_holds_up_nobody() -> None:
    """The loop goes on while a batch's whole limit is unpacked beside it."""

    held: list[int] = []

    async def longest_pause() -> tuple[float, int]:
        task = asyncio.create_task(
            gunzip_in_time(bomb(900), 800 * MEBIBYTE, ThreadPool("gzip", timeout_s=60), hold=held.append)
        )
        pauses = []
        while not task.done():
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            pauses.append(time.perf_counter() - before)
        with pytest.raises(BodyTooLarge):
            await task
        return statistics.median(pauses), len(pauses)

    median_s, n_pauses = asyncio.run(longest_pause())
    assert n_pauses > 10, "it was unpacked in the loop"
    assert sum(held) == 800 * MEBIBYTE
    assert median_s < 0.1


def test_files_that_follow_each_other_are_one_body(service: RunningService) -> None:
    """As of `cat *.ndjson.gz`."""
    body = b"".join(gzip.compress(CARD + b"\n") for _ in range(3))
    answer = send(service, body, "/predict/batch", NDJSON, content_encoding="gzip")
    assert answer.status_code == 200
    assert len(answer.text.splitlines()) == 3


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/results", "/rollback", "/models/1/promote"])
def test_the_answer_to_gzip_without_its_header_names_the_header(tmp_path: Path, path: str) -> None:
    with service_with_keys(tmp_path, make_registry(tmp_path), ada="results promote") as (service, keys):
        for body, rule in (
            (PACKED, "send it with the header `Content-Encoding: gzip`"),
            (CARD.decode().encode("utf-16"), "send it in UTF-8"),
            (CARD.decode().encode("utf-16-le"), "send it in UTF-8"),
            (CARD.decode().encode("utf-16-be"), "send it in UTF-8"),
            (CARD.decode().encode("utf-32"), "send it in UTF-8"),
        ):
            answer = send(service, body, path, **keys["ada"])
            assert (answer.status_code, answer.json()["type"]) == (
                400,
                "urn:greyhound:problem:body-unreadable",
            )
            assert rule in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/cards", "/predict/batch"])
def test_an_archive_is_no_form_guide_whatever_its_name_says(service: RunningService, path: str) -> None:
    for body, rule in (
        (gzip.compress(b"Dog Name," * 10), "Content-Encoding: gzip"),
        (bomb(100), "Content-Encoding: gzip"),
        (b"PK\x03\x04" + b"\0" * 40, "zip"),
    ):
        answer = send(service, body, f"{path}?name=card.csv.gz&date=2026-03-14&track=Sandown", CSV)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:greyhound:problem:file-refused")
        assert rule in answer.json()["detail"]


def test_a_form_guide_in_gzip_is_read(service: RunningService) -> None:
    from service.schemas.form_guide import EXAMPLE_GUIDE

    guide, query = EXAMPLE_GUIDE.encode(), "?date=2026-03-14&track=Sandown+Park&distance_m=515"
    plain = send(service, guide, f"/cards{query}", CSV)
    packed = send(service, gzip.compress(guide), f"/cards{query}&name=a.csv.gz", CSV, content_encoding="gzip")
    assert plain.status_code == 200
    assert packed.json() == plain.json()


def test_results_in_gzip_are_stored(tmp_path: Path) -> None:
    from service.schemas.results import EXAMPLE_RESULTS

    with service_with_keys(tmp_path, make_registry(tmp_path), ada="results") as (service, keys):
        body = gzip.compress(json.dumps(EXAMPLE_RESULTS).encode())
        answer = send(service, body, "/results", content_encoding="gzip", **keys["ada"])
        assert answer.status_code == 202, answer.text


def test_a_mark_before_json_is_read_over(service: RunningService) -> None:
    marked = b"\xef\xbb\xbf" + CARD
    assert list(win_probabilities(send(service, marked))) == list(win_probabilities(send(service, CARD)))
    for body, kind in ((b"[" + CARD + b"]", JSON), (CARD + b"\n" + CARD, NDJSON)):
        plain = send(service, body, "/predict/batch", kind).text.splitlines()
        with_mark = send(service, b"\xef\xbb\xbf" + body, "/predict/batch", kind).text.splitlines()
        assert [json.loads(line)["runners"] for line in with_mark] == [
            json.loads(line)["runners"] for line in plain
        ]
    assert send(service, gzip.compress(marked), content_encoding="gzip").status_code == 200


def test_the_gzip_file_of_the_faults_folder_is_answered_as_what_it_holds(
    service: RunningService, real_data: Path
) -> None:
    body = (real_data / "faults" / "15_card.json.gz").read_bytes()
    assert send(service, body).status_code == 400
    packed, plain = send(service, body, content_encoding="gzip"), send(service, gzip.decompress(body))
    assert packed.status_code == plain.status_code != 400
    assert packed.json()["detail"] == plain.json()["detail"]
