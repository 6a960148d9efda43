"""The registry through a tracking server, which keeps artifacts behind HTTP."""

import os
import shutil
from pathlib import Path

import pytest

from model_registry import get_model_registry
from model_registry.artifact import load_artifact
from model_registry.cache import ArtifactCache
from model_registry.errors import NoChampion, NoReport, NoSuchVersion
from tests.model_registry.builders import make_artifact
from tests.model_registry.dying import die_promoting
from tests.model_registry.mlflow_process import running
from tests.ports import free_port


def test_a_tracking_server_does_what_a_file_does_and_artifacts_are_cached(
    empty_registry_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(empty_registry_file, tmp_path / "mlflow.db")
    port = free_port()
    command = ["server", "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--port", str(port)]
    command += ["--artifacts-destination", f"{tmp_path}/artifacts", "--workers", "1"]
    environment = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # else it starts three more processes
        "PYTHONWARNINGS": "ignore",
    }
    (tmp_path / "client").mkdir()
    monkeypatch.chdir(tmp_path / "client")
    with running(command, environment, tmp_path / "log", f"http://127.0.0.1:{port}/health"):
        registry = get_model_registry(f"http://127.0.0.1:{port}")
        assert registry.versions() == []
        with pytest.raises(NoChampion):
            registry.champion()
        digests = [make_artifact(tmp_path / name, coefficients=(i, 1, 1)) for i, name in enumerate("ab")]
        for name in "ab":
            registry.register(tmp_path / name)
        with pytest.raises(NoChampion):
            registry.champion_version_number()
        with pytest.raises(NoSuchVersion):
            registry.version(3)
        registry.promote(1, reason="first")
        registry.promote(2, reason="second")
        assert registry.rollback(reason="back").version == registry.champion_version_number() == 1
        assert [record.version for record in registry.history()] == [1, 2, 1]
        die_promoting(registry.tracking_uri, 2, cwd=tmp_path)
        assert [record.is_carried_out for record in registry.history()] == [True, True, True, False]
        assert registry.changes()[1] is None
        registry.promote(2, reason="again")
        assert registry.rollback(reason="back").version == 1
        assert registry.documents(registry.artifact_ref(2), ["metrics"])["metrics"]["auc"] == 0.7
        with pytest.raises(NoReport, match="version 2 has no report"):
            registry.report(2)
        registry._store.client.log_text(registry.version(2).run_id, "<h1>Two</h1>", "report.html")
        assert registry.report(2) == "<h1>Two</h1>"
        cache = tmp_path / "client" / "var" / "cache" / "models"
        assert registry.fetch(2).parent.parent == cache
        load_artifact(registry.fetch(2), digest=digests[1])
        entries = ArtifactCache(cache, max_artifacts=2).newest_first()
        assert {(entry.version, entry.digest) for entry in entries} == {(1, digests[0]), (2, digests[1])}
        assert len(list(cache.iterdir())) == 2
