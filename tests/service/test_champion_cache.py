"""The last good champion on disk: a start without the registry, and what goes wrong with storing it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
    win_probabilities,
)
from tests.service.process import service_process


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return make_registry(tmp_path / "registry", exponents=(0.5, 2.0, 1.0))


def wait_until_stored(service: RunningService, version: int) -> None:
    service.wait_until(lambda status: status["kept"]["version"] == version)


def move(service: RunningService, uri: str, version: int) -> None:
    point_alias_at(uri, version)
    service.wait_until(lambda status: status["version"] == version)
    wait_until_stored(service, version)


def test_a_restart_without_the_registry_serves_the_stored_champion_and_then_the_registrys(
    tmp_path: Path, uri: str
) -> None:
    open_registry(uri).promote(2, reason="it is better")
    store, away = tmp_path / "registry", tmp_path / "away"
    with service_process(uri, tmp_path, kept_champion="cache") as service:
        before = win_probabilities(service.predict(make_card()))
        status = service.client.get("/model_status").json()
        assert (status["served_from"], status["served_from_kept_at"]) == ("registry", None)
        wait_until_stored(service, 2)
        service.stop(9)
    store.rename(away)
    with service_process(uri, tmp_path, kept_champion="cache") as service:
        status = service.client.get("/model_status").json()
        assert (status["version"], status["served_from"]) == (2, "kept artifact")
        assert status["served_from_kept_at"] == status["kept"]["kept_at"]
        assert status["champion_since"]
        assert "there is no registry" in status["registry"]["error"]
        assert (win_probabilities(service.predict(make_card())) == before).all()
        away.rename(store)
        open_registry(uri).rollback(reason="it was not")
        status = service.wait_until(lambda status: status["served_from"] == "registry")
        status = service.wait_until(lambda status: status["version"] == 1)


def test_the_same_version_is_taken_from_the_registry_once_it_answers(tmp_path: Path, uri: str) -> None:
    options = {"kept_champion": str(tmp_path / "cache")}
    with running_service(uri, **options) as service:
        wait_until_stored(service, 1)
    (tmp_path / "registry").rename(tmp_path / "away")
    with running_service(uri, **options) as service:
        assert service.client.get("/model_status").json()["served_from"] == "kept artifact"
        (tmp_path / "away").rename(tmp_path / "registry")
        status = service.wait_until(lambda status: status["served_from"] == "registry")
        assert (status["version"], status["served_from_kept_at"]) == (1, None)


def test_the_newest_two_stay_and_a_damaged_one_gives_way_to_the_other(tmp_path: Path, uri: str) -> None:
    folder = tmp_path / "cache"
    with running_service(uri, kept_champion=str(folder)) as service:
        wait_until_stored(service, 1)
        for version in (2, 3, 1, 2):
            move(service, uri, version)
    assert sorted(path.name for path in folder.iterdir()) == ["000004", "000005"]
    versions = [json.loads((path / "kept.json").read_text())["version"] for path in sorted(folder.iterdir())]
    assert versions == [1, 2]
    (tmp_path / "registry").rename(tmp_path / "away")
    graph = next((folder / "000005").rglob("*.onnx"))
    graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")
    with running_service(uri, kept_champion=str(folder)) as service:
        assert service.client.get("/model_status").json()["version"] == 1
    shutil.rmtree(folder / "000004" / "artifact")
    with running_service(uri, kept_champion=str(folder)) as service:
        status = service.client.get("/model_status").json()
        assert (status["version"], status["served_from"]) == (None, None)
        assert "000004" in status["kept"]["error"]


def test_a_champion_that_is_refused_at_a_restart_lets_the_stored_one_serve(tmp_path: Path, uri: str) -> None:
    options = {"kept_champion": str(tmp_path / "cache")}
    with running_service(uri, **options) as service:
        wait_until_stored(service, 1)
    next(open_registry(uri).fetch(2).rglob("*.onnx")).unlink()
    point_alias_at(uri, 2)
    with running_service(uri, **options) as service:
        status = service.client.get("/model_status").json()
        assert (status["version"], status["served_from"]) == (1, "kept artifact")
        assert status["refusals"][0]["version"] == status["registry"]["champion_version"] == 2


def test_what_was_stored_of_another_registry_or_without_a_champion_does_not_serve(
    tmp_path: Path, uri: str
) -> None:
    options = {"kept_champion": str(tmp_path / "cache")}
    with running_service(uri, **options) as service:
        wait_until_stored(service, 1)
    with running_service(f"sqlite:///{tmp_path}/another.db", **options) as service:
        assert service.client.get("/health/ready").status_code == 503
    open_registry(uri)._store.client.delete_registered_model_alias("greyhound-win", "champion")
    with running_service(uri, **options) as service:  # the registry answers: there is no champion
        assert service.client.get("/health/ready").status_code == 503


def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path: Path, uri: str) -> None:
    (tmp_path / "file").write_text("no folder")
    with running_service(uri, kept_champion=str(tmp_path / "file" / "cache")) as service:
        status = service.wait_until(lambda status: status["kept"]["error"])
        assert (status["version"], status["kept"]["version"]) == (1, None)
        point_alias_at(uri, 2)
        service.wait_until(lambda status: status["version"] == 2)
        assert service.predict(make_card()).status_code == 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, which takes a right that tests may lack."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_keeps_what_was_stored_and_stops_nothing(small_disk: Path, uri: str) -> None:
    cache = small_disk / "cache"
    with running_service(uri, kept_champion=str(cache)) as service:
        wait_until_stored(service, 1)
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as full, suppress(OSError):
            while True:
                full.write(bytes(1024))
        point_alias_at(uri, 2)
        status = service.wait_until(lambda status: status["kept"]["error"])
        assert "No space left" in status["kept"]["error"]
        assert (status["version"], status["kept"]["version"]) == (2, 1)
        assert [path.name for path in cache.iterdir()] == ["000001"]
        filler.unlink()
        move(service, uri, 3)
        assert service.client.get("/model_status").json()["kept"]["error"] is None
