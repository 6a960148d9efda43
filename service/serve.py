"""Run the service on a socket until SIGTERM or Ctrl-C, in this process or in workers.

**Guarantee** (``tests/service/test_stopping.py``): no request is lost at SIGTERM; it is not ready first; it
ends in time with exit code 0, whatever hangs. uvicorn's own shutdown with ``timeout_graceful_shutdown`` was
tried: it closes idle keep-alive connections at once, and with them requests that clients have just sent, and
resets the connections that wait to be accepted. What is left of ours is :meth:`Server.shutdown`.
"""

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from service.app import create_app
from service.errors import PortTaken
from service.observability import logs
from service.observability.exposition import shared_metrics
from service.server.connections import SWEEP_S, Connection
from service.server.shared_socket import SharedSocket
from service.server.shutdown import exit_after, leave
from service.server.supervisor import Supervisor
from service.serving.loading import freeze_garbage
from service.settings import ServiceSettings
from service.state import AppState

BACKLOG = 2048
QUIET_S = 0.5  # a connection without a request for so long is closed when the service ends
SWITCH_S = 0.0005
"""A card gives the interpreter away in each call of a graph, and has it back from a busy thread after this;
by default after 5 ms, five times a card's own time."""
_TICK_S = 0.02
_LAST_RESORT_S = 5.0  # for an end that hangs
_THREADS_S = 0.3  # for threads that hang in a database that does not answer


def run(settings: ServiceSettings, listening: socket.socket, *, n_workers: int = 1) -> None:
    """Serve on an open socket until Ctrl-C or SIGTERM; requests in flight are finished first."""
    raise_open_files()
    if n_workers == 1:
        _serve(settings, listening)
        return
    import_what_workers_need()
    shutdown_s = settings.drain_s + settings.grace_s + _LAST_RESORT_S + 1.0
    logs.configure(settings)
    with shared_metrics(settings, n_workers) as shared:
        Supervisor(partial(_serve, shared, is_shared=True), listening, n_workers, shutdown_s=shutdown_s).run()


def _serve(settings: ServiceSettings, listening: socket.socket, *, is_shared: bool = False) -> None:
    sys.setswitchinterval(SWITCH_S)
    logs.configure(settings)  # in the process that serves: a thread of its own writes the lines
    Server(settings, is_shared=is_shared).run(sockets=[listening])


class Server(uvicorn.Server):
    """uvicorn's server with a shutdown that loses no request, and with time-outs of connections.

    While it shuts down, every answer is the last of its connection and has ``Connection: close``; only a
    connection without a request for half a second is closed without one.

    Parameters
    ----------
    is_shared
        Whether other workers take connections from the same sockets.
    """

    def __init__(self, settings: ServiceSettings, *, is_shared: bool = False) -> None:
        app = create_app(settings)
        self._settings = settings
        self._is_shared = is_shared
        self._shared_sockets: list[SharedSocket] = []
        self._service: AppState = app.state.service
        self._draining = self._service.draining
        self._n_interrupts = 0
        self._is_stopped_by_signal = False
        config = uvicorn.Config(
            app,
            http=partial(Connection, settings=settings, draining=self._draining),  # type: ignore[arg-type]
            ws="none",
            access_log=False,
            log_config=None,  # service.observability.logs has configured logging
            log_level="warning",
            server_header=False,
            proxy_headers=False,  # see `trusted_proxies`
            timeout_keep_alive=settings.keep_alive_s,
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and take connections."""
        if not self._is_shared:
            await super().startup(sockets)
            return
        await super().startup([])
        for listening in sockets or []:
            listening.setblocking(False)
            self._shared_sockets.append(SharedSocket(listening, self._protocol))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; the second Ctrl-C ends at once."""
        self._n_interrupts += sig == signal.SIGINT
        self._draining.begin()
        if self.should_exit and sig == signal.SIGINT and self._n_interrupts > 1:
            self.force_exit = True
        elif not self.should_exit:
            self.should_exit = self._is_stopped_by_signal = True
            seconds = self._settings.drain_s + self._settings.grace_s + _LAST_RESORT_S
            exit_after(seconds, exit_code=1)

    async def on_tick(self, counter: int) -> bool:
        """Apply the time-outs of connections twice a second."""
        if counter % int(SWEEP_S * 10) == 0:
            self._sweep()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on while load balancers notice; then close each connection with its last answer."""
        self._draining.begin()
        self._service.events.end()
        await self._wait(self._settings.drain_s, is_done=lambda: False)
        await self._stop_listening(sockets or [])
        self._draining.close()
        for connection in self._connections():
            connection.retire()
        await self._wait(QUIET_S, is_done=self._is_done)
        await self._wait(self._settings.grace_s - QUIET_S, is_done=self._is_done, close_idle=True)
        for connection in self._connections():
            connection.transport.abort()
        for task in self.server_state.tasks:
            task.cancel()
        if not self.force_exit:
            await self.lifespan.shutdown()
        if self._is_stopped_by_signal:
            if self._service.shadow.is_running or self._service.threads.challenger_answers.n_hanging:
                leave(exit_code=0)
            exit_after(_THREADS_S, exit_code=0)

    async def _wait(self, seconds: float, *, is_done: Any, close_idle: bool = False) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end and not self.force_exit and not is_done():
            if close_idle:
                for connection in self._connections():
                    connection.close_if_idle()
            await asyncio.sleep(_TICK_S)

    def _is_done(self) -> bool:
        return not self.server_state.connections and not self.server_state.tasks

    def _connections(self) -> list[Connection]:
        return [one for one in self.server_state.connections if isinstance(one, Connection)]

    def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in self._connections():
            connection.sweep(now)

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Accept what waits to be accepted, for closing would reset it; then nothing more."""
        loop = asyncio.get_running_loop()
        copies = [listening.dup() for listening in sockets]
        taking: list[Any] = [*self.servers, *self._shared_sockets]
        for listener in taking:
            listener.close()
        for listening in sockets:
            listening.close()
        waiting: list[socket.socket] = []
        for listening in copies:
            listening.setblocking(False)
            with suppress(OSError):
                while True:
                    waiting.append(listening.accept()[0])
            listening.close()
        for client in waiting:
            with suppress(OSError):
                await loop.connect_accepted_socket(self._protocol, client)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


def import_what_workers_need() -> None:
    """Import what is otherwise imported when first needed, and freeze it for the garbage collector.

    The collector would write to every object, and so copy each page that the workers share.
    """
    import model_registry.registry  # noqa: F401

    freeze_garbage()


def raise_open_files() -> None:
    """Let this process open as many files as it may: every connection is one."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))


def open_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises
    ------
    service.errors.PortTaken
        If another process listens there, or we may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return listening
