"""A database read by SQL returns what MLflow returns of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from model_registry.mlflow_store.readers import ClientReader, DatabaseReader
from model_registry.mlflow_store.writers import ClientWriter, DatabaseWriter
from model_registry.registry import CHALLENGER, CHAMPION, MODEL, ModelRegistry
from tests.model_registry.builders import make_artifact

READS = """
import sys
from model_registry import get_model_registry
registry = get_model_registry(sys.argv[1])
versions = [version.version for version in registry.versions()]
read = versions, registry.champion().version, registry.fetch(2).name
registry.challenger(), registry.history(), registry.changes()
registry.documents(registry.artifact_ref(1), ["summary"])
print(read, [name for name in ("mlflow", "pandas", "sklearn", "alembic") if name in sys.modules])
"""


def test_tables_and_client_return_the_same(registry: ModelRegistry, tmp_path: Path) -> None:
    tables, client = registry._store.reader, ClientReader(registry._store.client)
    assert isinstance(tables, DatabaseReader)
    for reader in (tables, client):
        assert reader.model(MODEL) is None
        assert reader.versions(MODEL) == []
        assert reader.version_by_alias(MODEL, CHAMPION) is None
        assert reader.version(MODEL, 1) is None
    for i in range(3):
        make_artifact(tmp_path / f"candidate-{i}", coefficients=(i, 1.0, 1.0))
        tags = {"odd": "ä 'quote' %", "empty": ""}
        registry.register(tmp_path / f"candidate-{i}", tags=tags, description="" if i else "über\nzwei")
    registry.record_gates(1, ["too slow"])
    registry.promote(3, reason="x")
    registry.promote(2, reason="y")
    registry.set_challenger(3)
    registry._store.client.create_registered_model("another")
    registry._store.client.create_model_version("another", "file:///nowhere", tags={"a": "b"})
    registry._store.client.set_registered_model_alias("another", CHAMPION, "1")
    registry._store.client.delete_model_version(MODEL, "1")
    assert client.model(MODEL) == tables.model(MODEL)
    for version in (1, 2, 3, 4):
        assert client.version(MODEL, version) == tables.version(MODEL, version)
    for alias in (CHAMPION, CHALLENGER, "nobody"):
        assert client.version_by_alias(MODEL, alias) == tables.version_by_alias(MODEL, alias)
    by_number = sorted(client.versions(MODEL), key=lambda record: record.version)
    assert by_number == sorted(tables.versions(MODEL), key=lambda record: record.version)
    assert [record.version for record in by_number] == [2, 3]


def test_tables_written_by_sql_are_those_that_mlflow_would_have_written(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    for i in range(2):
        make_artifact(tmp_path / f"candidate-{i}", coefficients=(i, 1.0, 1.0))
        registry.register(tmp_path / f"candidate-{i}")
    client = ClientReader(registry._store.client)
    rows = []
    for writer in (ClientWriter(registry._store.client), registry._store.writer):
        writer.set_alias(MODEL, CHAMPION, 1)
        writer.set_alias(MODEL, CHAMPION, 2)
        writer.set_alias(MODEL, CHALLENGER, 1)
        writer.set_tag(MODEL, "odd", "first")
        writer.set_tag(MODEL, "odd", "ä 'quote' %")
        model = client.model(MODEL)
        assert model is not None
        assert (model.aliases, model.tags) == ({CHAMPION: 2, CHALLENGER: 1}, {"odd": "ä 'quote' %"})
        with registry._store._database.begin() as connection:
            for table in ("registered_model_aliases", "registered_model_tags"):
                rows.append(sorted(connection.exec_driver_sql(f"SELECT * FROM {table}").all()))
                connection.exec_driver_sql(f"DELETE FROM {table} WHERE name = '{MODEL}'")
        writer.set_alias(MODEL, CHALLENGER, 1)
        writer.delete_alias(MODEL, CHALLENGER)
        assert client.aliases(MODEL) == {}
    assert isinstance(registry._store.writer, DatabaseWriter)
    assert rows[:2] == rows[2:]


def test_a_database_is_read_without_mlflow(registry: ModelRegistry, tmp_path: Path) -> None:
    for i in range(2):
        make_artifact(tmp_path / f"candidate-{i}", coefficients=(i, 1.0, 1.0))
        registry.register(tmp_path / f"candidate-{i}")
    registry.promote(1, reason="x")
    registry.set_challenger(2)
    done = subprocess.run(
        [sys.executable, "-c", READS, registry.tracking_uri], capture_output=True, text=True, check=True
    )
    assert done.stdout == "([2, 1], 1, 'model') []\n"


@pytest.mark.parametrize("uri", ["file:///a%20b/c", "/a b/c", "file:///a%C3%A4/c"])
def test_a_local_address_is_read_as_mlflow_reads_it(registry: ModelRegistry, uri: str) -> None:
    from mlflow.utils.file_utils import local_file_uri_to_path

    from model_registry.fetch import local_directory

    assert local_directory(registry._store, uri) == Path(local_file_uri_to_path(uri))
