"""`greyhound notify`: try the channels of notifications, and list what was sent."""

import datetime as dt
import secrets

import click

from greyhound.errors import ABSENT
from greyhound.options import database_option, json_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, say, shown


@click.group()
def notify() -> None:
    """Test the channels of notifications, and list what was sent.

    Channels are set by GREYHOUND_NOTIFY and GREYHOUND_NOTIFY_WEBHOOK_URL, see docs/how-to/notifications.md.

    \b
    Examples:
      greyhound notify test
      greyhound notify list
    """


@notify.command()
@json_option
def test(as_json: bool) -> int:
    """Send a test message to every channel, and report on each.

    Exit code 4 if one did not take it, or none is set.
    """
    from service.notifications.channels import make_channels
    from service.notifications.message import Message, NotSent
    from service.settings import ServiceSettings

    settings = ServiceSettings()
    url, secret = settings.notify_webhook_url, settings.notify_webhook_secret
    channels = make_channels(
        [one.get_secret_value() for one in settings.notify],
        url.get_secret_value() if url else None,
        secret.get_secret_value() if secret else None,
    )
    message = Message(
        key=f"test:{secrets.token_hex(4)}",
        kind="verdict",
        title="Greyhound: a test",
        text="This channel gets notifications of greyhound.",
        details={},
        at=dt.datetime.now(dt.UTC),
    )
    results = []
    for channel in channels:
        try:
            channel.send(message)
        except NotSent as error:
            results.append({"channel": channel.name, "sent": False, "error": str(error)})
        else:
            results.append({"channel": channel.name, "sent": True, "error": None})
    if as_json:
        print_json({"channels": results})
    else:
        for result in results:
            say(f"{result['channel']}: {'sent' if result['sent'] else result['error']}")
        if not results:
            say("No channel is set: set GREYHOUND_NOTIFY or GREYHOUND_NOTIFY_WEBHOOK_URL.", err=True)
    return 0 if results and all(result["sent"] for result in results) else ABSENT


@notify.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many."
)
@database_option
@json_option
def list_command(limit: int, database: str, as_json: bool) -> None:
    """List notifications, the newest first, and what became of each."""
    from racing.database.engine import open_database
    from racing.database.outbox import list_notifications

    with open_database(database).connect() as connection:
        rows = list_notifications(connection, limit)
    if as_json:
        print_json({"notifications": rows})
        return
    for row in rows:
        if row["delivered_at"]:
            state = "delivered" if not row["error"] else row["error"]
        elif row["given_up_at"]:
            state = f"given up after {row['n_attempts']} attempts: {row['error']}"
        else:
            state = "waits" if not row["error"] else f"failed, and is tried again: {row['error']}"
        say(f"{row['at']:%Y-%m-%d %H:%M} {row['kind']}: {shown(row['title'])} ({shown(state)})")
    if not rows:
        console.print("There is no notification yet.")
