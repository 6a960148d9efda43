"""`greyhound models export`: the registry as the folder of files that older tools read."""

from pathlib import Path

import click

from greyhound.options import json_option, progress_option, registry_option
from greyhound.output.console import console
from greyhound.output.printing import print_json
from greyhound.output.progress import progress


@click.command()
@click.option(
    "--to",
    "directory",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Absent, empty, or an earlier export, which is replaced as a whole.",
)
@click.option(
    "--version",
    "versions",
    metavar="N",
    type=click.IntRange(1),
    multiple=True,
    help="Only this version; may be given several times. Without it every version is written.",
)
@registry_option
@json_option
@progress_option
def export(directory: Path, versions: tuple[int, ...], registry: str, as_json: bool) -> None:
    """Write the registry as a folder of files.

    For tools without MLflow. DIR gets models/*.joblib, metadata/*.json, best_model.joblib (a link to the
    champion), model_index.json, registry_config.json and training_summary.json. joblib.load opens a model
    where greyhound is installed with the extra "training"; it has predict_proba and feature_names_in_.

    \b
    Examples:
      greyhound models export --to exported
      greyhound models export --to exported --version 3 --version 4
    """
    from model_registry import get_model_registry  # --help must not wait for MLflow
    from model_registry.file_export.export import export_versions

    with progress("Exporting versions") as report:
        done = export_versions(get_model_registry(registry), directory, only=versions, on_progress=report)
    if as_json:
        print_json(done)
        return
    n = len(done.versions)
    what = f"{n} version{'s' if n > 1 else ''}, {done.n_bytes / 2**20:.1f} MiB"
    state = what if done.is_new else f"unchanged, {what}"
    console.print(f"{done.directory}: {state}", soft_wrap=True)
    console.print(f"best_model.joblib is version {done.best}: {done.best_because}.", soft_wrap=True)
