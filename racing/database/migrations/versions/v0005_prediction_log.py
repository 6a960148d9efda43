"""The prediction log: answered cards, what they are about, and how they came out."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "prediction",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("writer", sa.String(), nullable=False),
        sa.Column("number", _BIG, nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("writer", "number"),
    )
    op.create_index("ix_prediction_at", "prediction", ["at"])
    op.create_table(
        "predictedrace",
        sa.Column("prediction_id", _BIG, nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("race_number", sa.Integer(), nullable=True),
        sa.Column("n_runners", sa.Integer(), nullable=False),
        sa.Column("is_ahead", sa.Boolean(), nullable=False),
        sa.Column("race_id", sa.Integer(), nullable=True),
        sa.Column("n_starters", sa.Integer(), nullable=True),
        sa.Column("loss", sa.Float(), nullable=True),
        sa.Column("market_loss", sa.Float(), nullable=True),
        sa.Column("uniform_loss", sa.Float(), nullable=True),
        sa.Column("top_pick", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("prediction_id"),
        sa.ForeignKeyConstraint(["prediction_id"], ["prediction.id"]),
    )
    op.create_index("ix_predictedrace_date", "predictedrace", ["date"])
    op.create_index("ix_predictedrace_race_version", "predictedrace", ["race_id", "model_version"])
    op.create_table(
        "predictedrunner",
        sa.Column("prediction_id", _BIG, nullable=False),
        sa.Column("box", sa.Integer(), nullable=False),
        sa.Column("dog_key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("win_probability", sa.Float(), nullable=False),
        sa.Column("place_probability", sa.Float(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("finish_position", sa.Integer(), nullable=True),
        sa.Column("won", sa.Boolean(), nullable=True),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("market_probability", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("prediction_id", "box"),
        sa.ForeignKeyConstraint(["prediction_id"], ["prediction.id"]),
    )
    op.create_table(
        "outcomesdue",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    """Take the tables away, and the log with them."""
    for table in ("outcomesdue", "predictedrunner", "predictedrace", "prediction"):
        op.drop_table(table)
