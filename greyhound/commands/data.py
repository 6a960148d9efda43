"""`greyhound data`: what the race database holds, and what it lacks."""

import click

from greyhound.options import database_option, json_option
from greyhound.output.printing import print_json
from greyhound.tables.data_summary import print_summary
from racing.data_summary import data_summary
from racing.database.engine import open_database


@click.command()
@database_option
@json_option
def data(database: str, as_json: bool) -> None:
    """Show what the race database holds, and what it lacks.

    Days, tracks by country, whole races, dogs, the sources with their files and days; days without races in
    between, races without an off time or without prices.

    Example: greyhound data
    """
    summary = data_summary(open_database(database))
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)
