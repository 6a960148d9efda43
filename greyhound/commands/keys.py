"""`greyhound keys`: make, list and revoke the API keys of the service."""

import click
from rich.table import Table

from greyhound.options import database_option, json_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, say, shown

_SCOPES = ("read", "predict", "results", "promote")  # --help must not wait for the web service


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys of the service.

    By default only changes need one: the scope `promote` (which covers rolling back), or `results`. With
    GREYHOUND_PROTECT=everything reading and predicting need the scopes `read` and `predict`.

    \b
    Examples:
      greyhound keys add "release pipeline" --scope promote
      greyhound keys list
      greyhound keys revoke "release pipeline"
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(_SCOPES),
    help="What the key allows; may be given more than once.",
)
@database_option
@json_option
def add(name: str, scopes: tuple[str, ...], database: str, as_json: bool) -> None:
    """Make a key named NAME and print it: this once, as only its hash is stored.

    Services let it in within seconds. What is done with it goes on record under NAME.

    Example: greyhound keys add "release pipeline" --scope promote --scope read
    """
    from racing.database.engine import open_database
    from service.security.api_keys import add_key

    key, text = add_key(open_database(database, create=True), name, scopes)
    if as_json:
        print_json({"id": key.id, "name": key.name, "scopes": key.scopes, "key": text})
        return
    say(f'The key of "{shown(name)}" ({", ".join(key.scopes)}), shown this once:', err=True)
    say(text)


@keys.command("list")
@database_option
@json_option
def list_(database: str, as_json: bool) -> None:
    """List every key that was made, the oldest first; not their texts, which nobody has but their owners.

    Example: greyhound keys list --json
    """
    from racing.database.engine import open_database
    from service.security.api_keys import list_keys

    found = list_keys(open_database(database))
    if as_json:
        print_json({"keys": found})
        return
    if not found:
        console.print("There is no key yet; greyhound keys add makes one.")
        return
    table = Table("id", "name", "scopes", "made (UTC)", "last used (UTC)", "revoked (UTC)")
    for key in found:
        moments = (key.created_at, key.last_used, key.revoked_at)
        when = (f"{moment:%Y-%m-%d %H:%M}" if moment else "" for moment in moments)
        table.add_row(key.id, shown(key.name), ", ".join(key.scopes), *when)
    console.print(table)


@keys.command()
@click.argument("key")
@database_option
@json_option
def revoke(key: str, database: str, as_json: bool) -> None:
    """Revoke a KEY, by its id or its name; services refuse it within seconds.

    Example: greyhound keys revoke "release pipeline"
    """
    from racing.database.engine import open_database
    from service.security.api_keys import revoke_key

    revoked = revoke_key(open_database(database), key)
    if as_json:
        print_json(revoked)
        return
    say(f'The key of "{shown(revoked.name)}" ({revoked.id}) is revoked.')
