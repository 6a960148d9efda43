"""Programs in processes of their own that have imported what they need already.

The imports of a service take 2.7 s of CPU, those of all commands 5.8 s, and the tests start many such
processes. So one process a test run imports those packages once, and forks for each program: what runs is a
process like any other, with its own memory, folder, environment, signals and exit code. ``multiprocessing``
calls such a process a fork server. How commands start from nothing is tested without it, by ``up``, ``serve``
and ``frontend`` in ``tests/greyhound`` and by the tutorials in ``tests/docs``.
"""

import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from tests.model_registry.empty import owner_of_the_folder, share_a_folder

ROOT = Path(__file__).parents[1]
START_S = 300.0

#: What each fork server has imported. A service's has no library that only trains, as a service has none.
SERVICE = (
    "service.serve",
    "model_registry.registry",
    "mlflow.store.tracking.sqlalchemy_store",
    "greyhound.cli",
)
TRAINING = (
    "mlflow.store.tracking.sqlalchemy_store", "mlflow.sklearn", "greyhound.commands.evaluate",
    "greyhound.commands.predictions", "greyhound.commands.replay", "greyhound.commands.retrain",
    "greyhound.commands.score", "greyhound.commands.simulate",
)  # fmt: skip
IMPORTED = {"service": SERVICE, "training": TRAINING}

_BEFORE_A_START = ("LD_PRELOAD", "CLOCK_OFFSET_S", "CLOCK_OFFSET_FILE")
"""Variables that act while a process starts: with one of them a program is started from nothing."""


class ForkedProcess:
    """A program that a fork server runs; the methods are those of :class:`subprocess.Popen`."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection

    def poll(self) -> int | None:
        """Return its exit code, or ``None`` while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code, negative for a signal."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                status = self._connection.recv(64)
            except (BlockingIOError, TimeoutError) as error:
                raise subprocess.TimeoutExpired(["forked"], timeout or 0) from error
            assert status, "the fork server has ended"
            self.returncode = int(status)
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start_python(
    code: str,
    arguments: Sequence[str],
    *,
    imported: str | None,
    cwd: Path,
    stdout: IO[Any],
    stderr: IO[Any],
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> "ForkedProcess | subprocess.Popen[bytes]":
    """Start ``python -c CODE ARGUMENTS`` at the head of a session of its own.

    ``imported`` names the fork server, of :data:`IMPORTED`; without one the program starts from nothing.
    """
    environment = dict(os.environ if env is None else env)
    if imported is None or any(environment.get(name) for name in _BEFORE_A_START):
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=cwd,
            env=environment,
            pass_fds=pass_fds,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    program = {"code": code, "arguments": list(arguments), "cwd": str(cwd), "environment": environment}
    ordered = json.dumps(program | {"pass_fds": list(pass_fds)}).encode()
    connection = _connected(imported)
    connection.settimeout(START_S)
    handed = [stdout.fileno(), stderr.fileno(), *pass_fds]
    socket.send_fds(connection, [len(ordered).to_bytes(4, "big")], handed)
    connection.sendall(ordered)
    return ForkedProcess(int(_line(connection)), connection)


def run_python(
    code: str,
    arguments: Sequence[str],
    *,
    imported: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> "subprocess.CompletedProcess[str]":
    """Run ``python -c CODE ARGUMENTS`` to its end, and return what it printed."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = start_python(
            code, arguments, imported=imported, cwd=cwd, stdout=stdout, stderr=stderr, env=env
        )
        try:
            exit_code = process.wait(timeout)
        finally:
            process.kill()
        for file in (stdout, stderr):
            file.seek(0)
        printed, complaints = (file.read().decode() for file in (stdout, stderr))
    return subprocess.CompletedProcess([code, *arguments], exit_code, printed, complaints)


def _connected(imported: str) -> socket.socket:
    """Connect to a fork server of this test run; the first who needs it starts it."""
    folder = share_a_folder()
    address = folder / f"{imported}.sock"
    with (folder / f"{imported}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not address.exists():
            _start_server(imported, address)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(address))
    return connection


def _start_server(imported: str, address: Path) -> None:
    command = [sys.executable, "-m", "tests.forkserver", imported, str(address)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GREYHOUND_")}
    environment |= {"OMP_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}
    log = address.with_suffix(".log")
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_S
    while not address.exists():
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, "the fork server did not start in time"
        time.sleep(0.02)
    server.returncode = 0  # it ends with the test run: nobody here waits for it


def _line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += (part := connection.recv(1))
        assert part, "the fork server has ended"
    return line


def serve(imported: str, address: Path) -> dict[str, Any]:
    """Fork for each that connects, until the test run ends; return, in each child, what it is to run."""
    import importlib

    for module in IMPORTED[imported]:
        importlib.import_module(module)
    owner = os.pidfd_open(owner_of_the_folder())
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    running: dict[int, socket.socket] = {}
    listening, selector = socket.socket(socket.AF_UNIX), selectors.DefaultSelector()
    draft = address.with_suffix(".draft")
    listening.bind(str(draft))
    listening.listen(64)
    draft.rename(address)
    for one in (listening, woken, owner):
        selector.register(one, selectors.EVENT_READ)
    while True:
        ready = {key.fileobj for key, _ in selector.select()}
        if owner in ready:
            _end(list(running))
        if woken in ready:
            woken.recv(4096)
        _tell_of_ends(running)
        if listening in ready:
            connection, _ = listening.accept()
            program, fds = _program(connection)
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (selector, listening, woken, waker, connection, *running.values()):
                    one.close()
                os.close(owner)
                _become(program, fds)
                return program
            for fd in fds:
                os.close(fd)
            connection.sendall(f"{pid}\n".encode())
            running[pid] = connection


def _program(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    n_bytes, fds, _, _ = socket.recv_fds(connection, 4, 16)
    body = b""
    while len(body) < int.from_bytes(n_bytes, "big"):
        body += connection.recv(65536)
    program: dict[str, Any] = json.loads(body)
    return program, fds


def _become(program: dict[str, Any], fds: list[int]) -> None:
    """Be a process as ``subprocess`` would have started it."""
    os.setsid()
    wanted = [0, 1, 2, *program["pass_fds"]]
    given = [os.open(os.devnull, os.O_RDONLY), *fds]
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 500) for fd in given]  # above all numbers that are wanted
    for fd in given:
        os.close(fd)
    for fd, number in zip(high, wanted, strict=True):
        os.dup2(fd, number)
        os.close(fd)
    # New ones: those of before remember whether their file could seek.
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w", errors="strict")
    sys.stderr = os.fdopen(2, "w", errors="backslashreplace", buffering=1)
    os.environ.clear()
    os.environ.update(program["environment"])
    os.chdir(program["cwd"])
    time.tzset()
    sys.argv = ["-c", *program["arguments"]]
    sys.path[0] = ""


def _tell_of_ends(running: dict[int, socket.socket]) -> None:
    while running:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        with running.pop(pid) as connection, suppress(OSError):  # who started it may be gone
            connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _end(children: list[int]) -> NoReturn:
    for pid in children:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    started = serve(sys.argv[1], Path(sys.argv[2]))
    main = type(sys)("__main__")  # as that of ``python -c``: without a file
    sys.modules["__main__"] = main
    exec(compile(started["code"], "<string>", "exec"), main.__dict__)
