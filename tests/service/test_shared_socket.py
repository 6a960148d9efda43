"""Connections of a socket that workers share."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial

import pytest

from service.server import shared_socket
from service.server.shared_socket import SharedSocket
from tests.service.living import SOON_S


class Answering(asyncio.Protocol):
    """Says who took the connection."""

    def __init__(self, name: bytes) -> None:
        self.name = name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.name)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        listening.setblocking(False)
        yield listening


def taken(clients: list[socket.socket]) -> list[bytes]:
    """Who took each client's connection, for those that somebody took."""
    names = []
    for client in clients:
        with suppress(BlockingIOError):
            names.append(client.recv(16))
    return names


async def until(n: int, names: list[bytes], clients: list[socket.socket]) -> None:
    async with asyncio.timeout(SOON_S):
        while len(names) < n:
            names += taken(clients)
            await asyncio.sleep(0.01)


def clients_of(listening: socket.socket, n: int, stack: ExitStack) -> list[socket.socket]:
    clients = [stack.enter_context(socket.create_connection(listening.getsockname())) for _ in range(n)]
    for client in clients:
        client.setblocking(False)
    return clients


def test_of_connections_that_wait_each_worker_takes_one_and_leaves_the_next_to_the_others(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_socket, "REST_S", 3600.0)

    async def serve() -> None:
        with ExitStack() as stack:
            clients = clients_of(listening, 3, stack)
            names: list[bytes] = []
            for n, name in enumerate((b"first", b"second"), 1):
                own = stack.enter_context(listening.dup())
                stack.callback(SharedSocket(own, partial(Answering, name)).close)
                await until(n, names, clients)
            assert names == [b"first", b"second"]
            listening.accept()[0].close()  # the third still waits

    asyncio.run(serve())


def test_a_worker_takes_every_connection_and_none_once_it_is_closed(listening: socket.socket) -> None:
    async def serve() -> None:
        with ExitStack() as stack:
            names: list[bytes] = []
            clients = clients_of(listening, 5, stack)
            shared = SharedSocket(listening, lambda: Answering(b"first"))
            await until(5, names, clients)
            shared.close()
            late = clients_of(listening, 1, stack)
            await asyncio.sleep(10 * shared_socket.REST_S)
            assert taken(late) == []
            listening.accept()[0].close()

    asyncio.run(serve())


def test_a_worker_that_may_open_no_more_files_goes_on_when_it_may(
    listening: socket.socket, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(socket.socket):
        n_refused = 0

        def accept(self) -> tuple[socket.socket, object]:
            if self.n_refused < 2:
                self.n_refused += 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    monkeypatch.setattr(shared_socket, "_FULL_S", 0.01)

    async def serve() -> None:
        with ExitStack() as stack:
            names: list[bytes] = []
            clients = clients_of(listening, 1, stack)
            full = stack.enter_context(Full(fileno=listening.dup().detach()))
            shared = SharedSocket(full, lambda: Answering(b"first"))
            await until(1, names, clients)
            shared.close()

    asyncio.run(serve())
    assert caplog.messages == ["no connection can be taken: Too many open files"] * 2
