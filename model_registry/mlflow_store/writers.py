"""The two ways to move an alias or set a tag: a database by SQL, a tracking server by MLflow's client.

Guarantee: a service whose registry is a database promotes without MLflow, whose import stops requests for
1.5 s and stays with 100 MB. The two tables have had these columns since MLflow 2.3; a workspace, which came
later, has the default that MLflow writes too. Versions and runs are MLflow's to write.
"""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from model_registry.mlflow_store.readers import alias_rows, tag_rows

if TYPE_CHECKING:
    from mlflow import MlflowClient


class DatabaseWriter:
    """Writes MLflow's tables, a transaction each; the model and the version are there."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Let an alias name a version."""
        self._put(alias_rows, {"name": model, "alias": alias}, {"version": version})

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias, if there is one."""
        columns = alias_rows.c
        with self._engine.begin() as connection:
            connection.execute(sa.delete(alias_rows).where(columns.name == model, columns.alias == alias))

    def set_tag(self, model: str, key: str, value: str) -> None:
        """Set a tag of the registered model."""
        self._put(tag_rows, {"name": model, "key": key}, {"value": value})

    def _put(self, table: sa.TableClause, key: dict[str, object], values: dict[str, object]) -> None:
        """Change a row, or add it; of two who add it at once, the second changes it."""
        change = (
            sa.update(table).where(*(table.c[name] == value for name, value in key.items())).values(values)
        )
        with self._engine.begin() as connection:
            if connection.execute(change).rowcount:
                return
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(table).values(key | values))
        except sa.exc.IntegrityError:
            with self._engine.begin() as connection:
                connection.execute(change)


class ClientWriter:
    """Writes by MLflow's client."""

    def __init__(self, client: "MlflowClient") -> None:
        self._client = client

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Let an alias name a version."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.set_registered_model_alias(model, alias, str(version))
        except MlflowException:
            # Two writers of a new alias both insert its row, and one of them fails: now there is one.
            self._client.set_registered_model_alias(model, alias, str(version))

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias, if there is one."""
        self._client.delete_registered_model_alias(model, alias)

    def set_tag(self, model: str, key: str, value: str) -> None:
        """Set a tag of the registered model."""
        self._client.set_registered_model_tag(model, key, value)
