"""`greyhound tracks`: the tracks, their names and codes, and what is stored of each."""

from dataclasses import asdict

import click

from greyhound.did_you_mean import did_you_mean
from greyhound.errors import ABSENT
from greyhound.options import database_option, json_option
from greyhound.output.printing import print_json, say, shown
from greyhound.tables.dogs import print_tracks
from racing.database.engine import open_database
from racing.dogs.tracks import find_tracks


@click.command()
@click.argument("name", required=False)
@database_option
@json_option
def tracks(name: str | None, database: str, as_json: bool) -> int:
    """List the tracks, or those of which a name or a code holds NAME.

    \b
    Examples:
      greyhound tracks
      greyhound tracks W/PK
    """
    engine = open_database(database)
    try:
        found = find_tracks(engine, name)
    finally:
        engine.dispose()
    if as_json:
        print_json(asdict(found))
    elif found.tracks:
        print_tracks(found.tracks)
    if not found.tracks:
        say(f"greyhound: no track {shown(repr(name))} is known{did_you_mean(found.did_you_mean)}", err=True)
    return 0 if found.tracks else ABSENT
