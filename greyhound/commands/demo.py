"""`greyhound demo`: a season passes day by day beside a service that watches itself."""

from pathlib import Path

import click

from greyhound.options import json_option
from greyhound.output.console import console
from greyhound.output.printing import print_json


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var/demo"),
    show_default=True,
    help="Where everything of it lies; must not exist or be empty.",
)
@click.option(
    "--races", type=click.IntRange(1000, 50_000), default=6000, show_default=True, help="Races of the season."
)
@click.option(
    "--days", type=click.IntRange(10, 60), default=40, show_default=True, help="Days of it that are to come."
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the service; any free one.")
@json_option
def demo(folder: Path, races: int, days: int, port: int, as_json: bool) -> None:
    """Let a simulated season pass day by day: some minutes, and nothing of yours is touched.

    A challenger earns its place, a spoiled version is promoted and taken back, and an input drifts. All parts
    are the real ones: a service, an MLflow registry, a database, in a folder of their own.

    \b
    Example:
      greyhound demo
    """
    from greyhound.demo.stage import Stage
    from greyhound.demo.story import Plan, play, prepare

    if folder.exists() and any(folder.iterdir()):
        raise click.BadParameter(f"{folder} is not empty; name another one", param_hint="--folder")
    folder.mkdir(parents=True, exist_ok=True)
    stage, plan = Stage(folder.absolute()), Plan(n_races=races, n_days=days)

    def show(line: str) -> None:
        console.print(line, soft_wrap=True, highlight=False)

    outcome = play(stage, prepare(stage, plan, show), show, port=port)
    if as_json:
        print_json(outcome)
        return
    show(f"\nOver: {outcome.n_cards:,} cards were answered, none was lost. What was decided:")
    for decision in outcome.decisions:
        show(f"  {decision}")
    show("\nLook at it in the browser, in two shells:")
    show(f"  greyhound serve --database {stage.database} --registry {stage.registry}")
    show("  greyhound frontend")
