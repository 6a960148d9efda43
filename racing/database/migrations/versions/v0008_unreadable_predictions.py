"""Logged cards that cannot be read are set aside, each with the reason."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table, empty: the log's reader fills it."""
    op.create_table(
        "unreadableprediction",
        sa.Column("prediction_id", _BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("prediction_id"),
        sa.ForeignKeyConstraint(["prediction_id"], ["prediction.id"]),
    )


def downgrade() -> None:
    """Take the table away."""
    op.drop_table("unreadableprediction")
