"""Race day: off times, tracks' countries and zones, what dogs descend from, prices before the off, events."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from racing.domain.tracks import KNOWN_TRACKS, known_track

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_track = sa.table("track", *(sa.column(name) for name in ("id", "name", "state", "country", "zone")))
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FACTS = (
    ("morning_price", sa.Float()),
    ("average_price", sa.Float()),
    ("last_price", sa.Float()),
    ("volume", sa.Float()),
    ("trainer", sa.String()),
    ("remarks", sa.String()),
)
_FLOATS = (
    "weight_kg", "time_s", "winner_time_s", "first_split_s", "margin_lengths", "starting_price", "bsp",
    "place_bsp", "rated_price", "early_speed", "morning_price", "average_price", "last_price", "volume",
    "true_probability",
)  # fmt: skip
_WAITING_ROW: tuple[tuple[str, Any, bool], ...] = (
    *((name, sa.Integer(), False) for name in ("id", "file_id", "line")),
    *(("kind", sa.String(), False), ("date", sa.Date(), False), ("track", sa.String(), False)),
    *((name, sa.Integer(), True) for name in ("race_number", "box", "rug", "finish_position")),
    *((name, sa.Boolean(), True) for name in ("won", "placed")),
    *((name, sa.Boolean(), False) for name in ("is_scratched", "is_race_whole", "is_joined")),
    *((name, sa.Float(), True) for name in _FLOATS),
    *(
        (name, sa.String(), True)
        for name in ("position_in_running", "trainer", "remarks", "dog_key", "market_id")
    ),
    *((name, sa.String(), True) for name in ("dog_name", "sex", "sire", "dam", "reason")),
)
_COLUMNS = {
    "track": (("country", sa.String()), ("zone", sa.String())),
    "dog": (("sire", sa.String()), ("dam", sa.String()), ("born", sa.String())),
    "race": (("off_at", sa.DateTime()), ("going_s", sa.Float())),
    "run": _FACTS,
    "sourcerow": (
        *_FACTS,
        *(("sire", sa.String()), ("dam", sa.String()), ("born", sa.String())),
        *(("off_at", sa.DateTime()), ("going_s", sa.Float()), ("stated_at", sa.DateTime())),
    ),
}


def upgrade() -> None:
    """Add the columns and make the tables."""
    for table, columns in _COLUMNS.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_index("ix_race_off_at", "race", ["off_at"])
    op.create_table(
        "runnerprice",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("dog_id", sa.Integer(), nullable=False),
        sa.Column("race_key", sa.String(), nullable=False),
        sa.Column("minutes", sa.SmallInteger(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("back", sa.Float(), nullable=True),
        sa.Column("lay", sa.Float(), nullable=True),
        sa.Column("last", sa.Float(), nullable=True),
        sa.Column("volume", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["dog_id"], ["dog.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("date", "dog_id", "race_key", "minutes", "file_id"),
    )
    op.create_index("ix_runnerprice_file_id", "runnerprice", ["file_id"])
    op.create_table(
        "waitingrow",
        *(sa.Column(name, kind, nullable=nullable) for name, kind, nullable in _WAITING_ROW),
        sa.ForeignKeyConstraint(["file_id"], ["sourcefile.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_waitingrow_date", "waitingrow", ["date"])
    op.create_index("ix_waitingrow_file_id", "waitingrow", ["file_id"])
    op.create_table(
        "raceevent",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("race_id", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_raceevent_at", "raceevent", ["at"])
    _place_tracks(op.get_bind())


def downgrade() -> None:
    """Take the tables and the columns away."""
    op.drop_table("raceevent")
    op.drop_table("waitingrow")
    op.drop_table("runnerprice")
    op.drop_index("ix_race_off_at", "race")
    for table, columns in _COLUMNS.items():
        for name, _ in columns:
            op.drop_column(table, name)


def _place_tracks(connection: sa.Connection) -> None:
    """Write where each track lies that is known today, of which an older list may not have known it."""
    known = {track.name: track for track in KNOWN_TRACKS}
    for number, name in connection.execute(sa.select(_track.c.id, _track.c.name)).all():
        if (track := known.get(known_track(name) or "")) is not None:
            where = sa.update(_track).where(_track.c.id == number)
            connection.execute(where.values(state=track.state, country=track.country, zone=track.zone))
