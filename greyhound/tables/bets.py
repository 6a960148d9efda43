"""Bets on the order of finish as tables for a terminal: of a card, and judged on races that were run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from greyhound.output.printing import shown
from racing.domain.bets import BETS

if TYPE_CHECKING:
    from service.schemas.bets import BetOut
    from training.evaluation.bets import BetComparison


def combination_table(bet: "BetOut") -> Table:
    """Return the combinations of one bet of a card, a line each, the likeliest first."""
    title = f"{BETS[bet.bet].title}: {len(bet.combinations)} of {bet.n_combinations} combinations"
    table = Table(title=title, title_justify="left")
    table.add_column("numbers", no_wrap=True)
    table.add_column("runners")
    for heading in ("probability", "fair price"):
        table.add_column(heading, justify="right", no_wrap=True)
    between = " - " if BETS[bet.bet].is_ordered else " + "
    for one in bet.combinations:
        names = between.join(shown(name) for name in one.names)
        numbers = between.strip().join(map(str, one.rugs))
        table.add_row(numbers, names, f"{one.probability:.2%}", f"{one.fair_price:.2f}")
    return table


def bet_table(bets: "Sequence[BetComparison]") -> Table:
    """Return every bet with the loss of each source, a line each."""
    table = _table("Bets on the order of finish, by race, where it is known")
    table.add_column("")
    for heading in ("races", "log loss ± s.e.", "model - this [95 %]"):
        table.add_column(heading, justify="right", no_wrap=True)
    for bet in bets:
        heats = f", {bet.n_dead_heats} dead heats" if bet.n_dead_heats else ""
        table.add_row(f"{BETS[bet.bet].title}{heats}", str(bet.n_races), "", "")
        for row in bet.rows:
            gap = row.model_minus_this
            loss = f"{row.log_loss:.4f} ± {row.standard_error:.4f}"
            is_model = row is bet.rows[0]
            beside = "" if is_model else f"{gap.difference:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
            table.add_row(f"  {row.name}", "", loss, beside)
    return table


def reliability_table(bet: "BetComparison") -> Table:
    """Return mean probability and frequency of a bet's combinations, in bins of equally many."""
    assert bet.reliability is not None
    table = _table(f"{BETS[bet.bet].title} by probability, ECE {bet.ece:.4f}")
    for heading in ("combinations", "mean p", "paid", "± s.e."):
        table.add_column(heading, justify="right", no_wrap=True)
    for predicted, observed, n in zip(*bet.reliability, strict=True):
        error = (predicted * (1 - predicted) / n) ** 0.5
        table.add_row(str(n), f"{predicted:.3%}", f"{observed:.3%}", f"{error:.3%}")
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
