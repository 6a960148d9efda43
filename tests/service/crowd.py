"""Many clients in one thread, each on a connection of its own, that ask again and again."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.service.living import SOON_S


def request(method: str, path: str, body: Any = None, *, key: str = "") -> bytes:
    """A request as it goes over the wire."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"X-API-Key: {key}\r\n" if key else ""
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


@contextmanager
def crowd(port: int, n_clients: int, sent: bytes) -> Iterator[Counter[str]]:
    """Clients that send a request, and again once they are answered; counts the answers' first lines."""
    answers: Counter[str] = Counter()
    stop = threading.Event()

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while True:
                writer.write(sent)
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)
                await reader.readexactly(int(length.split(b":")[1]))
                answers[head.split(b"\r\n")[0].decode()] += 1
                answers["Retry-After"] += b"retry-after:" in head.lower()
        finally:
            writer.transport.abort()

    async def all_ask() -> None:
        tasks = [asyncio.create_task(ask()) for _ in range(n_clients)]
        while not stop.is_set():
            await asyncio.sleep(0.05)
            assert not any(task.done() for task in tasks), "a client was cut off"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # until the connections are closed

    with ThreadPoolExecutor(1) as thread:
        asking = thread.submit(asyncio.run, all_ask())
        try:
            yield answers
        finally:
            stop.set()
            asking.result(SOON_S)
