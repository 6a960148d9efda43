"""What a replay of logged cards changed: the sums as cards come in, and their table."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Table

from greyhound.output.console import console
from greyhound.output.printing import shown

if TYPE_CHECKING:
    from service.prediction.replay import ReplayedCard

N_SHOWN = 10


@dataclass(slots=True)
class Differences:
    """What the cards replayed so far changed."""

    n_cards: int = 0
    n_runners: int = 0
    n_refused: int = 0
    sum_of_differences: float = 0.0
    largest: list["ReplayedCard"] = field(default_factory=list)
    losses: list[tuple[float, float]] = field(default_factory=list)
    n_learnt: int = 0
    """Of the races judged, those that the version has learnt from."""
    first_refusal: str | None = None

    def add(self, card: "ReplayedCard") -> None:
        """Take a card in."""
        if card.refused is not None:
            self.n_refused += 1
            self.first_refusal = self.first_refusal or f"prediction {card.id}: {card.refused}"
            return
        self.n_cards += 1
        self.n_runners += len(card.runners)
        self.sum_of_differences += sum(abs(runner.now - runner.before) for runner in card.runners)
        self.largest.append(card)
        if len(self.largest) >= 20 * N_SHOWN:
            self._keep_largest()
        if card.loss_before is not None and card.loss_now is not None:
            self.losses.append((card.loss_before, card.loss_now))
            self.n_learnt += bool(card.has_learnt)

    def summary(self) -> dict[str, Any]:
        """Return the figures."""
        self._keep_largest()
        n = len(self.losses)
        return {
            "n_cards": self.n_cards,
            "n_refused": self.n_refused,
            "first_refusal": self.first_refusal,
            "mean_absolute_difference": self.sum_of_differences / max(self.n_runners, 1),
            "largest_difference": _change(self.largest[0]) if self.largest else 0.0,
            "n_judged": n,
            "n_learnt": self.n_learnt,
            "log_loss_before": sum(before for before, _ in self.losses) / n if n else None,
            "log_loss_now": sum(now for _, now in self.losses) / n if n else None,
        }

    def _keep_largest(self) -> None:
        self.largest = sorted(self.largest, key=lambda card: (-_change(card), card.id))[:N_SHOWN]


def print_differences(summary: dict[str, Any], largest: list["ReplayedCard"], total: int) -> None:
    """Print the largest changes and the figures of all cards."""
    table = Table(title="largest changes", title_justify="left")
    for name in ("number", "race day", "track", "box", "runner", "before", "now", "change"):
        is_word = name in ("race day", "track", "runner")
        table.add_column(name, justify="left" if is_word else "right", no_wrap=name == "race day")
    for card in largest:
        runner = card.largest
        cells = (f"{runner.before:.1%}", f"{runner.now:.1%}", f"{100 * (runner.now - runner.before):+.1f}")
        table.add_row(str(card.id), card.date, card.track, str(runner.box), shown(runner.name), *cells)
    console.print(table)
    against = "what was answered" if summary["against"] is None else f"version {summary['against']}"
    stopped = f" of {total}, interrupted" if summary["is_interrupted"] else ""
    n_cards = f"{summary['n_cards']} {'card' if summary['n_cards'] == 1 else 'cards'}"
    console.print(
        f"{n_cards}{stopped}: version {summary['version']} beside {against}; probabilities "
        f"differ by {summary['mean_absolute_difference']:.5f} on average, "
        f"{summary['largest_difference']:.5f} at most."
    )
    if summary["n_refused"]:
        n, has = summary["n_refused"], "card has" if summary["n_refused"] == 1 else "cards have"
        console.print(f"{n} {has} no answer now; {shown(summary['first_refusal'])}")
    if n := summary["n_judged"]:
        losses = f"{summary['log_loss_before']:.4f} before, {summary['log_loss_now']:.4f} now"
        console.print(f"Race log loss on {n} {'race' if n == 1 else 'races'} with a known outcome: {losses}.")
        if learnt := summary["n_learnt"]:
            of = "that race" if n == learnt == 1 else f"{learnt} of those races"
            what, until = f"Version {summary['version']} has learnt from {of}", summary["learnt_until"]
            console.print(f"{what} (it learnt up to {until}): its loss there is no forecast.")
    else:
        console.print("No race is judged.")
    console.print(summary["rule"])


def _change(card: "ReplayedCard") -> float:
    return abs(card.largest.now - card.largest.before)
