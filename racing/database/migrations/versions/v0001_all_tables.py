"""All tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables of the first version."""
    op.create_table(
        "dog",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sex", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "effect",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("cells", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", "as_of"),
    )
    op.create_table(
        "sourcefile",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("n_read", sa.Integer(), nullable=False),
        sa.Column("n_added", sa.Integer(), nullable=False),
        sa.Column("n_updated", sa.Integer(), nullable=False),
        sa.Column("n_refused", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256"),
    )
    op.create_table(
        "track",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "race",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("grade", sa.String(), nullable=True),
        sa.Column("market_id", sa.String(), nullable=True),
        sa.Column("source_key", sa.String(), nullable=True),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_key"),
    )
    op.create_index("ix_race_date_track", "race", ["date", "track_id"], unique=False)
    op.create_index(op.f("ix_race_market_id"), "race", ["market_id"], unique=False)
    op.create_table(
        "trackalias",
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
        ),
        sa.PrimaryKeyConstraint("alias"),
    )
    op.create_index(op.f("ix_trackalias_track_id"), "trackalias", ["track_id"], unique=False)
    op.create_table(
        "run",
        sa.Column("box", sa.Integer(), nullable=True),
        sa.Column("rug", sa.Integer(), nullable=True),
        sa.Column("weight_kg", sa.Float(), nullable=True),
        sa.Column("finish_position", sa.Integer(), nullable=True),
        sa.Column("won", sa.Boolean(), nullable=True),
        sa.Column("placed", sa.Boolean(), nullable=True),
        sa.Column("is_scratched", sa.Boolean(), nullable=False),
        sa.Column("time_s", sa.Float(), nullable=True),
        sa.Column("winner_time_s", sa.Float(), nullable=True),
        sa.Column("first_split_s", sa.Float(), nullable=True),
        sa.Column("margin_lengths", sa.Float(), nullable=True),
        sa.Column("position_in_running", sa.String(), nullable=True),
        sa.Column("starting_price", sa.Float(), nullable=True),
        sa.Column("bsp", sa.Float(), nullable=True),
        sa.Column("place_bsp", sa.Float(), nullable=True),
        sa.Column("rated_price", sa.Float(), nullable=True),
        sa.Column("true_probability", sa.Float(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("race_id", sa.Integer(), nullable=False),
        sa.Column("dog_id", sa.Integer(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dog_id"],
            ["dog.id"],
        ),
        sa.ForeignKeyConstraint(
            ["race_id"],
            ["race.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_run_dog_date", "run", ["dog_id", "date"], unique=False)
    op.create_index(op.f("ix_run_race_id"), "run", ["race_id"], unique=False)
    op.create_table(
        "runworth",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("n_starters", sa.Float(), nullable=True),
        sa.Column("market_share", sa.Float(), nullable=True),
        sa.Column("market_shift", sa.Float(), nullable=True),
        sa.Column("market_worth", sa.Float(), nullable=True),
        sa.Column("market_noise", sa.Float(), nullable=True),
        sa.Column("result_worth", sa.Float(), nullable=True),
        sa.Column("result_noise", sa.Float(), nullable=True),
        sa.Column("time_worth", sa.Float(), nullable=True),
        sa.Column("time_noise", sa.Float(), nullable=True),
        sa.Column("split_worth", sa.Float(), nullable=True),
        sa.Column("split_noise", sa.Float(), nullable=True),
        sa.Column("early_worth", sa.Float(), nullable=True),
        sa.Column("early_noise", sa.Float(), nullable=True),
        sa.Column("margin_worth", sa.Float(), nullable=True),
        sa.Column("margin_noise", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "sourcerow",
        sa.Column("box", sa.Integer(), nullable=True),
        sa.Column("rug", sa.Integer(), nullable=True),
        sa.Column("weight_kg", sa.Float(), nullable=True),
        sa.Column("finish_position", sa.Integer(), nullable=True),
        sa.Column("won", sa.Boolean(), nullable=True),
        sa.Column("placed", sa.Boolean(), nullable=True),
        sa.Column("is_scratched", sa.Boolean(), nullable=False),
        sa.Column("time_s", sa.Float(), nullable=True),
        sa.Column("winner_time_s", sa.Float(), nullable=True),
        sa.Column("first_split_s", sa.Float(), nullable=True),
        sa.Column("margin_lengths", sa.Float(), nullable=True),
        sa.Column("position_in_running", sa.String(), nullable=True),
        sa.Column("starting_price", sa.Float(), nullable=True),
        sa.Column("bsp", sa.Float(), nullable=True),
        sa.Column("place_bsp", sa.Float(), nullable=True),
        sa.Column("rated_price", sa.Float(), nullable=True),
        sa.Column("true_probability", sa.Float(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=True),
        sa.Column("race_key", sa.String(), nullable=True),
        sa.Column("dog_id", sa.Integer(), nullable=True),
        sa.Column("dog_name", sa.String(), nullable=True),
        sa.Column("sex", sa.String(), nullable=True),
        sa.Column("track_id", sa.Integer(), nullable=True),
        sa.Column("race_number", sa.Integer(), nullable=True),
        sa.Column("grade", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dog_id"],
            ["dog.id"],
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["sourcefile.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("file_id", "run_id"),
    )
    op.create_index(op.f("ix_sourcerow_bucket"), "sourcerow", ["bucket"], unique=False)
    op.create_index(op.f("ix_sourcerow_dog_id"), "sourcerow", ["dog_id"], unique=False)
    op.create_index(op.f("ix_sourcerow_run_id"), "sourcerow", ["run_id"], unique=False)
