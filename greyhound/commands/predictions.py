"""`greyhound predictions`: the log of answered cards, how they came out, and how good they were."""

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
from rich.table import Table
from sqlalchemy import Engine

from greyhound.console import console
from greyhound.options import Day, database_option, json_option, print_json, progress, progress_option
from greyhound.printing import say, shown
from racing.database.engine import open_database
from racing.domain.errors import NoSuchPrediction
from racing.predictions.latest import recount_all
from racing.predictions.listing import LoggedCard, prediction_with_outcome, predictions_with_outcomes
from racing.predictions.prediction_filter import PredictionFilter, what_counts
from racing.predictions.prune import prune
from racing.predictions.score import BY, Score, score_predictions
from racing.predictions.unreadable import n_unreadable, try_again, unreadable_cards
from racing.predictions.update import update_outcomes


def _asking(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which predictions are meant."""
    for option in (
        click.option("--track", help="Track, under any of its names."),
        click.option("--version", type=click.IntRange(1), help="Version that answered."),
        click.option("--until", type=Day(), help="Last race day."),
        click.option("--since", type=Day(), help="First race day."),
    ):
        command = option(command)
    return command


@click.group()
def predictions() -> None:
    """Show the answered cards that the service logged, judge them, forget old ones.

    \b
    Examples:
      greyhound predictions list --since 2026-03-01
      greyhound predictions show 48210
      greyhound predictions score --by week
      greyhound predictions unreadable
      greyhound predictions prune --before 2025-01-01
      greyhound predictions recount
    """


@predictions.command("list")
@_asking
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
    """List answered cards, the newest first, with how they came out."""
    engine = _settled(database)
    _tell_unreadable(engine)
    asked = PredictionFilter(since=since, until=until, version=version, track=track)
    cards = predictions_with_outcomes(engine, asked, limit=limit)
    if as_json:
        print_json({"predictions": cards})
        return
    if not cards:
        console.print("No such prediction is logged.")
        return
    table = Table(box=None, padding=(0, 1, 0, 0))  # fits 80 columns
    for name in ("no", "answered (UTC)", "by", "race", "favourite", "winner", "loss", "market"):
        table.add_column(name, justify="right" if name in ("no", "by", "loss", "market") else "left")
    for card in cards:
        table.add_row(*_cells(card))
    console.print(table)
    if any(not card.is_ahead for card in cards):
        console.print(
            "late: answered after race day; `predictions score` counts such cards only with --late."
        )


@predictions.command("show")
@click.argument("which", metavar="NUMBER|REQUEST_ID")
@database_option
@json_option
@progress_option
def show_command(which: str, database: str, as_json: bool) -> None:
    """Show one answered card, by its number in the log or its request id."""
    card = prediction_with_outcome(_settled(database), which)
    if card is None:
        raise NoSuchPrediction(f"no logged prediction is {which!r}; `greyhound predictions list` shows them")
    if as_json:
        print_json(card)
        return
    about = f"{card.track}, {card.date}, {card.distance_m} m"
    race = "" if card.race_number is None else f", race {card.race_number}"
    table = Table(title=f"{shown(about)}{race}: version {card.model_version}, {card.at:%Y-%m-%d %H:%M:%S}")
    for name in ("box", "runner", "win", "place", "market", "finish"):
        table.add_column(name, justify="left" if name == "runner" else "right")
    for runner in card.runners:
        finish = (
            "won" if runner.won else "" if runner.finish_position is None else str(runner.finish_position)
        )
        market = "" if runner.market_probability is None else f"{runner.market_probability:.1%}"
        chances = (f"{runner.win_probability:.1%}", f"{runner.place_probability:.1%}")
        table.add_row(str(runner.box), shown(runner.name), *chances, market, finish)
    console.print(table)
    if not card.is_ahead:
        console.print("Late: it was answered after race day, when the model may have learnt from the race.")
    if card.loss is not None:
        losses = f"log loss {card.loss:.3f}, knowing the field size only {card.uniform_loss:.3f}"
        console.print(losses + ("" if card.market_loss is None else f", market {card.market_loss:.3f}"))


@predictions.command("score")
@_asking
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
    """Judge the answered cards whose outcomes are known: race log loss beside market and uniform.

    A race counts once, by the last card that was answered for it (by version: by the last of each). What
    stands beside the market is over the races whose starters all have a price (BSP, else SP); the interval is
    of 95 %, paired by race.
    """
    asked = PredictionFilter(since=since, until=until, version=version, track=track)
    engine = _settled(database)
    _tell_unreadable(engine)
    scores = score_predictions(engine, asked, by=by, with_late=late)
    if as_json:
        print_json(asdict(scores) | {"rule": what_counts(with_late=late)})
        return
    table = Table()
    table.add_column(by)
    names = ("races", "log loss", "uniform", "top pick wins", "with market", "log loss there", "market")
    for name in (*names, "behind it", "95 % interval"):
        table.add_column(name, justify="right")
    for score in scores.groups:
        table.add_row(*_score_cells(score))
    if len(scores.groups) != 1:
        table.add_section()
        table.add_row(*_score_cells(scores.total))
    console.print(table)
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
    """List the logged cards that cannot be read, each with the reason; all others are not affected."""
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
    """Forget the cards that were answered before a day, and what they came to."""
    with progress("forgetting") as report:
        n_gone = prune(open_database(database), before, on_progress=report)
    if as_json:
        print_json({"n_pruned": n_gone})
    else:
        what = "1 prediction is" if n_gone == 1 else f"{n_gone} predictions are"
        console.print(f"{what} forgotten, answered before {before}.")


@predictions.command("recount")
@database_option
@json_option
@progress_option
def recount_command(database: str, as_json: bool) -> None:
    """Find anew which cards count, and add them up: after an older program wrote to an upgraded database.

    Otherwise nothing is ever to be counted again: the sums change with each outcome.
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


def _tell_unreadable(engine: Engine) -> None:
    with engine.connect() as connection:
        n = n_unreadable(connection)
    if n:
        what = "1 logged card cannot be read and is" if n == 1 else f"{n} logged cards cannot be read and are"
        say(f"{what} left out: `greyhound predictions unreadable` says why.", err=True)


def _cells(card: LoggedCard) -> list[str]:
    favourite = max(card.runners, key=lambda runner: runner.win_probability)
    winner = next((runner.name for runner in card.runners if runner.won), "")
    race = f"{card.date:%Y-%m-%d} {card.track}" + (f" R{card.race_number}" if card.race_number else "")
    said = f"{favourite.name} {favourite.win_probability:.0%}"
    return [
        str(card.id), f"{card.at:%Y-%m-%d %H:%M}{'' if card.is_ahead else ' late'}", f"v{card.model_version}",
        shown(race),
        shown(said), shown(winner), _short(card.loss), _short(card.market_loss),
    ]  # fmt: skip


def _score_cells(score: Score) -> list[str]:
    return [
        score.group, str(score.n_races), _number(score.log_loss), _number(score.uniform_log_loss),
        "" if score.top_pick_rate != score.top_pick_rate else f"{score.top_pick_rate:.1%}",
        str(score.n_with_market), _number(score.log_loss_with_market), _number(score.market_log_loss),
        _signed(score.behind_market), _interval(score),
    ]  # fmt: skip


def _signed(value: float) -> str:
    return "" if value != value else f"{value:+.4f}"


def _interval(score: Score) -> str:
    if score.behind_market_low != score.behind_market_low:
        return ""
    return f"{score.behind_market_low:+.4f} to {score.behind_market_high:+.4f}"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _number(value: Any) -> str:
    return "" if value is None or value != value else f"{value:.4f}"
