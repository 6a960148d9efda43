"""`greyhound models`: list, show, promote and roll back model versions."""

from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from greyhound.commands.models.export import export
from greyhound.commands.models.webhook import webhook
from greyhound.options import json_option, registry_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, shown

if TYPE_CHECKING:
    from model_registry.history import PromotionRecord
    from model_registry.registry import ModelRegistry
    from model_registry.versions import ModelVersion

# What a person compares first; `models show` has all of them.
_LISTED = ("race_log_loss", "auc", "ece")

reason_option = click.option("--reason", metavar="TEXT", help="Why, for the record.")


@click.group()
def models() -> None:
    """List, show, promote, roll back and export model versions.

    \b
    Examples:
      greyhound models list
      greyhound models promote 3 --reason "better on July"
      greyhound models rollback --reason "prices were late"
      greyhound models export --to exported
    """


models.add_command(export)
models.add_command(webhook)


@models.command("list")
@registry_option
@json_option
def list_(registry: str, as_json: bool) -> None:
    """List every version, the newest first.

    Example: greyhound models list --json
    """
    versions = _registry(registry).versions()
    if as_json:
        print_json({"models": versions})
        return
    if not versions:
        console.print("No model is registered yet; greyhound train makes one.")
        return
    metrics = [name for name in _LISTED if any(name in version.metrics for version in versions)]
    heads = ("version", "role", "kind", "trained", "gates", *(name.replace("_", " ") for name in metrics))
    table = Table(*heads, box=None, padding=(0, 1, 0, 0))  # fits 80 columns
    table.columns[2].no_wrap = True
    for version in versions:
        figures = [_number(version.metrics.get(name)) for name in metrics]
        role, day = shown(", ".join(version.aliases)), f"{version.created_at:%Y-%m-%d}"
        kind, gates = shown(version.kind), shown(version.gates or "")
        table.add_row(str(version.version), role, kind, day, gates, *figures)
    console.print(table)


@models.command()
@click.argument("version")
@registry_option
@json_option
def show(version: str, registry: str, as_json: bool) -> None:
    """Show everything about one VERSION.

    VERSION is a number, "champion", "challenger", "challenger-2" ...

    Example: greyhound models show champion
    """
    found = _version(_registry(registry), version)
    if as_json:
        print_json(found)
        return
    table = Table(show_header=False)
    facts: dict[str, Any] = {
        "version": found.version,
        "role": ", ".join(found.aliases) or "none",
        "kind": found.kind,
        "trained": f"{found.created_at:%Y-%m-%d %H:%M} UTC",
        "gates": f"{found.gates or 'not judged'} {found.gate_failures}",
        "features": found.feature_version,
        "digest": found.digest,
        "data hash": found.data_hash,
        "git commit": found.git_commit,
        "MLflow run": found.run_id,
        "description": found.description,
    }
    for name, value in facts.items():
        table.add_row(name, str(value).strip())
    for name, number in sorted(found.metrics.items()):
        table.add_row(name, _number(number))
    console.print(table)


@models.command()
@click.argument("version")
@reason_option
@click.option("--force", is_flag=True, help="Promote a version that failed its gates; this goes on record.")
@click.option(
    "--on-probation/--no-probation",
    envvar="GREYHOUND_PROBATION",
    default=False,
    show_default=True,
    show_envvar=True,
    help="Let the champion before go on in shadow, and come back by itself if it is better.",
)
@click.option(
    "--probation-races",
    type=click.IntRange(1, 1_000_000),
    envvar="GREYHOUND_PROBATION_RACES",
    default=1000,
    show_default=True,
    show_envvar=True,
    help="Races after which the version has passed its probation.",
)
@registry_option
@json_option
def promote(
    version: str,
    reason: str | None,
    force: bool,
    on_probation: bool,
    probation_races: int,
    registry: str,
    as_json: bool,
) -> None:
    """Make a VERSION the champion; services follow within seconds.

    Example: greyhound models promote 3 --reason "better on July"
    """
    from racing.experiments.policy import Policy

    opened = _registry(registry)
    number = _version(opened, version).version
    policy = Policy(action="roll-back", probation_races=probation_races) if on_probation else None
    record = opened.promote(number, reason=reason or "promoted by command", forced=force, probation=policy)
    _say(record, as_json)


@models.command()
@reason_option
@registry_option
@json_option
def rollback(reason: str | None, registry: str, as_json: bool) -> None:
    """Give the role back to the champion before this one.

    Example: greyhound models rollback --reason "prices were late"
    """
    _say(_registry(registry).rollback(reason=reason or "rolled back by command"), as_json)


@models.command()
@registry_option
@json_option
def history(registry: str, as_json: bool) -> None:
    """List every promotion and rollback with its reason, oldest first.

    Example: greyhound models history
    """
    records = _registry(registry).history()
    if as_json:
        print_json({"history": records})
        return
    if not records:
        console.print("Nothing was promoted yet.")
        return
    table = Table("no.", "when (UTC)", "what", "version", "before", "by", "reason")
    for record in records:
        what = record.action + (" (forced)" if record.forced else "")
        what += "" if record.is_carried_out else " (not carried out)"
        when, before = f"{record.at:%Y-%m-%d %H:%M:%S}", str(record.previous or "")
        by, reason = shown(record.by), shown(record.reason)
        table.add_row(str(record.number), when, what, str(record.version), before, by, reason)
    console.print(table)


def _registry(uri: str) -> "ModelRegistry":
    from model_registry import get_model_registry  # --help must not wait for MLflow

    return get_model_registry(uri)


def _version(registry: "ModelRegistry", version: str) -> "ModelVersion":
    if version == "champion":
        return registry.champion()
    if version.partition("-")[0] == "challenger":
        return registry.challenger(version)
    if not version.isdecimal():
        raise click.BadParameter(f'a version is a number, "champion" or "challenger", got {version!r}')
    return registry.version(int(version))


def _say(record: "PromotionRecord", as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    before = f" (before: version {record.previous})" if record.previous else ""
    console.print(f"Version {record.version} is the champion now{before}.")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
