"""A name server that knows one name, as Docker's own knows the replicas of a service by their common name."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_ADDRESS, _INTERNET = 1, 1


@contextmanager
def name_server(address: str, port: int, name: str, addresses: Sequence[str]) -> Iterator[None]:
    """Answer questions for ``name`` with its addresses until the block ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((address, port))
        thread = threading.Thread(target=_serve, args=(listening, name, addresses), daemon=True)
        thread.start()
        yield
        listening.sendto(b"", (address, port))  # an empty question ends it
        thread.join(5)


def _serve(listening: socket.socket, name: str, addresses: Sequence[str]) -> None:
    while True:
        question, client = listening.recvfrom(4096)
        if not question:
            return
        listening.sendto(_answer(question, name, addresses), client)


def _answer(question: bytes, name: str, addresses: Sequence[str]) -> bytes:
    """Return the answer to a question with one name (RFC 1035); of no type but A there is anything."""
    identity = question[:2]
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    kind = struct.unpack("!H", question[at + 1 : at + 3])[0]
    known = ".".join(labels) == name
    given = addresses if known and kind == _ADDRESS else ()
    flags = 0x8180 if known else 0x8183  # no such name
    head = identity + struct.pack("!HHHHH", flags, 1, len(given), 0, 0)
    records = (
        struct.pack("!HHHIH", 0xC00C, _ADDRESS, _INTERNET, 1, 4) + socket.inet_aton(one) for one in given
    )
    return head + question[12 : at + 5] + b"".join(records)
