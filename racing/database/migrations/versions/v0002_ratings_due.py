"""Ratings go on from the month that changed: what is due, and sums in place of the tables made from them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of what is due; stored tables go, and the next use replays all of history."""
    op.create_table(
        "ratingsdue",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("DELETE FROM effect")
    op.execute("DELETE FROM runworth")


def downgrade() -> None:
    """Take the table away; the ratings are replayed by the program that follows."""
    op.execute("DELETE FROM effect")
    op.execute("DELETE FROM runworth")
    op.drop_table("ratingsdue")
