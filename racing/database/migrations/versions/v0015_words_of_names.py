"""What dogs have shown by the first and last word of their names, month by month."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, empty; the replay for which 0014 asks fills it."""
    op.create_table(
        "monthofwords",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("sums", sa.LargeBinary(), nullable=False),
        sa.Column("checksum", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("month"),
    )


def downgrade() -> None:
    """Take the table away; the ratings stand as they are."""
    op.drop_table("monthofwords")
