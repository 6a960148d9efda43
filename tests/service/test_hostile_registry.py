"""What a registry may hold: tags of any content, files that are none, sources anywhere."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from greyhound.cli import main
from model_registry.errors import ArtifactBroken, RegistryUnavailable, SourceRefused
from tests.service.builders import RunningService, address, make_card, open_registry, point_alias_at
from tests.service.builders import running_service as start_service
from tests.service.trained import make_trained_registry

DIGIT = "9" * 400
VALUES = {
    "empty": "",
    "1 MB": "x" * 2**20,
    "not JSON": "{",
    "a list": "[1, 2]",
    "deep JSON": "[" * 100_000,
    "NaN": "NaN",
    "infinite": "1e999",
    "many digits": DIGIT,
    "a surrogate": json.dumps({"reason": "\ud800", "by": "\ud800"}),
    "a path": "../../../../etc/passwd",
    "escapes": "\x1b]0;x\x07\x1b[2J\r\n\x00",
}
OURS = ("digest", "kind", "feature_version", "data_hash", "git_commit", "gates", "gate_failures")
OURS += ("metric.race_log_loss", "metric.\x1b[2J", "\x1b[31m")
RECORD = {
    "number": 9, "action": "promote", "version": 2, "previous": 1, "reason": "x", "by": "x", "forced": False,
    "at": "2026-03-14T08:00:00+00:00",
}  # fmt: skip
CHANGES: dict[str, object] = {
    "number": float("nan"), "action": "delete", "version": "2", "previous": True, "reason": "\ud800",
    "by": None, "forced": "no", "at": "2026-03-14T08:00:00", "more": 1,
}  # fmt: skip
ROUTES = ("/models", "/models/2", "/models/2/evidence", "/models/2/report", "/promotions", "/model_status")
COMMANDS = (("list",), ("show", "2"), ("history",), ("list", "--json"), ("show", "2", "--json"))
SOURCES = (
    "http://127.0.0.1:9/x", "https://u:hunter2@127.0.0.1:9/mlflow-artifacts/artifacts/x", "ftp://h/x",
    "s3://bucket/x", "dbfs:/x", "hdfs://h/x", "sftp://h/x", "runs:/r/model", "mlflow-artifacts:/1",
    "mlflow-artifacts://h:1/1", "file://host/x", "file:///tmp/%2e%2e/etc", "../../etc", "http://[", "none:x",
    "", "\x00", "x" * 100_000,
)  # fmt: skip


INSERT_RECORD = """insert into registered_model_tags (value, key, name)
    values (?, 'promotion.000009.x', 'greyhound-win')"""


@dataclass(frozen=True)
class Hostile:
    """A service, and the registry that somebody else writes to."""

    service: RunningService
    folder: Path

    @property
    def uri(self) -> str:
        return address(self.folder)

    def write(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.folder / "mlflow.db", timeout=30)) as store, store:
            store.execute(statement, values)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    with start_service(make_trained_registry(folder, 1.59, 1.57)) as service:
        yield Hostile(service, folder)


@pytest.fixture(autouse=True)
def is_as_before(hostile: Hostile) -> Iterator[None]:
    with closing(sqlite3.connect(hostile.folder / "mlflow.db")) as store:
        tables = {
            table: store.execute(f"select * from {table}").fetchall()
            for table in ("model_version_tags", "registered_model_tags", "model_versions", "runs")
        }
    yield
    with closing(sqlite3.connect(hostile.folder / "mlflow.db", timeout=30)) as store, store:
        for table, rows in tables.items():
            if table != "runs":  # others hang on it
                store.execute(f"delete from {table}")
            for row in rows:
                store.execute(f"insert or replace into {table} values ({', '.join('?' * len(row))})", row)


def assert_no_fault(hostile: Hostile) -> None:
    """Every route and every command has an answer, or the rule that is broken."""
    for route in ROUTES:
        answer = hostile.service.client.get(route)
        assert answer.status_code in (200, 404, 503), (route, answer.text)
        assert answer.status_code != 503 or "-" in answer.json()["type"]
        assert len(answer.content) < 200_000
    assert hostile.service.client.get("/models").status_code == 200
    for command in COMMANDS:
        result = CliRunner().invoke(main, ["models", *command, "--registry", hostile.uri])
        assert result.exit_code in (0, 3, 4), (command, result.output, result.exc_info)
        assert "Traceback" not in result.output
        assert len(result.output) < 200_000
    assert hostile.service.predict(make_card()).status_code == 200


@pytest.mark.parametrize("what", VALUES)
def test_a_tag_of_any_content_counts_as_absent_or_is_cut(hostile: Hostile, what: str) -> None:
    for name in OURS:
        key = (name, "greyhound-win", 2)
        hostile.write("delete from model_version_tags where key = ? and name = ? and version = ?", *key)
        hostile.write(
            "insert into model_version_tags (value, key, name, version) values (?, ?, ?, ?)",
            VALUES[what],
            *key,
        )
    hostile.write(
        INSERT_RECORD,
        VALUES[what],
    )
    assert_no_fault(hostile)
    assert hostile.service.client.get("/promotions").json()["n_promotions"] == 1
    assert hostile.service.client.get("/models/2").json()["gates"] is None


@pytest.mark.parametrize("field", CHANGES)
def test_a_record_that_breaks_a_rule_is_none(hostile: Hostile, field: str) -> None:
    hostile.write(
        INSERT_RECORD,
        json.dumps(RECORD | {field: CHANGES[field]}),
    )
    assert hostile.service.client.get("/promotions").json()["n_promotions"] == 1
    assert [record.version for record in open_registry(hostile.uri).history()] == [1]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: repr(source[:30]))
def test_a_source_that_leads_elsewhere_is_refused_with_the_rule(hostile: Hostile, source: str) -> None:
    hostile.write("update model_versions set source = ? where version = 2", source)
    hostile.write("update runs set artifact_uri = ?", source)
    begun = time.monotonic()
    assert_no_fault(hostile)
    registry = open_registry(hostile.uri)
    with pytest.raises((SourceRefused, RegistryUnavailable)) as refused:
        registry.documents(registry.artifact_ref(2), ["metrics"])
    assert "hunter2" not in str(refused.value)
    for command in (("promote", "2"), ("export", "--to", str(hostile.folder / "out"))):
        result = CliRunner().invoke(main, ["models", *command, "--registry", hostile.uri])
        assert result.exit_code in (0, 3, 4) if command[0] == "export" else result.exit_code in (3, 4)
        assert "Traceback" not in result.output
        assert "hunter2" not in result.output
    assert time.monotonic() - begun < 60
    before = hostile.service.client.get("/model_status").json()["refusals"][:1]
    point_alias_at(hostile.uri, 2)
    status = hostile.service.wait_until(lambda status: status["refusals"][:1] != before)
    assert status["version"] == 1
    assert "hunter2" not in json.dumps(status)
    point_alias_at(hostile.uri, 1)
    hostile.service.wait_until(lambda status: status["registry"]["champion_version"] == 1)


def test_a_report_that_is_a_link_a_fifo_or_a_folder_is_none(hostile: Hostile) -> None:
    (report,) = [path for path in hostile.folder.rglob("report.html") if "version 2" in path.read_text()]
    secret = hostile.folder / "secret.txt"
    secret.write_text("the secret")
    original = report.read_bytes()
    makers = (
        lambda: report.symlink_to(secret),
        lambda: os.mkfifo(report),
        report.mkdir,
        lambda: report.symlink_to("/dev/zero"),
        lambda: report.symlink_to(report),
    )
    for make in makers:
        report.unlink(missing_ok=True) if not report.is_dir() or report.is_symlink() else report.rmdir()
        make()
        answer = hostile.service.client.get("/models/2/report")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:greyhound:problem:no-report")
        assert "the secret" not in answer.text
    report.unlink()
    report.write_bytes(original)
    assert hostile.service.client.get("/models/2/report").status_code == 200


@pytest.mark.parametrize("name", ["metrics.json", "DIGEST.json", "training.json"])
def test_a_document_that_is_a_link_or_a_fifo_is_refused(hostile: Hostile, name: str) -> None:
    registry = open_registry(hostile.uri)
    artifact = registry.fetch(2)
    moved = hostile.folder / "moved"
    (artifact / name).rename(moved)
    try:
        (artifact / name).symlink_to(moved)
        with pytest.raises(ArtifactBroken, match="must be a plain file, it is a link"):
            registry.documents(registry.artifact_ref(2), ["metrics", "training"])
        (artifact / name).unlink()
        os.mkfifo(artifact / name)
        with pytest.raises(ArtifactBroken, match="must be a plain file, it is something else"):
            registry.documents(registry.artifact_ref(2), ["metrics", "training"])
    finally:
        (artifact / name).unlink()
        moved.rename(artifact / name)
    assert registry.documents(registry.artifact_ref(2), ["metrics"])
