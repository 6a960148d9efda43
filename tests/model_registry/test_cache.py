"""The cache of artifacts: whole and verified entries, a bounded number of them, several writers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from model_registry.artifact import load_artifact
from model_registry.cache import ArtifactCache
from model_registry.errors import ArtifactBroken
from model_registry.fetch import MAX_CACHED, _cached
from model_registry.mlflow_store.store import MlflowStore
from tests.model_registry.builders import make_artifact

DIES = """
import os, signal, sys
from model_registry.cache import ArtifactCache

def write(target):
    target.mkdir()
    (target / "model.json").write_text("{")
    os.kill(os.getpid(), signal.SIGKILL)

ArtifactCache(sys.argv[1], max_artifacts=2).add(1, "f00", write)
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    make_artifact(tmp_path / "model")
    return tmp_path / "model"


def digest_of(model: Path) -> str:
    return load_artifact(model).digest


def versions_in(cache: ArtifactCache) -> list[int]:
    return [entry.version for entry in cache.newest_first()]


def test_fetches_at_once_leave_one_whole_copy_and_no_drafts(tmp_path: Path) -> None:
    digest = make_artifact(tmp_path / "remote")
    store = MlflowStore(f"sqlite:///{tmp_path}/mlflow.db")
    (tmp_path / "mlflow.db").touch()
    cache = tmp_path / "cache" / "models"
    got: list[Path] = []

    def fetch() -> None:
        got.append(_cached(store, (tmp_path / "remote").as_uri(), "models", 1, digest).directory)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [cache / "000001" / "artifact"] * 4
    assert list(cache.iterdir()) == [cache / "000001"]
    load_artifact(got[0], digest=digest)
    (got[0] / "golden.json").write_text("broken")
    fetch()
    load_artifact(got[-1], digest=digest)
    assert len(list(cache.iterdir())) == 1


def test_a_download_of_something_else_does_not_stay(tmp_path: Path) -> None:
    make_artifact(tmp_path / "remote")
    store = MlflowStore(f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(ArtifactBroken, match="the digest must be f00"):
        _cached(store, (tmp_path / "remote").as_uri(), "models", 1, "f00")
    assert list((tmp_path / "cache" / "models").iterdir()) == []


def test_fetched_versions_beyond_the_newest_are_removed(tmp_path: Path) -> None:
    digest = make_artifact(tmp_path / "remote")
    store = MlflowStore(f"sqlite:///{tmp_path}/mlflow.db")
    cache = tmp_path / "cache" / "models"
    earlier = cache / f"7-{digest}"  # as earlier releases named an entry, which they never removed
    shutil.copytree(tmp_path / "remote", earlier)
    for version in range(1, MAX_CACHED + 4):
        got = _cached(store, (tmp_path / "remote").as_uri(), "models", version, digest)
        assert got.digest == digest
    assert len(list(cache.iterdir())) == MAX_CACHED
    assert versions_in(ArtifactCache(cache, max_artifacts=1)) == list(range(MAX_CACHED + 3, 3, -1))


def test_an_entry_that_is_there_is_not_fetched_again(tmp_path: Path, model: Path) -> None:
    cache, digest = ArtifactCache(tmp_path / "cache", max_artifacts=3), digest_of(model)
    fetched = []

    def fetch(target: Path) -> None:
        fetched.append(target)
        shutil.copytree(model, target)

    for version in (1, 2, 1, 2, 1):
        assert cache.get(version, digest, fetch).digest == digest
    assert len(fetched) == 2


def test_a_writer_that_is_killed_leaves_nothing_that_is_read_and_its_draft_goes(
    tmp_path: Path, model: Path
) -> None:
    folder = tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", DIES, folder], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    cache = ArtifactCache(folder, max_artifacts=2)
    assert (versions_in(cache), len(os.listdir(folder))) == ([], 1)
    cache.add_copy(1, digest_of(model), model)
    assert (versions_in(cache), os.listdir(folder)) == ([1], ["000001"])


def test_an_entry_that_an_earlier_release_wrote_is_read(tmp_path: Path, model: Path) -> None:
    entry = tmp_path / "cache" / "000007"
    shutil.copytree(model, entry / "artifact")
    document = {
        "version": 3,
        "digest": digest_of(model),
        "registry": "ours",
        "champion_since": None,
        "kept_at": "2026-03-14T08:00:02+00:00",
    }
    (entry / "kept.json").write_text(json.dumps(document))
    cache = ArtifactCache(tmp_path / "cache", registry="ours", max_artifacts=2)
    assert versions_in(cache) == [3]
    assert versions_in(ArtifactCache(tmp_path / "cache", registry="another", max_artifacts=2)) == []
    cache.add_copy(4, digest_of(model), model)
    assert sorted(os.listdir(tmp_path / "cache")) == ["000007", "000008"]
