"""Worths as revised when the rivals have run since, and Betfair's early speed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PARTS = ("innovation", "worth_10", "noise_10", "worth_30", "noise_30")
_REVISED = [f"{rating}_{part}" for rating in ("market", "result") for part in _PARTS]


def upgrade() -> None:
    """Add the columns; stored worths and tables go, and the next use replays all of history.

    Files imported before know no early speed: take them back out and import them again to have it.
    """
    for table in ("run", "sourcerow"):
        op.add_column(table, sa.Column("early_speed", sa.Float(), nullable=True))
    for column in _REVISED:
        op.add_column("runworth", sa.Column(column, sa.Float(), nullable=True))
    op.execute("DELETE FROM effect")
    op.execute("DELETE FROM runworth")


def downgrade() -> None:
    """Take the columns away; the ratings are replayed by the program that follows."""
    op.execute("DELETE FROM effect")
    op.execute("DELETE FROM runworth")
    for column in _REVISED:
        op.drop_column("runworth", column)
    for table in ("run", "sourcerow"):
        op.drop_column(table, "early_speed")
