"""`greyhound predictions`: the log of answered cards, their outcomes, and how good they were."""

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict

import click
from sqlalchemy import Engine

from greyhound.did_you_mean import hint_at_track
from greyhound.options import Day, database_option, json_option, progress_option
from greyhound.output.console import console
from greyhound.output.printing import print_json, say, shown
from greyhound.output.progress import progress
from greyhound.tables.prediction_log import (
    by_minutes_summary,
    print_by_minutes,
    print_card,
    print_cards,
    print_scores,
)
from racing.database.engine import open_database
from racing.domain.errors import NoSuchPrediction
from racing.predictions.by_minutes import MAX_RACES, score_by_minutes
from racing.predictions.latest import recount_all
from racing.predictions.listing import prediction_with_outcome, predictions_with_outcomes
from racing.predictions.prediction_filter import PredictionFilter, what_counts
from racing.predictions.prune import prune
from racing.predictions.score import BY, score_predictions
from racing.predictions.unreadable import n_unreadable, try_again, unreadable_cards
from racing.predictions.update import update_outcomes


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose predictions."""
    for option in (
        click.option("--track", callback=hint_at_track, help="Track, under any of its names."),
        click.option("--version", type=click.IntRange(1), help="Version that answered."),
        click.option("--until", type=Day(), help="Last race day."),
        click.option("--since", type=Day(), help="First race day."),
    ):
        command = option(command)
    return command


@click.group()
def predictions() -> None:
    """Show the cards that the service answered and logged, judge them, delete old ones.

    \b
    Examples:
      greyhound predictions list --since 2026-03-01
      greyhound predictions show 48210
      greyhound predictions score --by week
      greyhound predictions by-minutes
      greyhound predictions unreadable
      greyhound predictions prune --before 2025-01-01
      greyhound predictions recount
    """


@predictions.command("list")
@_filters
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many."
)
@database_option
@json_option
@progress_option
def list_command(
    since: dt.date | None,
    until: dt.date | None,
    version: int | None,
    track: str | None,
    limit: int,
    database: str,
    as_json: bool,
) -> None:
    """List answered cards with their outcomes.

    The newest first."""
    engine = _settled(database)
    _warn_of_unreadable(engine)
    filters = PredictionFilter(since=since, until=until, version=version, track=track)
    cards = predictions_with_outcomes(engine, filters, limit=limit)
    if as_json:
        print_json({"predictions": cards})
        return
    if not cards:
        console.print("No such prediction is logged.")
        return
    print_cards(cards)


@predictions.command("show")
@click.argument("which", metavar="NUMBER|REQUEST_ID")
@database_option
@json_option
@progress_option
def show_command(which: str, database: str, as_json: bool) -> None:
    """Show one answered card.

    By its number in the log or its request id."""
    card = prediction_with_outcome(_settled(database), which)
    if card is None:
        raise NoSuchPrediction(f"no logged prediction is {which!r}; `greyhound predictions list` shows them")
    if as_json:
        print_json(card)
        return
    print_card(card)


@predictions.command("score")
@_filters
@click.option("--by", type=click.Choice(BY), default="week", show_default=True, help="What to group by.")
@click.option("--late", is_flag=True, help="Also cards that were answered after race day (UTC).")
@database_option
@json_option
@progress_option
def score_command(
    since: dt.date | None,
    until: dt.date | None,
    version: int | None,
    track: str | None,
    by: str,
    late: bool,
    database: str,
    as_json: bool,
) -> None:
    """Judge the answered cards by their outcomes.

    Race log loss beside that of the market and of uniform probabilities. A race counts once, by the last card
    that was answered for it (by version: by the last of each). What stands beside the market is over the
    races whose starters all have a price (BSP, else SP); the interval is of 95 %, paired by race.
    """
    filters = PredictionFilter(since=since, until=until, version=version, track=track)
    engine = _settled(database)
    _warn_of_unreadable(engine)
    scores = score_predictions(engine, filters, by=by, with_late=late)
    if as_json:
        print_json(asdict(scores) | {"rule": what_counts(with_late=late)})
        return
    print_scores(scores, by)
    console.print(what_counts(with_late=late))


@predictions.command("by-minutes")
@_filters
@click.option(
    "--races",
    type=click.IntRange(1, 100_000),
    default=MAX_RACES,
    show_default=True,
    help="The newest races with prices are judged: at most so many.",
)
@click.option("--late", is_flag=True, help="Also cards that were answered after race day (UTC).")
@database_option
@json_option
@progress_option
def by_minutes_command(
    since: dt.date | None,
    until: dt.date | None,
    version: int | None,
    track: str | None,
    races: int,
    late: bool,
    database: str,
    as_json: bool,
) -> None:
    """Judge the answered cards beside the market of minutes before the off.

    Of races with stored prices (recordings of Betfair's stream, POST /prices). A race counts at a minute only
    if each of its starters had a price then. Both together is a mixture by weights fitted on other days.
    """
    filters = PredictionFilter(since=since, until=until, version=version, track=track)
    engine = _settled(database)
    _warn_of_unreadable(engine)
    scores = score_by_minutes(engine, filters, with_late=late, max_races=races)
    if as_json:
        print_json(by_minutes_summary(scores))
        return
    if not scores.minutes:
        console.print("No judged card is of a race whose starters all have prices before the off.")
        return
    print_by_minutes(scores)
    console.print(what_counts(with_late=late))


@predictions.command("unreadable")
@click.option("--retry", is_flag=True, help="Try to read them again, e.g. after an upgrade.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many."
)
@database_option
@json_option
@progress_option
def unreadable_command(retry: bool, limit: int, database: str, as_json: bool) -> None:
    """List logged cards that cannot be read, and why.

    All others are not affected."""
    engine = _settled(database)
    if retry and try_again(engine):
        update_outcomes(engine)
    cards = unreadable_cards(engine, limit)
    with engine.connect() as connection:
        n = n_unreadable(connection)
    if as_json:
        print_json({"n_unreadable": n, "unreadable": cards})
        return
    for card in cards:
        console.print(f"{card.id}: {shown(card.reason)}", soft_wrap=True)
    if not n:
        console.print("Every logged card can be read.")
    else:
        newest = f"; the newest {limit} are shown" if n > limit else ""
        console.print(f"{n} logged {'card' if n == 1 else 'cards'} cannot be read{newest}.")


@predictions.command("prune")
@click.option("--before", type=Day(), required=True, help="Cards answered before this day (UTC) go.")
@database_option
@json_option
@progress_option
def prune_command(before: dt.date, database: str, as_json: bool) -> None:
    """Delete the cards answered before a day.

    Their outcomes and scores are deleted too."""
    with progress("deleting") as report:
        n_gone = prune(open_database(database), before, on_progress=report)
    if as_json:
        print_json({"n_pruned": n_gone})
    else:
        what = "1 prediction is" if n_gone == 1 else f"{n_gone} predictions are"
        console.print(f"{what} deleted, answered before {before}.")


@predictions.command("recount")
@database_option
@json_option
@progress_option
def recount_command(database: str, as_json: bool) -> None:
    """Add up the scores again.

    Only needed after an older program wrote to an upgraded database: else the sums change with each outcome.
    """
    with progress("adding up") as report:
        n_days = recount_all(open_database(database), on_progress=report)
    if as_json:
        print_json({"n_days": n_days})
    else:
        console.print(f"{n_days} {'day is' if n_days == 1 else 'days are'} added up.")


def _settled(database: str) -> Engine:
    """Open the database, and read what the service has not read yet."""
    engine = open_database(database)
    click.get_current_context().call_on_close(engine.dispose)
    with progress("reading the log") as report:
        update_outcomes(engine, on_progress=report)
    return engine


def _warn_of_unreadable(engine: Engine) -> None:
    with engine.connect() as connection:
        n = n_unreadable(connection)
    if n:
        what = "1 logged card cannot be read and is" if n == 1 else f"{n} logged cards cannot be read and are"
        say(f"{what} left out: `greyhound predictions unreadable` says why.", err=True)
