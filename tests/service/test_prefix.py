"""A slash at the end, and a prefix that a reverse proxy (a real HAProxy) cuts off or leaves."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from service.settings import ServiceSettings
from tests.ports import free_port
from tests.service.builders import make_card, make_registry, running_service, win_probabilities
from tests.service.living import wait_until

PROXY = shutil.which("haproxy")
CONFIGURATION = """
defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend public
    bind 127.0.0.1:{port}
    {rule}
    default_backend service
backend service
    server only {service}
"""
CUT = "http-request replace-path /greyhound(/)?(.*) /\\2"


@contextmanager
def proxy(folder: Path, service: str, rule: str) -> Iterator[httpx.Client]:
    """A proxy before a service."""
    port, file = free_port(), folder / "haproxy.cfg"
    text = CONFIGURATION.format(port=port, rule=rule, service=service.removeprefix("http://"))
    file.write_text(text, encoding="utf-8")
    process = subprocess.Popen([str(PROXY), "-db", "-q", "-f", str(file)])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

            def answers() -> bool:
                try:
                    return client.get("/greyhound/health/live").status_code == 200
                except httpx.TransportError:
                    return False

            wait_until(answers)
            yield client
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


def check_addresses(client: httpx.Client, prefix: str) -> None:
    """Every address answers the same with a slash at its end, and each redirect leads to a page."""
    plain = client.post(f"{prefix}/predict", json=make_card())
    slashed = client.post(f"{prefix}/predict/", json=make_card())
    assert slashed.status_code == 200, "no redirect, so no body is lost"
    assert list(win_probabilities(slashed)) == list(win_probabilities(plain))
    batch = client.post(f"{prefix}/predict/batch/", json=[make_card()] * 2)
    assert (batch.status_code, len(batch.text.splitlines())) == (200, 2)
    for path in ("/docs", "/redoc", "/health/ready", "/openapi.json", "/models", "/models/1", "/metrics"):
        for ending in ("", "/"):
            assert client.get(f"{prefix}{path}{ending}").status_code == 200, path + ending
    for path in (prefix, f"{prefix}/"):
        answer = client.get(path, follow_redirects=True)
        assert (answer.status_code, answer.url.path) == (200, f"{prefix}/docs"), path
    assert client.get(f"{prefix}/nothing/").status_code == 404
    assert client.get(f"{prefix}/docs/").headers["Content-Security-Policy"].count("script-src") == 1
    long = b" " * (ServiceSettings().max_body_bytes + 1)
    headers = {"Content-Type": "application/x-ndjson"}
    assert client.post(f"{prefix}/predict/batch/", content=long, headers=headers).status_code == 200
    assert client.post(f"{prefix}/predict/", content=long, headers=headers).status_code == 413


def test_a_slash_at_the_end_is_read_over(registry: str) -> None:
    with running_service(registry) as service:
        check_addresses(service.client, "")


@pytest.mark.skipif(PROXY is None, reason="haproxy is not installed")
@pytest.mark.parametrize("rule", ["", CUT], ids=["the proxy leaves the prefix", "the proxy cuts it off"])
def test_a_slash_at_the_end_is_read_over_behind_a_prefix(registry: str, tmp_path: Path, rule: str) -> None:
    with (
        running_service(registry, root_path="/greyhound") as service,
        proxy(tmp_path, service.url, rule) as client,
    ):
        check_addresses(client, "/greyhound")


@pytest.mark.parametrize("text", ["/greyhound", "greyhound", "/greyhound/", "greyhound/"])
def test_a_prefix_is_one_however_its_slashes_are_set(text: str) -> None:
    assert ServiceSettings(root_path=text).root_path == "/greyhound"


def test_what_is_no_prefix_is_refused() -> None:
    assert ServiceSettings(root_path="/").root_path == ""
    for text in ("https://races.example/greyhound", "/grey hound", "/a?b"):
        with pytest.raises(ValueError, match="a root path has"):
            ServiceSettings(root_path=text)
