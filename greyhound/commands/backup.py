"""`greyhound backup`: a copy of everything, while it is served, and its check."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from greyhound.options import database_option, json_option, progress_option, registry_option
from greyhound.output.printing import print_json, say
from greyhound.output.progress import progress

if TYPE_CHECKING:
    from greyhound.backup.manifest import CopiedTable

spool_option = click.option(
    "--spool",
    type=click.Path(path_type=Path),
    envvar="GREYHOUND_SPOOL",
    default="var/spool",
    show_default=True,
    show_envvar=True,
    help="Where the service has answers that wait for the race database.",
)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--verify", is_flag=True, help="Make none: compare each file of the backup in DIR with its digest."
)
@database_option
@registry_option
@click.option(
    "--artifacts",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where an MLflow server has its files (MLFLOW_ARTIFACTS_DESTINATION), if one serves them.",
)
@spool_option
@json_option
@progress_option
def backup(
    folder: Path,
    verify: bool,
    database: str,
    registry: str,
    artifacts: Path | None,
    spool: Path,
    as_json: bool,
) -> None:
    """Copy everything into a new folder DIR, while it is served: races, log, registry, files of versions.

    The copy is of one moment: a version that is registered meanwhile is in it with all its files, or not at
    all. DIR appears when it is whole. The digest that is printed vouches for all of it.

    \b
    Examples:
      greyhound backup backups/2026-03-14
      greyhound backup --verify backups/2026-03-14
    """
    from greyhound.backup.make import Addresses, make_backup
    from greyhound.backup.manifest import MANIFEST, digest_of_file, verify_files

    if verify:
        with progress("comparing digests") as report:
            manifest = verify_files(folder, report)
        digest, _ = digest_of_file(folder / MANIFEST)
    else:
        addresses = Addresses(database=database, registry=registry, artifacts=artifacts, spool=spool)
        manifest, digest = make_backup(folder, addresses, progress)
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "digest": digest,
                "made_at": manifest.made_at,
                "n_files": len(manifest.files),
                "n_bytes": manifest.n_bytes,
                "versions": manifest.versions,
                "champion": manifest.champion,
                "n_predictions": _n_rows(manifest.database.tables, "prediction"),
                "n_races": _n_rows(manifest.database.tables, "race"),
                "warnings": manifest.warnings,
            }
        )
        return
    for warning in manifest.warnings:
        say(f"warning: {warning}", err=True)
    what = (
        f"{_n_rows(manifest.database.tables, 'race')} races, "
        f"{_n_rows(manifest.database.tables, 'prediction')} predictions, {len(manifest.versions)} versions"
    )
    done = "is as it was made" if verify else "is made"
    say(f"{folder} {done}: {what}, {len(manifest.files)} files, {manifest.n_bytes / 1e6:.1f} MB.")
    say(f"sha256 of its manifest: {digest}")


def _n_rows(tables: dict[str, "CopiedTable"], name: str) -> int:
    return tables[name].n_rows if name in tables else 0
