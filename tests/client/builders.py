"""Both clients under one face, and listeners that misbehave as a service never should."""

import asyncio
import inspect
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from greyhound_client import AsyncGreyhoundClient, GreyhoundClient
from tests.sockets import whole_request


class Awaited:
    """The asynchronous client with its answers awaited, so that one test can speak to both."""

    def __init__(self, client: AsyncGreyhoundClient, runner: asyncio.Runner | None = None) -> None:
        self._client = client
        self._runner = runner or asyncio.Runner()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def ask(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            if isinstance(answer, AsyncGreyhoundClient):
                return Awaited(answer, self._runner)
            if inspect.isasyncgen(answer):
                return self._each(answer)
            return self._runner.run(answer) if inspect.iscoroutine(answer) else answer

        return ask

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def _each(self, answers: Any) -> Iterator[Any]:
        try:
            with suppress(StopAsyncIteration):
                while True:
                    yield self._runner.run(anext(answers))
        finally:
            self._runner.run(answers.aclose())


KINDS: dict[str, Callable[..., Any]] = {
    "blocking": GreyhoundClient,
    "awaiting": lambda *args, **kwargs: Awaited(AsyncGreyhoundClient(*args, **kwargs)),
}


@contextmanager
def connected(kind: str, url: str, **options: Any) -> Iterator[Any]:
    """A client of a kind, closed afterwards."""
    client = KINDS[kind](url, **options)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def listener(answer: bytes | None) -> Iterator[tuple[str, list[bytes]]]:
    """Something that listens, and what it heard; it says the same to each and hangs up, or never a word."""
    heard: list[bytes] = []
    stored: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    heard.append(whole_request(connection))
                    if answer is None:
                        stored.append(connection)
                        continue
                    connection.sendall(answer)
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=60)
            for connection in stored:
                connection.close()
