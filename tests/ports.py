"""Ports for programs that get a port to listen on, and that no other process of the tests is given."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

# Below those that systems give to connections (32768 and up with Linux, 49152 with others): a port that one
# of them had a moment ago would be given to the next client that connects.
PORTS = range(20_000, 32_000)
_HELD: list[int] = []


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port where nobody listens, this process's own until it ends."""
    folder = Path(tempfile.gettempdir()) / f"ports-of-tests-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        lock = os.open(folder / str(port), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.create_server((address, port)):
                pass
        except OSError:  # another process has it, of the tests or not
            os.close(lock)
            continue
        _HELD.append(lock)
        return port
    raise OSError(f"no port of {PORTS.start} to {PORTS.stop - 1} is free at {address}")
