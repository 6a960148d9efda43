"""`greyhound migrate`: the race database's schema, brought up to date before anything else starts."""

import time

import click

from greyhound.options import database_option
from greyhound.output.printing import say, shown

POLL_S = 1.0


@click.command()
@click.option(
    "--wait",
    "wait_s",
    metavar="SECONDS",
    type=click.FloatRange(0, 86_400),
    default=0.0,
    help="Seconds in which it must be there, or with --check be up to date; by default it must be so now.",
)
@click.option("--check", is_flag=True, help="Change nothing: only see, or wait, until another has done it.")
@database_option
def migrate(wait_s: float, check: bool, database: str) -> None:
    """Make the tables of the race database, or bring them up to date.

    Whatever opens the database does that too, one at a time. A deployment of many parts runs it once before
    them, and lets them wait for it by --check (exit code 4 where the tables are not up to date).

    \b
    Examples:
      greyhound migrate --wait 300
      greyhound migrate --check --wait 300
    """
    from racing.database.engine import require_newest_schema, upgrade
    from racing.domain.errors import DatabaseUnavailable

    deadline, reported = time.monotonic() + wait_s, ""
    while True:
        try:
            (require_newest_schema if check else upgrade)(database)
        except DatabaseUnavailable as error:
            if time.monotonic() + POLL_S > deadline:
                raise
            if str(error) != reported:
                reported = str(error)
                say(f"waiting: {shown(reported)}", err=True)
            time.sleep(POLL_S)
        else:
            say("The tables of the race database are up to date.")
            return
