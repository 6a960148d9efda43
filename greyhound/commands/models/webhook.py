"""`greyhound models webhook`: a tracking server notifies services of promotions at once."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from greyhound.options import json_option, registry_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, shown
from racing import redaction as addresses

if TYPE_CHECKING:
    from model_registry.webhooks import Webhooks

MIN_SECRET = 16  # as the service's setting wants it


@click.group()
def webhook() -> None:
    """Notify services of promotions at once.

    The tracking server does so; without it services poll the registry every few seconds.

    \b
    Examples:
      greyhound models webhook add https://service.example/webhooks/mlflow
      greyhound models webhook list
      greyhound models webhook remove ID
    """


@webhook.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@click.option(
    "--secret",
    envvar="GREYHOUND_WEBHOOK_SECRET",
    prompt="The services' GREYHOUND_WEBHOOK_SECRET",
    hide_input=True,
    metavar="TEXT",
    help="What deliveries are signed with; by default GREYHOUND_WEBHOOK_SECRET, else prompted for.",
)
@registry_option
@json_option
def add(urls: tuple[str, ...], secret: str, registry: str, as_json: bool) -> None:
    """Notify the service at each URL, .../webhooks/mlflow, of every promotion; a test is sent at once.

    One that exists for a URL is replaced, so the command may be run again, with another secret too.
    The registry must be an MLflow tracking server. Services that no webhook reaches poll the registry.

    Example: greyhound models webhook add https://service.example/webhooks/mlflow
    """
    if len(secret) < MIN_SECRET:
        raise click.BadParameter(f"a secret has at least {MIN_SECRET} characters, got {len(secret)}")
    hooks = _webhooks(registry)
    results = []
    for url in urls:
        added = hooks.put(url, secret=secret)
        failure = hooks.try_out(added.id)
        results.append({"id": added.id, "url": addresses.shown(added.url), "failure": failure})
        if as_json:
            continue
        tried = (
            f"but a try failed: {failure}"
            if failure
            else f"and {shown(addresses.shown(added.url))} took a try."
        )
        console.print(f"Webhook {added.id} is added, {tried}", soft_wrap=True)
    if as_json:
        print_json(results[0] if len(results) == 1 else {"webhooks": results})


@webhook.command("list")
@registry_option
@json_option
def list_webhooks(registry: str, as_json: bool) -> None:
    """List the webhooks.

    Example: greyhound models webhook list
    """
    found = _webhooks(registry).all()
    if as_json:
        print_json({"webhooks": [replace(hook, url=addresses.shown(hook.url)) for hook in found]})
        return
    for hook in found:
        console.print(
            f"{shown(hook.id)}  {shown(addresses.shown(hook.url))}{'' if hook.is_active else '  (disabled)'}"
        )


@webhook.command()
@click.argument("webhook_id", metavar="ID")
@registry_option
def remove(webhook_id: str, registry: str) -> None:
    """Remove the webhook of an ID.

    Example: greyhound models webhook remove 8f14e45f-ceea-467f-a9b1-0a2b5c4d3e21
    """
    _webhooks(registry).remove(webhook_id)
    console.print(f"Webhook {shown(webhook_id)} is removed.")


def _webhooks(uri: str) -> "Webhooks":
    from model_registry.webhooks import Webhooks  # --help must not wait for MLflow

    return Webhooks(uri)
