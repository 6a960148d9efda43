"""The two ways to read a registry: a database by SQL, a tracking server by MLflow's client.

Guarantee: a command that only reads starts without MLflow, which takes 1.5 s of processor to import and 0.8 s
more to open a database. The six tables read here have had these columns since MLflow 2.3, which brought
aliases. Writing: :mod:`model_registry.mlflow_store.writers`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from model_registry.errors import RegistryUnavailable
from model_registry.mlflow_store.records import (
    ModelRecord,
    VersionRecord,
    model_record,
    version_number,
    version_record,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
# To MLflow a missing alias is an invalid parameter, a missing model or version does not exist.
_ABSENT = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")
_MAX_PAGES = 100  # of 200 versions each
_DELETED = "Deleted_Internal"  # MLflow leaves the row of a version that was deleted


_models = sa.table("registered_models", sa.column("name"))
tag_rows = sa.table("registered_model_tags", sa.column("name"), sa.column("key"), sa.column("value"))
alias_rows = sa.table("registered_model_aliases", sa.column("name"), sa.column("alias"), sa.column("version"))
_versions = sa.table(
    "model_versions",
    *map(
        sa.column,
        ("name", "version", "source", "run_id", "description", "creation_time", "current_stage"),
    ),
)
_runs = sa.table("runs", sa.column("run_uuid"), sa.column("artifact_uri"))
_version_tags = sa.table("model_version_tags", *map(sa.column, ("name", "version", "key", "value")))


class DatabaseReader:
    """Reads MLflow's tables; ``None`` is what is not there."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def model(self, name: str) -> ModelRecord | None:
        """Return the registered model."""
        with self._engine.connect() as connection:
            if connection.scalar(sa.select(_models.c.name).where(_models.c.name == name)) is None:
                return None
            aliases = connection.execute(
                sa.select(alias_rows.c.alias, alias_rows.c.version).where(alias_rows.c.name == name)
            )
            tags = connection.execute(
                sa.select(tag_rows.c.key, tag_rows.c.value).where(tag_rows.c.name == name)
            )
            return ModelRecord(
                {a.alias: version_number(a.version) for a in aliases}, {t.key: t.value for t in tags}
            )

    def aliases(self, name: str) -> dict[str, int]:
        """Return the version of each alias of a model."""
        of_model = sa.select(alias_rows.c.alias, alias_rows.c.version).where(alias_rows.c.name == name)
        with self._engine.connect() as connection:
            return {row.alias: version_number(row.version) for row in connection.execute(of_model)}

    def version(self, name: str, version: int) -> VersionRecord | None:
        """Return one version."""
        return next(iter(self._read(name, _versions.c.version == version)), None)

    def version_by_alias(self, name: str, alias: str) -> VersionRecord | None:
        """Return the version that has an alias."""
        of_alias = sa.select(alias_rows.c.version).where(
            alias_rows.c.name == name, alias_rows.c.alias == alias
        )
        return next(iter(self._read(name, _versions.c.version.in_(of_alias))), None)

    def versions(self, name: str) -> list[VersionRecord]:
        """Return every version, in any order."""
        return self._read(name, sa.true())

    def artifacts_of_run(self, run_id: str) -> str | None:
        """Return where the artifacts of a run lie."""
        with self._engine.connect() as connection:
            found = connection.scalar(sa.select(_runs.c.artifact_uri).where(_runs.c.run_uuid == run_id))
        return None if found is None else str(found)

    def _read(self, name: str, which: sa.ColumnElement[bool]) -> list[VersionRecord]:
        is_there = sa.or_(_versions.c.current_stage.is_(None), _versions.c.current_stage != _DELETED)
        chosen = sa.select(_versions).where(_versions.c.name == name, is_there, which)
        numbers = sa.select(_versions.c.version).where(_versions.c.name == name, is_there, which)
        with self._engine.connect() as connection:
            rows = connection.execute(chosen).all()
            tags: dict[int, dict[str, str]] = {int(row.version): {} for row in rows}
            of_them = _version_tags.c.name == name, _version_tags.c.version.in_(numbers)
            for tag in connection.execute(sa.select(_version_tags).where(*of_them)):
                tags.setdefault(int(tag.version), {})[tag.key] = tag.value
        return [
            VersionRecord(
                version=int(row.version),
                source=str(row.source),
                run_id=row.run_id or "",
                description=row.description or "",
                created_at_ms=int(row.creation_time),
                tags=tags[int(row.version)],
            )
            for row in rows
        ]


class ClientReader:
    """Reads by MLflow's client what :class:`DatabaseReader` reads by SQL, and returns the same."""

    def __init__(self, client: "MlflowClient") -> None:
        self._client = client

    def model(self, name: str) -> ModelRecord | None:
        """Return the registered model."""
        return _unless_absent(lambda: model_record(self._client.get_registered_model(name)))

    def aliases(self, name: str) -> dict[str, int]:
        """Return the version of each alias of a model."""
        model = self.model(name)
        return dict(model.aliases) if model else {}

    def version(self, name: str, version: int) -> VersionRecord | None:
        """Return one version."""
        return _unless_absent(lambda: version_record(self._client.get_model_version(name, str(version))))

    def version_by_alias(self, name: str, alias: str) -> VersionRecord | None:
        """Return the version that has an alias."""
        return _unless_absent(lambda: version_record(self._client.get_model_version_by_alias(name, alias)))

    def versions(self, name: str) -> list[VersionRecord]:
        """Return every version, in any order."""
        found: list[VersionRecord] = []
        token = None
        for _ in range(_MAX_PAGES):
            page = self._client.search_model_versions(f"name = '{name}'", page_token=token)
            found += map(version_record, page)
            token = page.token
            if not token:
                return found
        raise RegistryUnavailable(f"its list of versions has more than {_MAX_PAGES} pages")

    def artifacts_of_run(self, run_id: str) -> str | None:
        """Return where the artifacts of a run lie."""
        return _unless_absent(lambda: str(self._client.get_run(run_id).info.artifact_uri))


def _unless_absent(read: Callable[[], T]) -> T | None:
    """Return what is read, ``None`` where MLflow answers that it does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        return read()
    except MlflowException as error:
        if error.error_code not in _ABSENT:
            raise
        return None
