"""Brings a database to the newest schema by Alembic, whose import takes 0.2 s: only this needs it."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from racing.database.schema_version import MIGRATIONS

_LOCK = 0x736368656D61  # of PostgreSQL's advisory locks: any number that nobody else uses


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to a version, the newest unless another is named; all of it or nothing."""
    connection.rollback()
    if connection.dialect.name == "sqlite":  # whose driver would commit each table by itself
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # one at a time: replicas that start together would each make the same tables
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    connection.commit()


def is_known(revision: str) -> bool:
    """Return whether a schema is one of ours."""
    try:
        ScriptDirectory.from_config(alembic_config()).get_revision(revision)
    except CommandError:
        return False
    return True


def alembic_config() -> Config:
    """Return Alembic's configuration of our migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
