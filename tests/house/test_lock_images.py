"""Images of others are pinned by digest, found at a real registry; nothing is half pinned."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import lock_images
from tests.house.test_repository import ROOT
from tests.ports import free_port

DOCKERFILE = "ARG PYTHON_IMAGE={}\nFROM ${{PYTHON_IMAGE}} AS base\nFROM base AS other\n"
COMPOSE = "services:\n  a:\n    image: {} # with a word\n  b:\n    image: greyhound-service\n"


def write(folder: Path, python: str, postgres: str) -> None:
    (folder / "Dockerfile").write_text(DOCKERFILE.format(python))
    (folder / "docker-compose.yml").write_text(COMPOSE.format(postgres))


def written(folder: Path) -> tuple[str, str]:
    return (folder / "Dockerfile").read_text(), (folder / "docker-compose.yml").read_text()


def image(folder: Path, letter: str) -> str:
    """Write an image of no files that differs by a letter, and return its folder."""
    blobs = folder / letter / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(kind: str, content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {
            "mediaType": f"application/vnd.oci.image.{kind}",
            "digest": f"sha256:{digest}",
            "size": len(content),
        }

    config = {
        "architecture": "amd64",
        "os": "linux",
        "author": letter,
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob("config.v1+json", json.dumps(config).encode()),
        "layers": [],
    }
    index = {"schemaVersion": 2, "manifests": [blob("manifest.v1+json", json.dumps(manifest).encode())]}
    (folder / letter / "index.json").write_text(json.dumps(index))
    (folder / letter / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return str(folder / letter)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A registry on this machine, without TLS; its address."""
    if not (shutil.which("docker-registry") and shutil.which("skopeo")):
        pytest.skip("docker-registry and skopeo are not installed")
    address = f"127.0.0.1:{free_port()}"
    settings = tmp_path / "registry.yml"
    settings.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/store}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    (tmp_path / ".config" / "containers").mkdir(parents=True)
    (tmp_path / ".config" / "containers" / "registries.conf").write_text(
        f'[[registry]]\nlocation = "{address}"\ninsecure = true\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(settings)],
            stdout=log,
            stderr=log,
            env=os.environ | {"OTEL_TRACES_EXPORTER": "none"},
        )
    try:
        deadline = time.monotonic() + 60
        while "listening on" not in (tmp_path / "log").read_text():
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield address
    finally:
        process.terminate()
        process.wait()


def push(registry: str, folder: str, name: str) -> str:
    """Push an image, and return the digest that the registry tells."""
    target = f"docker://{registry}/{name}"
    file = Path(folder).parent / "digest"
    command = [
        "skopeo",
        "copy",
        "--insecure-policy",
        "--quiet",
        "--digestfile",
        str(file),
        f"oci:{folder}",
        target,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return file.read_text().strip()


def test_tags_are_pinned_as_a_real_registry_has_them_and_renewed(registry: str, tmp_path: Path) -> None:
    python, postgres = f"{registry}/python:3.11", f"{registry}/db/postgres:17-bookworm"
    first = push(registry, image(tmp_path, "a"), "python:3.11")
    other = push(registry, image(tmp_path, "b"), "db/postgres:17-bookworm")
    assert first != other
    write(tmp_path, python, postgres)
    pinned = f"{python}@{first}", f"{postgres}@{other}"
    assert lock_images.lock(tmp_path) == sorted(pinned)
    assert written(tmp_path) == (DOCKERFILE.format(pinned[0]), COMPOSE.format(pinned[1]))
    renewed = push(registry, image(tmp_path, "c"), "python:3.11")
    lock_images.lock(tmp_path)
    assert renewed != first
    assert written(tmp_path) == (DOCKERFILE.format(f"{python}@{renewed}"), COMPOSE.format(pinned[1]))


def test_a_tag_that_is_not_there_changes_nothing(registry: str, tmp_path: Path) -> None:
    push(registry, image(tmp_path, "a"), "python:3.11")
    write(tmp_path, f"{registry}/python:3.11", f"{registry}/postgres:17")
    before = written(tmp_path)
    with pytest.raises(lock_images.NotFound, match=r"postgres:17: .*unknown"):
        lock_images.lock(tmp_path)
    assert written(tmp_path) == before


def test_every_image_of_others_in_our_files_is_one_that_is_pinned() -> None:
    """What a file names in a way that is not looked for would stay a tag for ever."""
    requested: list[str] = []
    dockerfile, compose = (ROOT / name for name in ("Dockerfile", "docker-compose.yml"))
    for file in (dockerfile, compose):
        requested += [match["tag"] for match in lock_images._IMAGE.finditer(file.read_text())]
    of_others = {
        name.partition("@")[0]
        for name in re.findall(r"^\s+image: (\S+)", compose.read_text(), flags=re.M)
        if not name.startswith("greyhound-")
    }
    assert set(requested) == {"python:3.11-slim-bookworm"} | of_others
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile.read_text(), flags=re.M)
    assert {base for base, _ in stages} - {name for _, name in stages} == {"${PYTHON_IMAGE}"}
