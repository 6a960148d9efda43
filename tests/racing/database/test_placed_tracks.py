"""Tracks have a country and a zone: new ones when they come, an older database's by its upgrade."""

from pathlib import Path

from alembic import command
from sqlalchemy import create_engine, text

from racing.database import engine as engine_module
from racing.database.engine import open_database
from racing.importers.entities import EntityResolver

BEFORE = [(1, "Sandown Park", "VIC"), (2, "Cranbourne", None), (3, "Sim Park", "NSW"), (4, "Romford", None)]
_READ = text("SELECT name, state, country, zone FROM track ORDER BY id")


def test_an_upgrade_says_where_the_tracks_of_an_older_database_lie(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    old = create_engine(f"sqlite:///{path}")
    with old.connect() as connection:
        config = engine_module._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0011")
        for number, name, state in BEFORE:
            row = {"i": number, "n": name, "s": state}
            connection.execute(text("INSERT INTO track (id, name, state) VALUES (:i, :n, :s)"), row)
        connection.commit()
    old.dispose()
    with open_database(f"sqlite:///{path}").connect() as connection:
        found = [tuple(row) for row in connection.execute(_READ)]
    assert found == [
        ("Sandown Park", "VIC", "AU", "Australia/Melbourne"),
        ("Cranbourne", "VIC", "AU", "Australia/Melbourne"),
        ("Sim Park", "NSW", None, None),
        ("Romford", "GB", "GB", "Europe/London"),
    ]


def test_a_new_track_comes_with_its_country_state_and_zone(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}", create=True)
    with engine.begin() as connection:
        EntityResolver(connection)._add_tracks(["Broken Hill", "Nowhere", "Tralee"])
        found = [tuple(row) for row in connection.execute(_READ)]
        alias = connection.execute(text("SELECT track_id FROM trackalias WHERE alias = 'TRL'")).scalar()
    assert found == [
        ("Broken Hill", "NSW", "AU", "Australia/Broken_Hill"),
        ("Nowhere", None, None, None),
        ("Tralee", "IE", "IE", "Europe/Dublin"),
    ]
    assert alias == 3
