"""Those who attack: each sends what no honest client sends, as much of it as it is let."""

import asyncio
import gzip
import json
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from benchmarks.attack.peer import Peer
from benchmarks.attack.stage import Stage
from tests.service.test_malformed_http import REFUSED

POST = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
PIECE = b"x" * 65536
MOST_BYTES = 100_000_000  # on one connection
LIFE_S = 60.0


async def _pour(stage: Stage, start: bytes, piece: bytes, *, every_s: float = 0.0) -> None:
    """Send a start and then pieces without end, until the service hangs up, and then again."""
    while stage.is_on:
        peer, n_bytes, began = stage.peer(), 0, time.monotonic()
        with suppress(OSError, TimeoutError):
            _, writer = await peer.open()
            writer.write(start)
            while stage.is_on and n_bytes < MOST_BYTES and time.monotonic() - began < LIFE_S:
                writer.write(piece)
                async with asyncio.timeout(20):
                    await writer.drain()
                n_bytes += len(piece)
                await asyncio.sleep(every_s)
        peer.close()
        await stage.rest(0.2)


async def trailers(stage: Stage) -> None:
    """Trailers without end after a chunked body."""
    start = POST % b"/predict" + CHUNKED + b"2\r\n{}\r\n0\r\n"
    await _pour(stage, start, b"X-Trailer: a\r\n" * 4000)


async def endless_trailer(stage: Stage) -> None:
    """One trailer whose value has no end."""
    await _pour(stage, POST % b"/predict" + CHUNKED + b"2\r\n{}\r\n0\r\nX: ", PIECE)


async def endless_head(stage: Stage) -> None:
    """Headers without end."""
    await _pour(stage, POST % b"/predict", b"X-Header: a\r\n" * 4000)


async def chunk_extension(stage: Stage) -> None:
    """An extension of a chunk's length without end."""
    await _pour(stage, POST % b"/predict" + CHUNKED + b"2;a=", PIECE)


async def trickle(stage: Stage) -> None:
    """A batch of 32 MB that arrives just fast enough to stay in memory."""
    start = POST % b"/predict/batch" + b"Content-Length: 33000000\r\n\r\n["
    await _pour(stage, start, PIECE, every_s=0.5)


async def silent(stage: Stage) -> None:
    """Connections that never send a byte."""
    while stage.is_on:
        peers = [stage.peer() for _ in range(100)]
        for peer in peers:
            with suppress(OSError):
                await peer.open()
        await stage.rest(5.0)
        for peer in peers:
            peer.close()


async def pipelining(stage: Stage) -> None:
    """Requests one after the other without looking at the answers, which are never read."""
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200
    await _pour(stage, request, request, every_s=0.1)


async def malformed(stage: Stage) -> None:
    """Everything that the tests know to be refused, in any order."""
    draw, requests = random.Random(1), [one for one in REFUSED.values() if len(one) < 2_000_000]
    while stage.is_on:
        peer, began = stage.peer(), time.monotonic()
        answer = await peer.send(draw.choice(requests), seconds=15.0)
        stage.ledger.note("malformed", "POST /predict", answer, began)
        peer.close()
        await stage.rest(0.05)


async def large_batches(stage: Stage) -> None:
    """Batches of 30 MB: one card of 30 MB, and 15 million cards."""
    runner = b'{"name": "A", "box": 1},'
    bodies = (
        b'[{"date": "2026-01-01", "runners": [' + runner * 1_200_000 + b"0]}]",
        b"[" + b"1," * 14_000_000 + b"1]",
        b"\n" * 30_000_000 + b"{}",
        b"[" * 30_000_000,
    )
    peer = Peer(stage.port)
    while stage.is_on:
        for body in bodies:
            await stage.ask("large batches", peer, "POST", "/predict/batch", body)
            await stage.rest(1.0)


async def deep(stage: Stage) -> None:
    """JSON that is nested too deep, to every route that reads JSON."""
    bodies = [opening * n for n in (500, 2_000, 100_000) for opening in (b"[", b'{"a":')]
    peer = stage.peer()
    while stage.is_on:
        for path in ("/predict", "/predict/batch", "/cards", "/webhooks/mlflow"):
            for body in bodies:
                await stage.ask("deep JSON", peer, "POST", path, body)
                await stage.rest(0.05)


async def bombs(stage: Stage) -> None:
    """Small bodies of gzip that become large."""
    body, peer = gzip.compress(b"[" + b" " * 300_000_000), stage.peer()
    while stage.is_on:
        for path in ("/predict", "/predict/batch"):
            await stage.ask("gzip bombs", peer, "POST", path, body, Content_Encoding="gzip")
            await stage.rest(0.2)


async def forged_addresses(stage: Stage) -> None:
    """Each request from another address, by its own account, with a key that is none."""
    draw, peer = random.Random(2), stage.peer()
    while stage.is_on:
        forged = ".".join(str(draw.randrange(256)) for _ in range(4)) + "x" * draw.randrange(200)
        await stage.ask(
            "forged addresses", peer, "POST", "/results", b"{}", X_Forwarded_For=forged, X_API_Key="gh_none"
        )
        await stage.rest(0.02)


async def strange_cards(stage: Stage) -> None:
    """Honest cards in which one value is another than it should be."""
    draw, peer = random.Random(3), stage.peer()
    strange = [None, -1, 1e308, "", "\u0000", "\ud800", "a" * 100_000, [], {}, True, [[]] * 5_000, "\x1b[2J"]
    while stage.is_on:
        card = json.loads(stage.card)
        where = draw.choice([card, *card["runners"], card["runners"][0]["form"][0]])
        where[draw.choice([*where, "other"])] = draw.choice(strange)
        answer = await stage.ask("strange cards", peer, "POST", "/predict", json.dumps(card).encode())
        if answer.status == 200:
            stage.acknowledge(answer.body)
        await stage.rest(0.01)


async def many_errors(stage: Stage) -> None:
    """A card of 256 KiB with an error in every value."""
    peer, body = stage.peer(), b'{"runners": [' + b'{"a":1},' * 32_000 + b"1]}"
    while stage.is_on:
        await stage.ask("many errors", peer, "POST", "/predict", body)
        await stage.rest(0.3)


Part = Callable[[Stage], Awaitable[None]]
ATTACKERS: dict[Part, int] = {
    trailers: 2, endless_trailer: 2, endless_head: 2, chunk_extension: 1, trickle: 30, silent: 1,
    pipelining: 2, malformed: 2, large_batches: 1, deep: 1, bombs: 2, forged_addresses: 1, strange_cards: 2,
    many_errors: 1,
}  # fmt: skip
"""Who takes part, and how many of them."""
