"""The prediction of a card as a table, with its warnings and, on request, why."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from greyhound.output.console import console
from greyhound.output.printing import shown
from greyhound.tables.bets import combination_table

if TYPE_CHECKING:
    from service.schemas.prediction import ExplanationOut, PredictionOut

_N_SHOWN = 4  # contributions a runner, so that a line stays one


def print_prediction(answer: "PredictionOut", notes: Sequence[str] = ()) -> None:
    """Print a table of the runners, the likeliest first, and below it warnings and what was left out."""
    for line in _titles(answer):
        console.print(shown(line), soft_wrap=True)
    table = Table()
    starters = [runner for runner in answer.runners if runner.status == "starter"]
    has_market = starters[0].market_probability is not None
    has_combined = starters[0].combined_probability is not None
    has_rugs = any(runner.rug != runner.box for runner in starters)
    names = ["rank", "box", "rug", "runner", "win", "place", "fair price", "prior runs"]
    for name in names if has_rugs else [name for name in names if name != "rug"]:
        is_name = name == "runner"
        table.add_column(name, justify="left" if is_name else "right", no_wrap=is_name)
    if has_market:
        table.add_column("market", justify="right")
    if has_combined:
        table.add_column("combined", justify="right")
    for runner in sorted(answer.runners, key=lambda runner: runner.rank):
        if runner.status != "starter":
            number = [str(runner.rug)] * (2 if has_rugs else 1)
            table.add_row("", *number, shown(runner.name), runner.status)
            continue
        cells = [str(runner.rank), str(runner.box), *([str(runner.rug)] if has_rugs else [])]
        cells += [shown(runner.name), f"{runner.win_probability:.1%}", f"{runner.place_probability:.1%}"]
        cells += [f"{runner.fair_price:.2f}", str(runner.n_prior_runs or "none on file")]
        extra = (runner.market_probability, runner.combined_probability)
        table.add_row(*cells, *(f"{value:.1%}" for value in extra if value is not None))
    console.print(table)
    if answer.n_places == 1:
        console.print(f"place: with {len(starters)} starters only the win pays")
    if answer.combination == "market":
        console.print("combined is the market alone: the model adds nothing to closing prices here.")
    if answer.base_strength is not None:
        _print_explanations(answer)
    for bet in answer.bets or ():
        console.print(combination_table(bet))
    for warning in answer.warnings:
        console.print(f"warning: {shown(warning.text)}")
    for note in notes:
        console.print(f"left out: {shown(note)}", soft_wrap=True)


def _titles(answer: "PredictionOut") -> tuple[str, str]:
    """Return which race it is, and which model answers."""
    number = "" if answer.race_number is None else f" race {answer.race_number}"
    parts = [f"{answer.track}{number}", f"{answer.date:%a} {answer.date.day} {answer.date:%B %Y}"]
    parts += [f"{answer.distance_m} m", *([answer.grade] if answer.grade else [])]
    simulated = ", trained on simulated races" if answer.is_simulated else ""
    return ", ".join(parts), f"model version {answer.model_version}{simulated}"


def _print_explanations(answer: "PredictionOut") -> None:
    console.print("Why: what each topic makes of a runner's odds, against the field's mean.")
    for runner in sorted(answer.runners, key=lambda runner: runner.rank):
        if runner.explanation is not None:
            why = ", ".join(_factors(runner.explanation))
            console.print(f"{runner.rug} {shown(runner.name)}: {why}", soft_wrap=True)


def _factors(explanation: "ExplanationOut") -> Iterator[str]:
    """Name the largest contributions, and what the others make together, as factors of the odds."""
    largest, others = explanation.contributions[:_N_SHOWN], explanation.contributions[_N_SHOWN:]
    for one in largest:
        yield f"{one.topic} x{one.multiplies_odds_by:.2f}"
    if others:
        yield f"others x{math.prod(one.multiplies_odds_by for one in others):.2f}"
