"""Tracks have a country and a zone: new ones when they come, an older database's by its upgrade."""

from pathlib import Path

from alembic import command
from sqlalchemy import create_engine, text

from racing.database.engine import open_database
from racing.database.migrating import alembic_config
from racing.importers.entities import EntityResolver

BEFORE = [(1, "Sandown Park", "VIC"), (2, "Cranbourne", None), (3, "Sim Park", "NSW"), (4, "Romford", None)]
_READ = text("SELECT name, state, country, zone FROM track ORDER BY id")


def test_an_upgrade_says_where_the_tracks_of_an_older_database_lie(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    old = create_engine(f"sqlite:///{path}")
    with old.connect() as connection:
        config = alembic_config()
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


def test_rows_that_an_older_list_stored_under_what_is_an_alias_today_become_one(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}", create=True)
    with engine.begin() as connection:
        for number, name, alias in ((1, "Monmore Green", "MONMOREGREEN"), (2, "MONMR", "MONMR")):
            row = {"i": number, "n": name, "a": alias}
            connection.execute(text("INSERT INTO track (id, name) VALUES (:i, :n)"), row)
            connection.execute(text("INSERT INTO trackalias (alias, track_id) VALUES (:a, :i)"), row)
            race = text(
                "INSERT INTO race (id, date, track_id, distance_m, is_whole, is_simulated) "
                "VALUES (:i, '2024-01-01', :i, 480, 1, 0)"
            )
            connection.execute(race, row)
    with engine.begin() as connection:
        EntityResolver(connection)._add_tracks(["Monmore", "Romford"])
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(_READ)]
        tracks = set(connection.scalars(text("SELECT track_id FROM race")))
        aliases = set(connection.scalars(text("SELECT alias FROM trackalias WHERE track_id = 1")))
    assert found == [("Monmore", "GB", "GB", "Europe/London"), ("Romford", "GB", "GB", "Europe/London")]
    assert tracks == {1}
    assert {"MONMORE", "MONMOREGREEN", "MONMR"} <= aliases
