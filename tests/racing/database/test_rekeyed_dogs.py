"""An upgrade brings dogs along whose names have another key now."""

from pathlib import Path

from alembic import command
from sqlalchemy import create_engine, text

from racing.database.engine import open_database
from racing.database.migrating import alembic_config

DOGS = [
    (1, "2", "Стрела 2"),
    (2, "ALPHAONE", "Alpha One"),
    (3, "ALPHAONERES", "Alpha One (Res)"),
    (4, "BJRN", "Bjørn"),
]
# run, dog, the name in the file, date
RUNS = [
    (1, 1, "Стрела 2", "2026-03-01"),
    (2, 1, "Молния 2", "2026-03-02"),
    (3, 2, "Alpha One", "2026-03-01"),
    (4, 3, "Alpha One (Res)", "2026-03-02"),
    (5, 4, "Bjørn", "2026-03-01"),
]


def test_dogs_that_lost_letters_part_and_dogs_with_a_suffix_meet(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    old = create_engine(f"sqlite:///{path}")
    with old.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        connection.execute(text("INSERT INTO track (id, name) VALUES (1, 'Praha')"))
        connection.execute(
            text(
                "INSERT INTO sourcefile "
                "(id, name, kind, sha256, imported_at, n_read, n_added, n_updated, n_refused) "
                "VALUES (1, 'r', 'results', 'x', '2026-03-03', 0, 0, 0, 0)"
            )
        )
        for number, key, name in DOGS:
            connection.execute(
                text("INSERT INTO dog (id, key, name) VALUES (:i, :k, :n)"),
                {"i": number, "k": key, "n": name},
            )
        for number, dog, name, date in RUNS:
            values = {"i": number, "d": dog, "n": name, "t": date}
            connection.execute(
                text(
                    "INSERT INTO race (id, date, track_id, distance_m, is_whole, is_simulated) "
                    "VALUES (:i, :t, 1, 480, 1, 0)"
                ),
                values,
            )
            connection.execute(
                text("INSERT INTO run (id, race_id, dog_id, date, is_scratched) VALUES (:i, :i, :d, :t, 0)"),
                values,
            )
            connection.execute(
                text(
                    "INSERT INTO sourcerow "
                    "(id, file_id, run_id, line, race_key, dog_id, dog_name, is_scratched) "
                    "VALUES (:i, 1, :i, 1, 'results:x', :d, :n, 0)"
                ),
                values,
            )
        connection.commit()
    old.dispose()
    engine = open_database(f"sqlite:///{path}")
    with engine.connect() as connection:
        runs = connection.execute(
            text(
                "SELECT r.id, d.key, s.dog_id = d.id FROM run r JOIN dog d ON d.id = r.dog_id "
                "JOIN sourcerow s ON s.run_id = r.id"
            )
        ).all()
        keys = set(connection.scalars(text("SELECT key FROM dog")))
    assert sorted(map(tuple, runs)) == [
        (1, "СТРЕЛА2", 1), (2, "МОЛНИЯ2", 1), (3, "ALPHAONE", 1), (4, "ALPHAONE", 1), (5, "BJORN", 1),
    ]  # fmt: skip
    assert keys == {"СТРЕЛА2", "МОЛНИЯ2", "ALPHAONE", "BJORN"}
