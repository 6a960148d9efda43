"""`greyhound automation`: the one switch that stops all automation, and what it decided last."""

import click
from rich.table import Table

from greyhound.options import database_option, json_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, say, shown

_N_DECISIONS = 10
reason_option = click.option("--reason", metavar="TEXT", help="Why, for the record.")


@click.group()
def automation() -> None:
    """Turn on and off that the champion is changed without a person.

    Off, no policy, probation or fuse changes the champion; what would have been done goes on record as a
    recommendation. All services of the database follow at once.

    \b
    Examples:
      greyhound automation status
      greyhound automation off --reason "races are abandoned today"
      greyhound automation on
    """


@automation.command()
@reason_option
@database_option
@json_option
def on(reason: str | None, database: str, as_json: bool) -> None:
    """Let policies, probations and fuses change the champion.

    Example: greyhound automation on --reason "prices are back"
    """
    _turn(database, is_on=True, reason=reason, as_json=as_json)


@automation.command()
@reason_option
@database_option
@json_option
def off(reason: str | None, database: str, as_json: bool) -> None:
    """Let nothing but people change the champion.

    Example: greyhound automation off --reason "races are abandoned today"
    """
    _turn(database, is_on=False, reason=reason, as_json=as_json)


@automation.command()
@database_option
@json_option
def status(database: str, as_json: bool) -> None:
    """Show how the switch stands, and what was decided last.

    Example: greyhound automation status --json
    """
    from racing.database.engine import open_database
    from racing.experiments.decisions import list_decisions
    from racing.experiments.switch import automation_switch

    with open_database(database).connect() as connection:
        switch = automation_switch(connection)
        decisions = list_decisions(connection, limit=_N_DECISIONS)
    if as_json:
        print_json({"automation": switch, "decisions": decisions})
        return
    since = f" since {switch.changed_at:%Y-%m-%d %H:%M} UTC" if switch.changed_at else ""
    by = f", by {shown(switch.changed_by)}: {shown(switch.reason or '')}" if switch.changed_by else ""
    console.print(f"Automation is {'on' if switch.is_on else 'off'}{since}{by}.")
    if not decisions:
        return
    table = Table("no.", "decided (UTC)", "what", "from", "to", "carried out (UTC)", "why")
    for decision in decisions:
        done = f"{decision.carried_out_at:%Y-%m-%d %H:%M}" if decision.carried_out_at else "waits"
        if decision.void_at:
            done = f"no: {shown(decision.error or '')}"
        what, when = decision.action, f"{decision.decided_at:%Y-%m-%d %H:%M}"
        pair = str(decision.from_version), str(decision.to_version)
        table.add_row(str(decision.id), when, what, *pair, done, shown(decision.reason))
    console.print(table)


def _turn(database: str, *, is_on: bool, reason: str | None, as_json: bool) -> None:
    from model_registry.registry import user_name
    from racing.database.engine import open_database
    from racing.experiments.switch import turn_automation

    with open_database(database).begin() as connection:
        switch = turn_automation(connection, on=is_on, by=user_name(), reason=reason or "turned by command")
    if as_json:
        print_json({"automation": switch})
        return
    say(f"Automation is {'on' if is_on else 'off'} now.")
