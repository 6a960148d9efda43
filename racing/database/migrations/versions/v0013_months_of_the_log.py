"""On PostgreSQL the log lies in partitions by month; how far it was read is noted; cards by request id.

A month is of the time at which a card was answered (``at``, UTC), so every table of the log has it. The
rows move month by month within the migration's transaction: interrupted, it leaves everything as it was.
The log's tables refer to each other without foreign keys there, which would have each drop of a month
look at every other one; what stores and what deletes lock the cards in their place.
"""

import datetime as dt
import logging

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

log = logging.getLogger("greyhound.racing")
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Table: its primary key without the time, its other indexes, as columns.
_TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "prediction": ("id", {"ix_prediction_at": "at", "ix_prediction_request_id": "request_id"}),
    "predictedrace": (
        "prediction_id",
        {
            "ix_predictedrace_date": "date, prediction_id",
            "ix_predictedrace_track": "track, date, prediction_id",
            "ix_predictedrace_version": "model_version, date, prediction_id",
        },
    ),
    "predictedrunner": ("prediction_id, box", {}),
    "comparedrace": (
        "prediction_id, contestant",
        {"ix_comparedrace_contestant": "contestant, champion_version, date"},
    ),
}
_TIMELESS = ("predictedrunner", "comparedrace")


def upgrade() -> None:
    """Add the time where it lacks, make the partitions, and move the rows there."""
    op.create_table(
        "logprogress",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("read_to", _BIG, nullable=False),
        sa.Column("newest", _BIG, nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        _move_into_months(connection)
        return
    op.create_index("ix_prediction_request_id", "prediction", ["request_id"])
    for table in _TIMELESS:
        if n := connection.scalar(sa.text(f"SELECT count(*) FROM {table}")):
            log.info("noting the time with %d rows of %s: once", n, table)
        # a constant default, so that no row is rewritten before the one time that it must be
        op.add_column(
            table, sa.Column("at", sa.DateTime(), nullable=False, server_default="1970-01-01 00:00:00")
        )
        op.execute(
            f"UPDATE {table} SET at = (SELECT p.at FROM prediction AS p WHERE p.id = {table}.prediction_id)"
        )


def downgrade() -> None:
    """Put the rows of all months into one table again."""
    op.drop_table("logprogress")
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        _move_into_one_table()
        return
    op.drop_index("ix_prediction_request_id", "prediction")
    for table in _TIMELESS:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("at")


def _move_into_months(connection: sa.Connection) -> None:
    months = list(
        connection.scalars(
            sa.text("SELECT DISTINCT CAST(date_trunc('month', at) AS date) FROM prediction ORDER BY 1")
        )
    )
    for table in ("unreadableprediction", "comparedrace", "predictedrunner", "predictedrace"):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_prediction_id_fkey")
    for table, (key, indexes) in _TABLES.items():
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
        for name in indexes:
            op.execute(f"DROP INDEX IF EXISTS {name}")
        op.execute(f"ALTER TABLE {table}_before RENAME CONSTRAINT {table}_pkey TO {table}_before_pkey")
        if table == "prediction":
            op.execute("ALTER TABLE prediction_before DROP CONSTRAINT prediction_writer_number_key")
        at = ", at timestamp NOT NULL" if table in _TIMELESS else ""
        op.execute(
            f"CREATE TABLE {table} (LIKE {table}_before INCLUDING DEFAULTS{at}) PARTITION BY RANGE (at)"
        )
        op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({key}, at)")
        if table == "prediction":
            op.execute("ALTER TABLE prediction ADD UNIQUE (writer, number, at)")
            op.execute("ALTER SEQUENCE prediction_id_seq OWNED BY prediction.id")
        for name, columns in indexes.items():
            op.execute(f"CREATE INDEX {name} ON {table} ({columns})")
        op.execute(f"CREATE TABLE {table}_other PARTITION OF {table} DEFAULT")
        for month in months:
            _make_month(table, month)
    for month in months:
        log.info("moving the predictions of %s into a partition of their own", f"{month:%Y-%m}")
        for table in _TABLES:
            _copy_month(table, month)
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}_before")


def _make_month(table: str, month: dt.date) -> None:
    after = (month.replace(day=1) + dt.timedelta(days=31)).replace(day=1)
    op.execute(
        f"CREATE TABLE {table}_{month:%Y_%m} PARTITION OF {table} FOR VALUES FROM ('{month}') TO ('{after}')"
    )


def _copy_month(table: str, month: dt.date) -> None:
    after = (month.replace(day=1) + dt.timedelta(days=31)).replace(day=1)
    of_month = f"at >= '{month}' AND at < '{after}'"
    if table in _TIMELESS:
        op.execute(
            f"INSERT INTO {table} SELECT old.*, p.at FROM {table}_before AS old JOIN "
            f"(SELECT id, at FROM prediction WHERE {of_month}) AS p ON p.id = old.prediction_id"
        )
    else:
        op.execute(f"INSERT INTO {table} SELECT * FROM {table}_before WHERE {of_month}")


def _move_into_one_table() -> None:
    for table, (key, indexes) in _TABLES.items():
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_months")
        op.execute(f"CREATE TABLE {table} (LIKE {table}_months INCLUDING DEFAULTS)")
        op.execute(f"INSERT INTO {table} SELECT * FROM {table}_months")
        if table == "prediction":
            op.execute("ALTER SEQUENCE prediction_id_seq OWNED BY prediction.id")
        op.execute(f"DROP TABLE {table}_months")
        if table in _TIMELESS:
            op.execute(f"ALTER TABLE {table} DROP COLUMN at")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({key})")
        for name, columns in indexes.items():
            if name != "ix_prediction_request_id":
                op.execute(f"CREATE INDEX {name} ON {table} ({columns})")
    op.execute("ALTER TABLE prediction ADD UNIQUE (writer, number)")
    for table in ("predictedrace", "predictedrunner", "comparedrace", "unreadableprediction"):
        op.execute(f"ALTER TABLE {table} ADD FOREIGN KEY (prediction_id) REFERENCES prediction (id)")
