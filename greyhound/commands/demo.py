"""`greyhound demo`: a season passes day by day beside a service that watches itself."""

import json
import os
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from greyhound.options import json_option, progress_option
from greyhound.output.console import console
from greyhound.output.printing import say

if TYPE_CHECKING:
    from greyhound.demo.stage import Stage
    from greyhound.demo.story import Outcome, Show
    from greyhound_client import GreyhoundClient


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var/demo"),
    show_default=True,
    help="Where everything of it lies; must not exist or be empty.",
)
@click.option(
    "--races", type=click.IntRange(1000, 50_000), default=2500, show_default=True, help="Races of the season."
)
@click.option(
    "--days", type=click.IntRange(10, 60), default=25, show_default=True, help="Days of it that are to come."
)
@click.option("--trials", type=click.IntRange(1, 100), default=1, show_default=True, help="Of each training.")
@click.option(
    "--serve",
    "stays",
    is_flag=True,
    help="Afterwards go on serving it, and show it in the browser, until Ctrl-C; of a demo that is over "
    "already, only that.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the service; by default a free one."
)
@click.option(
    "--frontend-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the pages of --serve; likewise.",
)
@json_option
@progress_option
def demo(
    folder: Path, races: int, days: int, trials: int, stays: bool, port: int, frontend_port: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Let a simulated season pass day by day: some minutes, and nothing of yours is touched.

    A challenger earns its place, a spoiled version is promoted and taken back, and an input drifts. All parts
    are the real ones: a service, an MLflow registry, a database, in a folder of their own. The tutorial
    "A season in minutes" tells what happens.

    \b
    Examples:
      greyhound demo
      greyhound demo --serve          and look at it in the browser
    """
    began = time.monotonic()
    is_over = (folder / "outcome.json").exists()  # as Stage.outcome
    if is_over and not stays:
        raise click.BadParameter(
            f"a demo was played in {folder}: see it with --serve, or name an empty folder for another",
            param_hint="--folder",
        )
    if not is_over and folder.exists() and any(folder.iterdir()):
        raise click.BadParameter(
            f"{folder} is not empty, and holds no demo that is over; name another folder or delete it",
            param_hint="--folder",
        )
    # Before anything is imported: one thread a training, as the service has one a request.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _try_ports(port, frontend_port if stays else 0)
    from greyhound.demo.stage import Stage, ended_by_sigterm
    from greyhound.demo.story import Plan, Play, prepare

    def show(line: str) -> None:
        if as_json:
            say(line, err=True)
        else:
            console.print(line, soft_wrap=True)

    folder.mkdir(parents=True, exist_ok=True)
    stage = Stage(folder)
    with ended_by_sigterm():
        if not is_over:
            plan = Plan(n_races=races, n_days=days, trials=trials)
            coming = prepare(stage, plan, show)
        with stage.service(port) as service:
            if not is_over:
                outcome = Play(stage, service, coming, show).all_acts()
                stage.outcome.write_text(json.dumps(asdict(outcome), indent=2) + "\n", encoding="utf-8")
                _sum_up(outcome, time.monotonic() - began, show)
            if as_json:
                say(stage.outcome.read_text(encoding="utf-8").rstrip())
            if stays:
                _stay(stage, service, frontend_port, show)
    if not stays:
        show(f"See it in the browser: greyhound demo --serve{_folder_option(folder)}")


def _folder_option(folder: Path) -> str:
    return "" if folder == Path("var/demo") else f" --folder {folder}"


def _try_ports(*ports: int) -> None:
    """Report a port in use before minutes of training."""
    for port in filter(None, ports):
        from service.serve import open_socket

        open_socket("127.0.0.1", port).close()


def _sum_up(outcome: "Outcome", seconds: float, show: "Show") -> None:
    show(
        f"\n{outcome.n_days} days in {seconds:.0f} s: {outcome.n_cards:,} cards were answered, "
        f"{outcome.n_logged:,} are in the log, none was lost."
    )
    show(f"Champions: version {', '.join(map(str, outcome.champions))}. The guard decided:")
    for act in outcome.acts:
        show(f"   {act.decision}")


def _stay(stage: "Stage", service: "GreyhoundClient", frontend_port: int, show: "Show") -> None:
    """Serve and show until Ctrl-C."""
    with stage.pages(service.url, frontend_port) as pages:
        show(f"\nOpen {pages} (the API: {service.url}/docs). Ctrl-C stops both.")
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            show("")
