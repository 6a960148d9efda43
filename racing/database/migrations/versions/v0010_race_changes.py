"""One table of changed days for all that read them, in place of one for the ratings and one for outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OLD = {"ratings": ("ratingsdue", "since"), "outcomes": ("outcomesdue", "date")}


def upgrade() -> None:
    """Make the table, and carry over what is due."""
    changes = op.create_table(
        "racechange",
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("reader", "id"),
    )
    for reader, (name, day) in _OLD.items():
        due = sa.table(name, sa.column("id", sa.String()), sa.column(day, sa.Date()))
        carried = sa.select(sa.literal(reader), due.c.id, due.c[day])
        op.execute(sa.insert(changes).from_select(["reader", "id", "date"], carried))
        op.drop_table(name)


def downgrade() -> None:
    """Make the two tables again, and carry over what is due."""
    changes = sa.table("racechange", *map(sa.column, ("reader", "id", "date")))
    for reader, (name, day) in _OLD.items():
        due = op.create_table(
            name,
            sa.Column("id", sa.String(), nullable=False),
            sa.Column(day, sa.Date(), nullable=False),
            sa.PrimaryKeyConstraint("id"),
        )
        carried = sa.select(changes.c.id, changes.c.date).where(changes.c.reader == reader)
        op.execute(sa.insert(due).from_select(["id", day], carried))
    op.drop_table("racechange")
