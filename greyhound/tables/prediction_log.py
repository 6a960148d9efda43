"""The log of answered cards as tables: a line a card, one card whole, and scores by group."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from greyhound.output.console import console
from greyhound.output.printing import shown
from racing.metrics import Difference
from racing.predictions.by_minutes import ByMinutes
from racing.predictions.listing import LoggedCard
from racing.predictions.score import Score, Scores


def print_cards(cards: Sequence[LoggedCard]) -> None:
    """Print a line for each card, with how it came out."""
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


def print_card(card: LoggedCard) -> None:
    """Print one card, a line for each runner."""
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


def print_scores(scores: Scores, by: str) -> None:
    """Print the scores of each group and, of several, their total."""
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


def by_minutes_summary(scores: ByMinutes) -> dict[str, Any]:
    """Return the scores as ``--json`` prints them."""
    summary = asdict(scores)
    for score in summary["minutes"]:
        gaps = {name: value._asdict() for name, value in score.items() if isinstance(value, Difference)}
        score |= gaps
    return summary


def print_by_minutes(scores: ByMinutes) -> None:
    """Print a line for each minute before the off, the earliest first."""
    table = Table(box=None, padding=(0, 1, 0, 0))  # fits 80 columns
    for name in ("min", "races", "model", "market", "both", "model - market", "both - market"):
        table.add_column(name, justify="right")
    for score in scores.minutes:
        losses = (score.model_loss, score.market_loss, score.combined_loss)
        gaps = (score.model_behind_market, score.combined_behind_market)
        cells = (*map(_number, losses), *map(_difference, gaps))
        table.add_row(str(score.minutes), str(score.n_races), *cells)
    console.print(table)
    newest = "the newest " if scores.is_cut else ""
    console.print(
        f"Race log loss of {newest}{scores.n_races} races with prices, {scores.first_day} to "
        f"{scores.last_day}; differences with their 95 % intervals, paired by race."
    )


def _cells(card: LoggedCard) -> list[str]:
    favourite = max(card.runners, key=lambda runner: runner.win_probability)
    winner = next((runner.name for runner in card.runners if runner.won), "")
    race = f"{card.date:%Y-%m-%d} {card.track}" + (f" R{card.race_number}" if card.race_number else "")
    pick = f"{favourite.name} {favourite.win_probability:.0%}"
    return [
        str(card.id), f"{card.at:%Y-%m-%d %H:%M}{'' if card.is_ahead else ' late'}", f"v{card.model_version}",
        shown(race),
        shown(pick), shown(winner), _short(card.loss), _short(card.market_loss),
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


def _difference(gap: Difference) -> str:
    if gap.difference != gap.difference:
        return ""
    interval = "" if gap.low != gap.low else f" [{gap.low:+.3f}, {gap.high:+.3f}]"
    return f"{gap.difference:+.3f}{interval}"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.4f}"
