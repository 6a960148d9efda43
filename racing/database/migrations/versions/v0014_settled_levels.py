"""How far the levels of past races have moved, by evening and by dog; of the market no revisions by days."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_REVISED = ("market_worth_10", "market_noise_10", "market_worth_30", "market_noise_30")


def upgrade() -> None:
    """Make the tables; stored ratings go, and the next use replays all of history."""
    _forget_ratings()
    with op.batch_alter_table("runworth") as batch:
        for column in _REVISED:
            batch.drop_column(column)
        batch.add_column(sa.Column("market_change", sa.Float(), nullable=True))
    op.create_table(
        "levelchanges",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("races", sa.LargeBinary(), nullable=False),
        sa.Column("changes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "doglevels",
        sa.Column("dog_id", sa.Integer(), nullable=False),
        sa.Column("races", sa.LargeBinary(), nullable=False),
        sa.Column("changes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["dog_id"], ["dog.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dog_id"),
    )


def downgrade() -> None:
    """Take the tables away; the ratings are replayed by the program that follows."""
    _forget_ratings()
    op.drop_table("doglevels")
    op.drop_table("levelchanges")
    with op.batch_alter_table("runworth") as batch:
        batch.drop_column("market_change")
        for column in _REVISED:
            batch.add_column(sa.Column(column, sa.Float(), nullable=True))


def _forget_ratings() -> None:
    for table in ("effect", "runworth", "dogform"):
        op.execute(f"DELETE FROM {table}")
