"""`greyhound restore`: bring a backup back, here or elsewhere."""

from pathlib import Path

import click

from greyhound.commands.backup import spool_option
from greyhound.options import database_option, json_option, progress_option, registry_option
from greyhound.output.printing import print_json, say
from greyhound.output.progress import progress


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@database_option
@registry_option
@click.option(
    "--artifacts",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files of versions and runs go; by default `artifacts` beside its file, else in var.",
)
@spool_option
@click.option("--force", is_flag=True, help="Replace what is there.")
@json_option
@progress_option
def restore(
    folder: Path,
    database: str,
    registry: str,
    artifacts: Path | None,
    spool: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Bring the backup in DIR back, where it was or elsewhere: MLflow's records lead to the files' new place.

    Each file is compared with its digest first. Nothing that is there is replaced without --force, and then
    at the end only, when all is ready. Stop the services before; they find the champion when they start.

    \b
    Examples:
      greyhound restore backups/2026-03-14
      greyhound restore backups/2026-03-14 --registry sqlite:///elsewhere/mlflow.db
    """
    from greyhound.backup.make import Addresses
    from greyhound.backup.restore import restore_backup

    addresses = Addresses(database=database, registry=registry, artifacts=artifacts, spool=spool)
    manifest = restore_backup(folder, addresses, progress, force=force)
    if as_json:
        print_json(
            {"folder": str(folder), "made_at": manifest.made_at, "versions": manifest.versions}
            | {"champion": manifest.champion, "warnings": manifest.warnings}
        )
        return
    champion = "no champion" if manifest.champion is None else f"champion {manifest.champion}"
    say(f"Everything is as it was at {manifest.made_at}: {len(manifest.versions)} versions, {champion}.")
