"""Which source rows are of whole races and which are blank; dogs stand under their names' new keys."""

import sqlalchemy as sa
from alembic import op

from racing.domain.names import name_key, plain_name

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_dog = sa.table("dog", sa.column("id"), sa.column("key"), sa.column("name"), sa.column("sex"))
_run = sa.table("run", sa.column("id"), sa.column("dog_id"), sa.column("date"))
_row = sa.table("sourcerow", sa.column("dog_id"), sa.column("run_id"), sa.column("dog_name"))
_predicted = sa.table("predictedrunner", sa.column("dog_key"), sa.column("name"))


def upgrade() -> None:
    """Add the columns, and bring dogs along whose key is another one now.

    Names of other scripts, ``ø`` and its like, and suffixes such as ``(NZ)`` made keys that lost letters or
    had some too many. Each source row still has its own name, so dogs that were wrongly one part again and
    those that are one meet, except where both ran on a day: then it is not certain, and they stay as they
    are. Tracks that lost their letters cannot be told apart from what is stored: take their files out and
    import them again.
    """
    for name, default in (("is_race_whole", sa.true()), ("is_blank", sa.false())):
        op.add_column("sourcerow", sa.Column(name, sa.Boolean(), nullable=False, server_default=default))
    op.create_index(
        "ix_sourcerow_blank",
        "sourcerow",
        ["bucket"],
        sqlite_where=sa.text("is_blank"),
        postgresql_where=sa.text("is_blank"),
    )
    op.execute(
        "UPDATE sourcerow SET is_blank = (1 = 1) "
        "WHERE NOT is_scratched AND finish_position IS NULL AND time_s IS NULL "
        "AND first_split_s IS NULL AND margin_lengths IS NULL AND position_in_running IS NULL AND ("
        "(race_key LIKE 'betfair:%' AND won IS NULL) OR (race_key LIKE 'results:%' "
        "AND starting_price IS NULL AND bsp IS NULL AND place_bsp IS NULL))"
    )
    # Manukau (Auckland) was taken for Manawatu (Palmerston North).
    op.execute(
        "DELETE FROM trackalias WHERE alias = 'MANUKAU' "
        "AND track_id IN (SELECT id FROM track WHERE name = 'Manawatu')"
    )
    connection = op.get_bind()
    if _rekey_dogs(connection):
        for table in ("effect", "runworth", "dogform"):  # the next use replays all history
            op.execute(f"DELETE FROM {table}")
    for old, name in connection.execute(sa.select(_predicted.c.dog_key, _predicted.c.name).distinct()).all():
        if (key := name_key(name)) != old and key:
            is_it = (_predicted.c.dog_key == old) & (_predicted.c.name == name)
            connection.execute(sa.update(_predicted).where(is_it).values(dog_key=key))


def downgrade() -> None:
    """Take the columns away; dogs keep their keys."""
    op.drop_index("ix_sourcerow_blank", "sourcerow")
    op.drop_column("sourcerow", "is_blank")
    op.drop_column("sourcerow", "is_race_whole")


def _rekey_dogs(connection: sa.Connection) -> bool:
    """Give each dog's rows to the dog of their names' key; return whether any dog changed."""
    dogs = {dog.id: dog for dog in connection.execute(sa.select(_dog))}
    ids = {dog.key: dog.id for dog in dogs.values()}
    names = connection.execute(sa.select(_row.c.dog_id, _row.c.dog_name).distinct()).all()
    stray = [
        (dog_id, name, key)
        for dog_id, name in names
        if dog_id in dogs and name and (key := name_key(name)) and key != dogs[dog_id].key
    ]
    for dog_id, name, key in sorted(stray):
        own = (_row.c.dog_id == dog_id) & (_row.c.dog_name == name)
        runs = sa.select(_row.c.run_id).where(own)
        shared = sa.select(_row.c.run_id).where(_row.c.run_id.in_(runs), _row.c.dog_name != name)
        if connection.execute(shared.limit(1)).first():
            continue  # another spelling tells of the same run
        if key in ids:
            days = sa.select(_run.c.date).where(_run.c.id.in_(runs))
            if connection.execute(
                sa.select(_run.c.id).where(_run.c.dog_id == ids[key], _run.c.date.in_(days))
            ).first():
                continue
        else:
            ids[key] = max(ids.values()) + 1
            new = {"id": ids[key], "key": key, "name": plain_name(name), "sex": dogs[dog_id].sex}
            connection.execute(sa.insert(_dog).values(new))
        connection.execute(sa.update(_run).where(_run.c.id.in_(runs)).values(dog_id=ids[key]))
        connection.execute(sa.update(_row).where(own).values(dog_id=ids[key]))
    left = {dog_id for dog_id, *_ in stray}
    for dog_id in sorted(left):
        if not connection.execute(sa.select(_run.c.id).where(_run.c.dog_id == dog_id).limit(1)).first():
            connection.execute(sa.text("DELETE FROM dogform WHERE dog_id = :id"), {"id": dog_id})
            connection.execute(sa.delete(_dog).where(_dog.c.id == dog_id))
    if left and connection.dialect.name == "postgresql":
        connection.execute(
            sa.text("SELECT setval(pg_get_serial_sequence('dog', 'id'), (SELECT max(id) FROM dog))")
        )
    return bool(left)
