"""Which cards a score counts, and the sums over them, beside the log: a score no longer adds up the log."""

import logging
import struct
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

log = logging.getLogger("greyhound.racing")
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_N_LEVELS = 1 << 15


def upgrade() -> None:
    """Make the tables, and fill them from the outcomes that are there.

    Nothing is read or judged again. It takes about as long as reading the runners of the counted cards once;
    the log says how many they are and when it is done.
    """
    latest = op.create_table(
        "latestprediction",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("race_id", sa.Integer(), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("is_ahead", sa.Boolean(), nullable=False),
        sa.Column("prediction_id", _BIG, nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("is_last_ahead", sa.Boolean(), nullable=False),
        sa.Column("is_last_of_version", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("date", "race_id", "model_version", "is_ahead"),
    )
    sums = op.create_table(
        "predictionsums",
        sa.Column("counting", sa.SmallInteger(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("n_races", sa.Integer(), nullable=False),
        sa.Column("loss", sa.Float(), nullable=False),
        sa.Column("uniform_loss", sa.Float(), nullable=False),
        sa.Column("top_picks", sa.Float(), nullable=False),
        sa.Column("n_with_market", sa.Integer(), nullable=False),
        sa.Column("loss_with_market", sa.Float(), nullable=False),
        sa.Column("market_loss", sa.Float(), nullable=False),
        sa.Column("squared_gaps", sa.Float(), nullable=False),
        sa.Column("shares", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("counting", "date", "track", "model_version"),
    )
    connection = op.get_bind()
    n = connection.scalar(sa.text("SELECT count(*) FROM predictedrace WHERE loss IS NOT NULL")) or 0
    if n:
        log.info("adding up the prediction log, %d judged cards: once, and without answers until then", n)
    op.drop_index("ix_predictedrace_race_version", "predictedrace")
    op.drop_index("ix_predictedrace_date", "predictedrace")
    op.create_index("ix_predictedrace_date", "predictedrace", ["date", "prediction_id"])
    op.create_index("ix_predictedrace_track", "predictedrace", ["track", "date", "prediction_id"])
    op.create_index("ix_predictedrace_version", "predictedrace", ["model_version", "date", "prediction_id"])
    if n:
        _find_latest(connection)
    op.create_index("ix_latestprediction_prediction", "latestprediction", ["prediction_id"])
    if n:
        days = list(connection.scalars(sa.select(latest.c.date).distinct().order_by(latest.c.date)))
        for day in days:
            connection.execute(sa.insert(sums), _sums(connection, day))
        log.info("added up the prediction log, %d days", len(days))


def downgrade() -> None:
    """Take the tables away; the program that follows adds up the log itself."""
    op.drop_table("predictionsums")
    op.drop_table("latestprediction")
    op.drop_index("ix_predictedrace_version", "predictedrace")
    op.drop_index("ix_predictedrace_track", "predictedrace")
    op.drop_index("ix_predictedrace_date", "predictedrace")
    op.create_index("ix_predictedrace_date", "predictedrace", ["date"])
    op.create_index("ix_predictedrace_race_version", "predictedrace", ["race_id", "model_version"])


def _find_latest(connection: sa.Connection) -> None:
    connection.execute(
        sa.text(
            """
            INSERT INTO latestprediction (date, race_id, model_version, is_ahead, prediction_id, track,
                is_last, is_last_ahead, is_last_of_version)
            SELECT last.date, last.race_id, last.model_version, last.is_ahead, last.prediction_id, card.track,
                last.prediction_id = max(last.prediction_id) OVER (PARTITION BY last.date, last.race_id),
                last.is_ahead AND last.prediction_id
                    = max(last.prediction_id) OVER (PARTITION BY last.date, last.race_id, last.is_ahead),
                last.prediction_id
                    = max(last.prediction_id) OVER (PARTITION BY last.date, last.race_id, last.model_version)
            FROM (
                SELECT date, race_id, model_version, is_ahead, max(prediction_id) AS prediction_id
                FROM predictedrace WHERE loss IS NOT NULL AND race_id IS NOT NULL
                GROUP BY date, race_id, model_version, is_ahead
            ) AS last
            JOIN predictedrace AS card ON card.prediction_id = last.prediction_id
            """
        )
    )


def _sums(connection: sa.Connection, day: object) -> list[dict[str, object]]:
    """Return the rows of one day."""
    cards = connection.execute(
        sa.text(
            "SELECT l.*, c.loss, c.uniform_loss, c.top_pick, c.market_loss FROM latestprediction AS l "
            "JOIN predictedrace AS c ON c.prediction_id = l.prediction_id WHERE l.date = :day "
            "ORDER BY l.prediction_id"
        ).bindparams(sa.bindparam("day", type_=sa.Date())),
        {"day": day},
    ).all()
    shares: dict[int, list[int]] = defaultdict(list)
    runners = connection.execute(
        sa.text(
            "SELECT r.prediction_id, r.share, r.won FROM predictedrunner AS r WHERE r.share IS NOT NULL "
            "AND r.prediction_id IN (SELECT prediction_id FROM latestprediction WHERE date = :day) "
            "ORDER BY r.prediction_id, r.box"
        ).bindparams(sa.bindparam("day", type_=sa.Date())),
        {"day": day},
    )
    for number, share, won in runners:
        shares[number].append(min(int(share * _N_LEVELS), _N_LEVELS - 1) << 1 | bool(won))
    groups: dict[tuple[int, str, int], list[sa.Row[tuple[object, ...]]]] = defaultdict(list)
    for card in cards:
        ways = (card.is_last_ahead, card.is_last, card.is_ahead, card.is_last_of_version)
        for way, counts in enumerate(ways):
            if counts:
                groups[way, card.track, card.model_version].append(card)
    rows: list[dict[str, object]] = []
    for (way, track, version), some in groups.items():
        priced = [card for card in some if card.market_loss is not None]
        row: dict[str, object] = {
            "counting": way,
            "date": day,
            "track": track,
            "model_version": version,
            "n_races": len(some),
            "loss": sum(card.loss for card in some),
            "uniform_loss": sum(card.uniform_loss for card in some),
            "top_picks": sum(card.top_pick for card in some),
            "n_with_market": len(priced),
            "loss_with_market": sum(card.loss for card in priced),
            "market_loss": sum(card.market_loss for card in priced),
            "squared_gaps": sum((card.loss - card.market_loss) ** 2 for card in priced),
            "shares": b"".join(
                struct.pack(f"<{len(shares[card.prediction_id])}H", *shares[card.prediction_id])
                for card in some
            ),
        }
        rows.append(row)
    return rows
