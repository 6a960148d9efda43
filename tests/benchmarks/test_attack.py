"""The attack's bookkeeping: an answer that the document does not name is found, however it was sent."""

import asyncio
import time

from benchmarks.attack.ledger import Ledger
from benchmarks.attack.peer import Answer, Peer

DOCUMENT = {"paths": {"/models/{version}": {"get": {"responses": {"200": {}, "503": {}}}}}}


def test_a_server_error_counts_unless_the_document_names_it() -> None:
    ledger, began = Ledger(DOCUMENT), time.monotonic()
    for operation, status in (
        ("GET /models/1?a=b", 200), ("GET /models/1?a=b", 500), ("POST /models/1", 503), ("GET /other", 404),
    ):  # fmt: skip
        ledger.note("somebody", operation, Answer(status, body=b'{"detail": "why"}'), began)
    ledger.note("another", "GET /models/1", Answer(503, body=b'{"detail": "why"}'), began)
    assert ledger.undeclared == {("GET /models/1?a=b", 500): 1, ("POST /models/1", 503): 1}
    assert ledger.statuses["somebody"] == {200: 1, 500: 1, 503: 1, 404: 1}
    assert ledger.reasons == {("somebody", "why"): 1, ("another", "why"): 1}


def test_answers_of_known_length_in_chunks_and_cut_off_are_read() -> None:
    chunks = b"2\r\n{}\r\n1\r\n!\r\n0\r\n\r\n"
    answers = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 503 no\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks,
        b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{}",
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))
        writer.close()

    async def ask() -> list[Answer]:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            peer = Peer(server.sockets[0].getsockname()[1])
            return [await ask_anew(peer) for _ in range(3)]

    async def ask_anew(peer: Peer) -> Answer:
        answer = await peer.ask("GET", "/")
        peer.close()
        return answer

    first, second, third = asyncio.run(ask())
    assert (first.status, first.body, first.header(b"content-length")) == (200, b"{}", b"2")
    assert (second.status, second.body, second.header(b"connection")) == (503, b"{}!", b"close")
    assert (third.status, third.body) == (0, b"")
