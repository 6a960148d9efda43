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
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
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
    date: dt.date, files: tuple[Path, ...], folder: Path | None, speed: float | None, trials: int, port: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Play a past day from FILES with the clock, and show its record beside the market.

    FILES hold the day and the months before it. A model learns from what was before the day, quickly and not
    well; then cards come in the morning, scratchings, prices at the off (BSP, where the files have no other)
    and results, through the same routes as on any day.

    \b
    Example:
      greyhound day 2026-03-31 ANZ_Greyhounds_2026_0*.csv.gz --speed 600
    """
    folder = folder or Path(f"var/day-{date}")
    if folder.exists() and any(folder.iterdir()):
        raise click.BadParameter(f"{folder} is not empty; name another or delete it", param_hint="--folder")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything is imported, as the demo does
    from greyhound.demo.coming_days import ComingDays
    from greyhound.demo.stage import Stage, ended_by_sigterm
    from greyhound.demo.training import Trainings
    from greyhound.race_day.past_day import PastDay, with_times
    from model_registry import get_model_registry
    from racing.database.engine import open_database
    from racing.importers.import_files import import_files
    from racing.race_days import races_of_day
    from racing.stored_race import stored_races

    def show(line: str) -> None:
        if as_json:
            say(line, err=True)
        else:
            console.print(line, soft_wrap=True)

    folder.mkdir(parents=True, exist_ok=True)
    stage = Stage(folder)
    with ended_by_sigterm():
        engine = open_database(stage.database, create=True)
        import_files(engine, files)
        races = with_times(stored_races(engine, [race.id for race in races_of_day(engine, date)]))
        if not races:
            raise click.BadParameter(f"the files hold no race of {date} with its result", param_hint="FILES")
        show(f"{len(races)} races of {date} are taken out, and all that came later.")
        ComingDays(engine, date)
        registry = get_model_registry(stage.registry, create=True)
        trainings = Trainings(engine, registry, folder / "training.log", trials)
        trainings.rate_runs()
        show(f"A quick model learns from what was before: {trainings.learn('form', promote=True)}")
        engine.dispose()
        with stage.service(port) as client:
            total = PastDay(client, races, speed=speed, show=show).play()
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
