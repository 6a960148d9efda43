"""Proxies in front, as they are shipped and as the docs say: whose address arrives; nothing is lost."""

import json
import os
import re
import shutil
import subprocess
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pydantic import ValidationError

from greyhound_client import GreyhoundClient, RetryPolicy
from service.security.client_address import TrustedProxies, address_of, client_of
from service.security.rate_limiter import RateLimiter
from service.settings import ServiceSettings
from tests.compose.name_server import name_server
from tests.ports import free_port
from tests.service.builders import make_card, make_registry, open_registry, running_service
from tests.service.living import wait_until

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/keys-and-tls.md"
# As in docker-compose.yml, clients come from networks whose proxies are trusted.
LIMITED: dict[str, Any] = {"rate_per_s": 0.001, "rate_burst": 3, "trusted_proxies": ("127.0.0.0/8",)}
FORGED = {
    "X-Forwarded-For": "203.0.113.{0}",
    "Forwarded": "for=203.0.113.{0}",
    "X-Real-IP": "203.0.113.{0}",
    "X-Client-IP": "203.0.113.{0}",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"), exponents=(1.0, 1.5))


def program(name: str) -> str:
    """Return the path of a program; skip where it is not installed."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/usr/sbin")
    if not found:
        pytest.skip(f"{name} is not installed (Debian: apt install {name})")
    return found


def documented(beginning: str) -> str:
    """Return the block of the page that begins so."""
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    (found,) = [block for block in blocks if block.startswith(beginning)]
    return str(found)


@contextmanager
def haproxy(
    folder: Path, service_port: int, proxies: str = "", setting: str = "GREYHOUND_PROXY_TRUSTED_PROXIES"
) -> Iterator[str]:
    """The shipped HAProxy before a service."""
    port, names = free_port(), free_port()
    environment = {
        "GREYHOUND_PROXY_LISTEN": f"127.0.0.1:{port}",
        "GREYHOUND_PROXY_SERVICE": f"service:{service_port}",
        "GREYHOUND_PROXY_RESOLVER": f"127.0.0.1:{names}",
    }
    if proxies:
        environment[setting] = proxies
    command = [program("haproxy"), "-db", "-q", "-f", str(ROOT / "deploy/haproxy/haproxy.cfg")]
    with name_server("127.0.0.1", names, "service", ["127.0.0.1"]), running(command, folder, environment):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def nginx(folder: Path, service_port: int) -> Iterator[str]:
    """The page's nginx before a service, with a certificate of our own."""
    command, openssl, port = program("nginx"), program("openssl"), free_port()
    key = ["-nodes", "-newkey", "rsa:2048", "-keyout", "key.pem", "-out", "fullchain.pem", "-days", "2"]
    name = ["-subj", "/CN=races.example"]
    subprocess.run([openssl, "req", "-x509", *key, *name], cwd=folder, check=True, capture_output=True)
    text = documented("upstream greyhound").replace("/etc/ssl/races.example", str(folder))
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace(":8000", f":{service_port}")
    places = [
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    user = "user root;" if os.getuid() == 0 else ""  # else its workers may not write to our folder
    outside = f"{user} daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(
        f"{outside}http {{ access_log off; {' '.join(places)}\n{text} }}\n", encoding="utf-8"
    )
    with running([command, "-p", str(folder), "-c", str(folder / "nginx.conf")], folder):
        yield f"https://127.0.0.1:{port}"


@contextmanager
def caddy(folder: Path, service_port: int) -> Iterator[str]:
    """The page's Caddy before a service, without a certificate, which only a public name gets."""
    command, port = program("caddy"), free_port()
    text = documented("races.example {").replace("races.example", f"http://127.0.0.1:{port}")
    file = folder / "Caddyfile"
    file.write_text("{\n admin off\n}\n" + text.replace(":8000", f":{service_port}"), encoding="utf-8")
    environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with running([command, "run", "--config", str(file)], folder, environment):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    """A program, until the block ends."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment or {}, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


PROXIES = pytest.mark.parametrize("proxy", [haproxy, nginx, caddy])
Proxy = Callable[[Path, int], Any]


def client_from(url: str, source: str = "127.0.0.1") -> httpx.Client:
    """A client that comes from an address of this machine."""
    transport = httpx.HTTPTransport(local_address=source, verify=False)
    return httpx.Client(base_url=url, transport=transport, timeout=60)


def wait_for(client: httpx.Client, path: str = "/health/ready") -> None:
    """Wait until the proxy answers with the service's own answer."""

    def answers() -> bool:
        try:
            return client.get(path).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(answers)


@PROXIES
def test_a_proxy_forwards_the_address_of_the_client_whatever_the_client_claims(
    tmp_path: Path, registry: str, proxy: Proxy
) -> None:
    with (
        running_service(registry, **LIMITED) as service,
        proxy(tmp_path, int(service.url.rpartition(":")[2])) as url,
        client_from(url, "127.0.0.5") as one,
        client_from(url, "127.0.0.6") as other,
    ):
        wait_for(one)

        def statuses(client: httpx.Client, first: int) -> list[int]:
            found = []
            for number in range(first, first + 4):
                forged = {name: text.format(number) for name, text in FORGED.items()}
                found.append(client.get("/models", headers=forged).status_code)
            return found

        assert statuses(one, 1) == [200, 200, 200, 429]
        assert statuses(other, 5) == [200, 200, 200, 429], "each client has a limit of its own"


@pytest.mark.parametrize("setting", ["GREYHOUND_PROXY_TRUSTED_PROXIES", "GREYHOUND_DOOR_PROXIES"])
def test_the_shipped_proxy_trusts_only_the_last_address_of_a_proxy_that_is_named(
    tmp_path: Path, registry: str, setting: str
) -> None:
    with (
        running_service(registry, **LIMITED) as service,
        haproxy(tmp_path, int(service.url.rpartition(":")[2]), "127.0.0.7 10.0.0.0/8", setting) as url,
        client_from(url, "127.0.0.7") as named,
        client_from(url, "127.0.0.8") as client,
    ):
        wait_for(named)

        def statuses(client: httpx.Client, text: str) -> list[int]:
            sent = [text.format(number) for number in range(1, 5)]
            return [client.get("/models", headers={"X-Forwarded-For": one}).status_code for one in sent]

        assert statuses(named, "198.51.100.{}") == [200] * 4
        assert statuses(named, "198.51.100.{}, 203.0.113.1") == [200, 200, 200, 429]
        assert statuses(named, "203.0.113.{}, no address") == [200, 200, 200, 429], "the proxy's own"
        assert statuses(client, "192.0.2.{}") == [200, 200, 200, 429]


def test_the_shipped_proxy_warns_of_the_old_name_of_its_setting() -> None:
    command = [program("haproxy"), "-c", "-f", str(ROOT / "deploy/haproxy/haproxy.cfg")]
    for proxies, n_warnings in (("", 0), ("10.0.0.0/8", 1)):
        done = subprocess.run(
            command, env={"GREYHOUND_DOOR_PROXIES": proxies}, capture_output=True, text=True, check=True
        )
        assert (
            done.stderr.count("GREYHOUND_DOOR_PROXIES is called GREYHOUND_PROXY_TRUSTED_PROXIES now")
            == n_warnings
        )


@PROXIES
def test_a_large_batch_passes_and_refusals_stay_as_the_service_wrote_them(
    tmp_path: Path, registry: str, proxy: Proxy
) -> None:
    with (
        running_service(registry) as service,
        proxy(tmp_path, int(service.url.rpartition(":")[2])) as url,
        client_from(url) as client,
    ):
        wait_for(client)
        filler = b" " * (4 * 1024 * 1024)
        lines = json.dumps(make_card()).encode() + b"\n" + filler + b"\n"
        batch = client.post("/predict/batch", content=lines, headers={"Content-Type": "application/x-ndjson"})
        assert batch.status_code == 200, batch.text[:300]
        assert batch.json()["runners"]
        for answer in (
            client.post("/predict", content=b" " * 300_000, headers={"Content-Type": "application/json"}),
            client.post("/predict", json={}),
            client.get("/nothing"),
            client.post("/rollback"),
        ):
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"].startswith("urn:greyhound:problem:")


@PROXIES
def test_each_answer_of_a_batch_is_handed_on_as_it_comes(tmp_path: Path, proxy: Proxy) -> None:
    goes_on = threading.Event()

    class InParts(BaseHTTPRequestHandler):
        """Answers a batch in two parts, the second when it may go on."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # a health check
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))  # what is not read is a reset at the close
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"6\r\nfirst\n\r\n")
            goes_on.wait(60)
            self.wfile.write(b"7\r\nsecond\n\r\n0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            return

    with ExitStack() as stack:
        upstream = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), InParts))
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        stack.callback(upstream.shutdown)
        stack.callback(goes_on.set)
        url = stack.enter_context(proxy(tmp_path, upstream.server_port))
        client = stack.enter_context(client_from(url))
        wait_for(client)
        with client.stream("POST", "/predict/batch", content=b"x") as response:
            lines = response.iter_lines()
            assert next(lines) == "first"
            goes_on.set()
            assert next(lines) == "second"


@PROXIES
def test_a_promotion_and_a_new_start_lose_no_answer_of_a_client_that_asks_again(
    tmp_path: Path, registry: str, proxy: Proxy
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        service = first.enter_context(running_service(registry))
        port = int(service.url.rpartition(":")[2])
        url = stack.enter_context(proxy(tmp_path, port))
        http = stack.enter_context(client_from(url))
        wait_for(http)
        client = GreyhoundClient(url, http=http, retry_policy=RetryPolicy(n_tries=60, max_wait_s=2))
        versions: list[int] = []
        is_over = threading.Event()

        def ask() -> None:
            while not is_over.is_set():
                versions.append(client.predict(make_card()).model_version)

        asker = threading.Thread(target=ask)
        asker.start()
        stack.callback(asker.join)
        stack.callback(is_over.set)
        serving = service.client.get("/model_status").json()["version"]
        open_registry(registry).promote(3 - serving, reason="to see it arrive", by="test")
        wait_until(lambda: versions and versions[-1] == 3 - serving)
        first.close()  # the service ends, and is started again
        n_before = len(versions)
        with running_service(registry, port=port):
            wait_until(lambda: len(versions) > n_before + 20 or not asker.is_alive())
            assert asker.is_alive(), "a card was not answered"
            is_over.set()
            asker.join(60)
        assert {*versions} == {1, 2}


@PROXIES
def test_no_replica_is_a_problem_document_as_of_the_service(tmp_path: Path, proxy: Proxy) -> None:
    with proxy(tmp_path, free_port()) as url, client_from(url) as client:
        wait_until(lambda: _status(client) == 503)
        answer = client.get("/models")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 503


def _status(client: httpx.Client) -> int:
    try:
        return client.get("/models").status_code
    except httpx.TransportError:
        return 0


def seen_client(headers: list[tuple[bytes, bytes]], peer: str = "10.0.0.1") -> str:
    """Return the client that limits count, behind trusted proxies of 10.0.0.0/8 and fd00::/8."""
    seen = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(client_of(scope))

    scope = {"type": "http", "client": (peer, 1), "headers": headers}
    anyio.run(TrustedProxies(app, ["10.0.0.0/8", "fd00::/8"]), scope, None, None)
    return seen[0]


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9, 10.2.3.4", "203.0.113.9"),
        ("1.2.3.4,203.0.113.9:4711 ,10.2.3.4:80", "203.0.113.9"),
        ("[2001:db8:1:2::7]:443", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::7, fd00::1", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("10.9.9.9, 10.8.8.8", "10.9.9.9"),
        ("", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("1.2.3.4, unknown", "10.0.0.1"),
        ("1.2.3.4, _hidden, 10.2.3.4", "10.2.3.4"),
        ("1.2.3.4\x00", "10.0.0.1"),
        ("fe80::1%eth0", "10.0.0.1"),
        ("9" * 60_000, "10.0.0.1"),
        ("1.2.3.4, " + "10.0.0.2, " * 5000 + "10.0.0.3", "10.0.0.2"),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy(forwarded: str, client: str) -> None:
    header = (b"x-forwarded-for", forwarded.encode("latin-1"))
    assert seen_client([header]) == client
    assert seen_client([header], peer="192.0.2.1") == "192.0.2.1", "no proxy of ours"
    assert seen_client([(b"forwarded", b"for=1.2.3.4"), (b"x-real-ip", b"1.2.3.4")]) == "10.0.0.1"


def test_headers_that_come_twice_are_read_as_one() -> None:
    twice = [(b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-for", b"203.0.113.9, 10.1.1.1")]
    assert seen_client(twice) == "203.0.113.9"


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1/8", "*", "10.0.0.256", "a" * 500])
def test_a_trusted_proxy_that_is_no_address_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValidationError, match=r"a trusted proxy is an IP address or a network"):
        ServiceSettings(trusted_proxies=("10.0.0.0/8", text))


def test_any_number_of_claimed_addresses_of_any_length_costs_little_memory() -> None:
    buckets = RateLimiter(1, 5)
    tracemalloc.start()
    try:
        for number in range(25_000):
            claimed = b"%d.%d.%d.7" % (number >> 16, number >> 8 & 255, number & 255)
            scope = {"client": (claimed.decode(), 1)}
            assert address_of(claimed.decode()) is not None
            buckets.take(client_of(scope))
        for number in range(2_000):
            for text in (f"{number:06}:", f"{number:06}"):  # as no proxy of ours lets through
                buckets.take(client_of({"client": (text + "x" * 13_000, 1)}))
        held, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(buckets) == 20_000
    assert held < 8e6
