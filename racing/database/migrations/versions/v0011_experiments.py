"""Experiments, contestants' prices, inputs by day, alarms, seals; and the losses that closing prices expect.

The log's judged cards have no expected loss yet: their days are noted as changed, so that the readers of the
log match them again.
"""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = ("lease", "notification", "dayseal", "monitorreport", "alarm", "inputcount", "switch", "decision",
           "experiment", "comparedrace", "contestantprice", "pricelist")  # fmt: skip


def upgrade() -> None:
    """Make the tables, add the columns, and let judged days be matched again."""
    op.add_column("prediction", sa.Column("experiment_id", sa.Integer(), nullable=True))
    op.add_column("prediction", sa.Column("shadows", sa.Text(), nullable=True))
    op.add_column("predictedrace", sa.Column("experiment_id", sa.Integer(), nullable=True))
    op.add_column("predictedrace", sa.Column("shadows", sa.Text(), nullable=True))
    op.add_column("predictedrace", sa.Column("expected_loss", sa.Float(), nullable=True))
    op.add_column("predictedrace", sa.Column("market_expected_loss", sa.Float(), nullable=True))
    _make_experiments()
    _make_monitor()
    connection = op.get_bind()
    judged = sa.text("SELECT DISTINCT date FROM predictedrace WHERE loss IS NOT NULL")
    changes = sa.table("racechange", sa.column("reader"), sa.column("id"), sa.column("date", sa.Date()))
    days = connection.execute(judged.columns(date=sa.Date())).scalars().all()
    if days:
        rows = [{"reader": "outcomes", "id": uuid.uuid4().hex, "date": day} for day in days]
        connection.execute(sa.insert(changes), rows)


def downgrade() -> None:
    """Take the tables and the columns away."""
    for name in _TABLES:
        op.drop_table(name)
    for table, column in (
        ("predictedrace", "market_expected_loss"),
        ("predictedrace", "expected_loss"),
        ("predictedrace", "shadows"),
        ("predictedrace", "experiment_id"),
        ("prediction", "shadows"),
        ("prediction", "experiment_id"),
    ):
        op.drop_column(table, column)


def _make_experiments() -> None:
    op.create_table(
        "pricelist",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "contestantprice",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("race_number", sa.Integer(), nullable=False),
        sa.Column("runner", sa.String(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["name"], ["pricelist.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name", "date", "track", "race_number", "runner"),
    )
    op.create_index("ix_contestantprice_day", "contestantprice", ["date", "track"])
    op.create_table(
        "comparedrace",
        sa.Column("prediction_id", _BIG, nullable=False),
        sa.Column("contestant", sa.String(), nullable=False),
        sa.Column("champion_version", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=True),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("race_id", sa.Integer(), nullable=False),
        sa.Column("gain_by_outcome", sa.Float(), nullable=False),
        sa.Column("gain_by_market", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["prediction_id"], ["prediction.id"]),
        sa.PrimaryKeyConstraint("prediction_id", "contestant"),
    )
    op.create_index("ix_comparedrace_contestant", "comparedrace", ["contestant", "champion_version", "date"])
    op.create_table(
        "experiment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("champion", sa.Integer(), nullable=False),
        sa.Column("challengers", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("follows", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("active"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("from_version", sa.Integer(), nullable=True),
        sa.Column("to_version", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.Column("carried_out_at", sa.DateTime(), nullable=True),
        sa.Column("n_attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("void_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_decision_experiment_id", "decision", ["experiment_id"])
    op.create_table(
        "switch",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _make_monitor() -> None:
    op.create_table(
        "inputcount",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("writer", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("n_cards", sa.Integer(), nullable=False),
        sa.Column("n_runners", sa.Integer(), nullable=False),
        sa.Column("n_unknown_dogs", sa.Integer(), nullable=False),
        sa.Column("n_unknown_tracks", sa.Integer(), nullable=False),
        sa.Column("n_without_form", sa.Integer(), nullable=False),
        sa.Column("n_priced", sa.Integer(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("date", "model_version", "writer"),
    )
    op.create_table(
        "alarm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("active_key", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("todo", sa.Text(), nullable=False),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(), nullable=False),
        sa.Column("cleared_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("active_key"),
    )
    op.create_table(
        "monitorreport",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "dayseal",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("n_predictions", sa.Integer(), nullable=False),
        sa.Column("n_before_off", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(), nullable=False),
        sa.Column("pruned_at", sa.DateTime(), nullable=True),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("left_out", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("date"),
    )
    op.create_table(
        "notification",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(), nullable=True),
        sa.Column("delivered_to", sa.Text(), nullable=True),
        sa.Column("n_attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=True),
        sa.Column("given_up_at", sa.DateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_notification_delivered_at", "notification", ["delivered_at"])
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
