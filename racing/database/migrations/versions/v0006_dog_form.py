"""Each dog's last runs with their worths in one row, so that a card finds its dogs' form by their names."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, empty; stored worths and tables go too, and the next use replays all of history.

    A run without a worth now says nothing at all of a dog, where it said next to nothing before.
    """
    op.execute("DELETE FROM effect")
    op.execute("DELETE FROM runworth")
    op.create_table(
        "dogform",
        sa.Column("dog_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("n_runs", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=True),
        sa.Column("newest_day", sa.Integer(), nullable=True),
        sa.Column("runs", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["dog_id"], ["dog.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dog_id"),
        sa.UniqueConstraint("key"),
    )
    if op.get_bind().dialect.name == "postgresql":  # in the row itself: neither packed nor looked up apart
        op.execute("ALTER TABLE dogform ALTER COLUMN runs SET STORAGE PLAIN")


def downgrade() -> None:
    """Take the table away; the ratings are replayed by the program that follows."""
    op.execute("DELETE FROM effect")
    op.execute("DELETE FROM runworth")
    op.drop_table("dogform")
