"""`greyhound dogs`: find dogs by name; the one that is found is shown with its runs and ratings."""

from dataclasses import asdict

import click

from greyhound.did_you_mean import did_you_mean
from greyhound.errors import ABSENT
from greyhound.options import database_option, json_option
from greyhound.output.printing import print_json, say, shown
from greyhound.tables.dogs import print_dog, print_dogs
from racing.database.engine import open_database
from racing.dogs.profile import dog_profile
from racing.dogs.search import find_dogs
from racing.domain.names import name_key


@click.command()
@click.argument("name")
@click.option(
    "--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most so many dogs."
)
@click.option(
    "--runs", type=click.IntRange(1, 200), default=10, show_default=True, help="Runs of the one dog."
)
@database_option
@json_option
def dogs(name: str, limit: int, runs: int, database: str, as_json: bool) -> int:
    """Find stored dogs by any part of NAME; show the one that is found.

    Case, accents, apostrophes and spaces do not matter. Where several names hold NAME they are listed,
    unless one is just that name. Where none does, names that are spelt nearly so are offered, and the exit
    code is 4.

    \b
    Examples:
      greyhound dogs "sir tick"
      greyhound dogs bale --limit 50
      greyhound dogs "nalas ghost" --json
    """
    engine = open_database(database)
    try:
        found = find_dogs(engine, name, limit=limit)
        same = [dog for dog in found.dogs if name_key(dog.name) == name_key(name)]
        one = found.dogs[0] if len(found.dogs) == 1 else same[0] if len(same) == 1 else None
        profile = None if one is None else dog_profile(engine, one.id, limit=runs)
    finally:
        engine.dispose()
    if as_json:
        print_json(asdict(found) | {"dog": None if profile is None else asdict(profile)})
    elif profile is not None:
        print_dog(profile)
    elif found.dogs:
        print_dogs(found)
    if not found.dogs:
        say(f"greyhound: no dog {shown(repr(name))} is stored{did_you_mean(found.did_you_mean)}", err=True)
    return 0 if found.dogs else ABSENT
