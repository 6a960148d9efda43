"""`greyhound day`: a past day with the clock, in a database and beside a service of its own."""

import datetime as dt
import os
from pathlib import Path

import click

from greyhound.options import Day, json_option, progress_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, say


@click.command()
@click.argument("date", type=Day())
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--database",
    metavar="URL",
    help="A race database of SQLite in place of FILES, or to which they are added; it is copied, and stays.",
)
@click.option(
    "--registry",
    metavar="URL",
    help="Let the champion of this registry answer, a copy of it, rather than a quick model. It must have "
    "learnt from races before the day alone.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where everything of it lies; must not exist or be empty.  [default: var/day-DATE]",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.001),
    help="Seconds of the day a second; by default nothing is waited for.",
)
@click.option("--trials", type=click.IntRange(1, 100), default=1, show_default=True, help="Of the training.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Of the service; by default a free one."
)
@json_option
@progress_option
def day(
    date: dt.date, files: tuple[Path, ...], database: str | None, registry: str | None, folder: Path | None,
    speed: float | None, trials: int, port: int, as_json: bool,
) -> None:  # fmt: skip
    """Play a past day from FILES with the clock, and show its record beside the market.

    FILES hold the day and the months before it. A model learns from what was before the day, quickly and not
    well, unless a champion is named. Then cards come in the morning, scratchings, prices at the off (BSP,
    where the files have no other) and results, through the same routes as on any day.

    \b
    Example:
      greyhound day 2026-03-31 ANZ_Greyhounds_2026_0*.csv.gz --speed 600
      greyhound day 2026-03-31 --database sqlite:///var/greyhound.db --registry sqlite:///var/mlflow.db
    """
    if not files and database is None:
        raise click.UsageError("name FILES that hold the day, or a --database")
    folder = folder or Path(f"var/day-{date}")
    if folder.exists() and any(folder.iterdir()):
        raise click.BadParameter(f"{folder} is not empty; name another or delete it", param_hint="--folder")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything is imported, as the demo does
    from greyhound.demo.stage import Stage, ended_by_sigterm
    from greyhound.race_day.past_day import PastDay
    from greyhound.race_day.preparation import check_champion, n_events, prepare

    def show(line: str) -> None:
        if as_json:
            say(line, err=True)
        else:
            console.print(line, soft_wrap=True)

    champion = None if registry is None else check_champion(registry, date)  # before an hour of imports
    folder.mkdir(parents=True, exist_ok=True)
    stage = Stage(folder, {"GREYHOUND_REPLAYED_DAY": date.isoformat()})
    with ended_by_sigterm():
        races = prepare(stage, date, files, database=database, champion=champion, n_trials=trials, show=show)
        with stage.service(port) as client:
            total = PastDay(client, races, speed=speed, show=show).play()
        show(f"Followers of /events saw {n_events(stage)}.")
    if as_json:
        print_json(total.model_dump(mode="json"))
    elif total.log_loss is not None:
        show(f"\nThe record of {date}: {total.n_races} races, race log loss {total.log_loss:.4f}")
        show(f"   uniform {total.uniform_log_loss or 0:.4f}, top pick won {total.top_pick_rate or 0:.1%}")
        if total.n_with_market:
            on_those = (
                f"{total.log_loss_with_market or 0:.4f} to the market's {total.market_log_loss or 0:.4f}"
            )
            show(f"   beside the market at the off ({total.n_with_market} races): {on_those}")
