"""Brings a database to the newest schema by Alembic, whose import takes 0.2 s: only this needs it."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from racing.database.schema_version import MIGRATIONS


def migrate(connection: Connection) -> None:
    """Bring the schema to the newest version, all of it or nothing."""
    connection.rollback()
    if connection.dialect.name == "sqlite":  # whose driver would commit each table by itself
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def is_known(revision: str) -> bool:
    """Return whether a schema is one of ours."""
    try:
        ScriptDirectory.from_config(_config()).get_revision(revision)
    except CommandError:
        return False
    return True


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
