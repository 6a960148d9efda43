"""A small tracking server that has one champion, and misbehaves in any way that a test sets."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
NEVER_S = 120.0  # what never ends does so when the test is long over
BOMB = gzip.compress(bytes(100 * 2**20), 9)


@dataclass
class Peer:
    """What the server does."""

    folder: Path
    """Where the artifact of each version lies, as ``1``, ``2``."""
    digests: list[str]
    version: int = 1
    on_call: str = ""
    """How it misbehaves at a call of its API; empty is well."""
    on_file: str = ""
    """The same where a file is requested."""
    tags: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers of every request."""
    url: str = ""
    elsewhere: str = ""
    """Another server, to which it redirects."""
    requests_elsewhere: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str) -> dict[str, Any] | None:
        """What a server that is well answers."""
        versions = [self._version(number) for number in range(1, len(self.digests) + 1)]
        champion = {"alias": "champion", "version": str(self.version)}
        match path.removeprefix("/api/2.0/mlflow/"):
            case "registered-models/get":
                return {"registered_model": {"name": "greyhound-win", "aliases": [champion]}}
            case "registered-models/alias" | "model-versions/get":
                return {"model_version": versions[self.version - 1]}
            case "model-versions/search":
                return {"model_versions": versions}
            case "runs/get":
                return {"run": {"info": {"run_id": "r", "artifact_uri": "mlflow-artifacts:/run"}}}
        return None

    def _version(self, number: int) -> dict[str, Any]:
        tags = {"digest": self.digests[number - 1], "kind": "logistic"} | self.tags
        return {
            "name": "greyhound-win",
            "version": str(number),
            "creation_timestamp": 1_780_000_000_000,
            "source": f"mlflow-artifacts:/{number}",
            "run_id": "r",
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }


class Handler(BaseHTTPRequestHandler):
    """Answers one request, well or not."""

    protocol_version = "HTTP/1.1"
    peer: Peer

    def do_GET(self) -> None:
        self.peer.requests.append((self.path, dict(self.headers)))
        path = urlsplit(self.path).path
        is_file = path.startswith(ARTIFACTS + "/")
        how = self.peer.on_file if is_file else self.peer.on_call
        with suppress(ConnectionError):
            if how:
                WAYS[how](self)
            elif is_file:
                self._file(path.removeprefix(ARTIFACTS + "/"))
            elif (answer := self.peer.answer(path)) is not None:
                self.whole(json.dumps(answer).encode())
            else:
                self.whole(b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}', status=404)

    def whole(self, body: bytes, *, status: int = 200, **headers: str) -> None:
        self.head(status, **{"Content-Length": str(len(body))} | headers)
        self.wfile.write(body)

    def head(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def for_ever(self, piece: bytes, pause_s: float = 0.0) -> None:
        self.close_connection = True
        end = time.monotonic() + NEVER_S
        while time.monotonic() < end and not self.peer.is_over.is_set():
            self.wfile.write(piece)
            self.wfile.flush()
            self.peer.is_over.wait(pause_s)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _file(self, name: str) -> None:
        version, _, rest = name.partition("/")
        path = self.peer.folder / version / rest.removeprefix("artifacts/model/")
        if path.is_file():
            self.whole(path.read_bytes())
        else:
            self.whole(b"{}", status=404)


def _trickle(handler: Handler) -> None:
    handler.head(Content_Type="application/json")
    handler.for_ever(b" ", 0.05)


def _trickle_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    handler.for_ever(b"x", 0.05)


def _silent(handler: Handler) -> None:
    handler.for_ever(b"", 0.05)


def _endless(handler: Handler) -> None:
    handler.head()
    handler.for_ever(b" " * 65536)


def _closes_midway(handler: Handler) -> None:
    handler.head(Content_Length="1000")
    handler.wfile.write(b'{"model_version"')
    handler.close_connection = True


def _too_long_by_its_head(handler: Handler) -> None:
    handler.whole(b'{"model_ver', Content_Length="2")
    handler.close_connection = True


def _json(text: str) -> Callable[[Handler], None]:
    return lambda handler: handler.whole(text.encode(), Content_Type="application/json")


WAYS: dict[str, Callable[[Handler], None]] = {
    "trickles": _trickle,
    "trickles its head": _trickle_head,
    "is silent": _silent,
    "never ends": _endless,
    "is a bomb": lambda h: h.whole(BOMB, Content_Encoding="gzip"),
    "closes midway": _closes_midway,
    "is longer than it says": _too_long_by_its_head,
    "fails": lambda h: h.whole(b"Internal error", status=500),
    "comes back tomorrow": lambda h: h.whole(b"", status=503, Retry_After="86400"),
    "is a page": lambda h: h.whole(b"<!doctype html><h1>Sign in</h1>", Content_Type="text/html"),
    "redirects elsewhere": lambda h: h.whole(b"", status=307, Location=h.peer.elsewhere + h.path),
    "redirects in a loop": lambda h: h.whole(b"", status=302, Location=h.path),
    "is a list": _json("[1, 2]"),
    "is deep": _json("[" * 100_000),
    "has a version that is none": _json('{"model_version": {"version": "x", "creation_timestamp": "now"}}'),
    "has a version of another type": _json('{"model_version": [1]}'),
    "has everything in excess": _json(
        '{"model_version": {"version": "9999999999999999999999", "creation_timestamp": 9e18, "tags": [{}]}}'
    ),
    "is empty": _json("{}"),
    "is NaN": _json('{"model_version": {"version": NaN}}'),
}


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that hang up."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def misbehaving(folder: Path, digests: list[str]) -> Iterator[Peer]:
    """Run a server, and another one to which it may redirect."""
    with _running(Peer(folder, digests)) as elsewhere, _running(Peer(folder, digests)) as peer:
        peer.elsewhere = elsewhere.url
        peer.requests_elsewhere = elsewhere.requests
        yield peer


@contextmanager
def _running(peer: Peer) -> Iterator[Peer]:
    handler = type("PeerHandler", (Handler,), {"peer": peer})
    server = QuietServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield peer
    finally:
        peer.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join()
