"""Requests as a test's own server reads them from a socket."""

import re
import socket

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


def whole_request(connection: socket.socket) -> bytes:
    """Read a request to its end, or as far as it comes, and return it.

    A body often comes after its head. What a server leaves unread when it closes resets the connection, and
    the client may lose the answer.
    """
    request = b""
    while not _is_whole(request) and (part := connection.recv(65536)):
        request += part
    return request


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    if _CHUNKED.search(head):
        return body.endswith(b"0\r\n\r\n")
    length = _LENGTH.search(head)
    return length is None or len(body) >= int(length[1])
