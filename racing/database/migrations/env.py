"""What Alembic runs: our tables on the connection that :mod:`racing.database.engine` hands over."""

from alembic import context
from sqlmodel import SQLModel

import racing.database.experiment_tables
import racing.database.monitor_tables
import racing.database.tables  # noqa: F401

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
