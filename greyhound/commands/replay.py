"""`greyhound replay`: logged cards scored again with another version, and what that changes."""

import csv
import datetime as dt
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click
from rich.table import Table

from greyhound.console import console
from greyhound.options import (
    Day,
    database_option,
    json_option,
    print_json,
    progress,
    progress_option,
    registry_option,
)
from greyhound.printing import shown
from racing.database.engine import open_database
from racing.domain.errors import NoSuchPrediction
from racing.predictions.cards import n_logged_cards
from racing.predictions.prediction_filter import what_counts
from racing.predictions.update import update_outcomes

if TYPE_CHECKING:
    from service.prediction.replay import ReplayedCard
    from service.serving.slots import Snapshot

COLUMNS = ("prediction", "date", "track", "box", "runner", "version_before", "before", "now", "difference")
N_SHOWN = 10
INTERRUPTED = 130


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


@click.command()
@click.option("--version", required=True, type=click.IntRange(1), help="Version that scores the cards again.")
@click.option(
    "--against", type=click.IntRange(1), help="Version to compare with; else what was answered at the time."
)
@click.option("--logged-by", type=click.IntRange(1), help="Only cards that this version answered.")
@click.option("--since", type=Day(), help="First race day.")
@click.option(
    "--late",
    is_flag=True,
    help="Judge also by cards that were answered after race day, as `predictions score`.",
)
@click.option("--limit", type=click.IntRange(1), help="At most so many cards, the oldest first.")
@click.option(
    "--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="FILE.csv, a row a runner."
)
@database_option
@registry_option
@json_option
@progress_option
def replay(
    version: int,
    against: int | None,
    logged_by: int | None,
    since: dt.date | None,
    late: bool,
    limit: int | None,
    out: Path | None,
    database: str,
    registry: str,
    as_json: bool,
) -> None:
    """Score logged cards again with another version, and show what that changes.

    By the code that serves, with form as of each card's day from what the database holds now. Every card is
    compared; the race log loss counts a race once, by the rule of `predictions score`. Ctrl-C stops it and
    shows what was replayed so far.

    \b
    Example:
      greyhound replay --version 8
      greyhound replay --version 8 --against 7 --since 2026-03-01 --out changes.csv
    """
    from service.prediction.form_store import FormStore
    from service.prediction.replay import replayed

    engine = open_database(database)
    now = _snapshot(registry, version)
    before = None if against is None else _snapshot(registry, against)
    form = FormStore(database)
    form.refresh()
    with progress("reading the log") as report:
        update_outcomes(engine, on_progress=report)
    total = min(n_logged_cards(engine, since, logged_by), limit or 10**9)
    if not total:
        raise NoSuchPrediction("no such prediction is logged")
    cards = replayed(engine, form, now, before, since=since, logged_by=logged_by, with_late=late)
    differences = Differences()
    is_interrupted = _run(differences, islice(cards, limit), total, out)
    until = now.learning.learnt_until
    what: dict[str, Any] = {
        "version": version,
        "learnt_until": until,
        "against": against,
        "is_interrupted": is_interrupted,
    }
    what["rule"] = what_counts(with_late=late)
    summary = what | differences.summary()
    if as_json:
        print_json(summary | {"largest": [asdict(card) for card in differences.largest]})
    else:
        _print(summary, differences.largest, total)
    if is_interrupted:
        raise click.exceptions.Exit(INTERRUPTED)


def _snapshot(registry: str, version: int) -> "Snapshot":
    from model_registry import get_model_registry
    from service.serving.loading import load_snapshot

    return load_snapshot(version, get_model_registry(registry).fetch(version))


def _run(differences: Differences, cards: Any, total: int, out: Path | None) -> bool:
    """Take the cards in, one by one; return whether Ctrl-C came before the last."""
    file: TextIO | None = open(out, "w", newline="", encoding="utf-8") if out else None  # noqa: SIM115
    try:
        writer = csv.writer(file) if file else None
        if writer:
            writer.writerow(COLUMNS)
        with progress("replaying", total) as report:
            for n_done, card in enumerate(cards, start=1):
                differences.add(card)
                if writer:
                    writer.writerows(_rows(card))
                report(n_done)
    except KeyboardInterrupt:
        return True
    finally:
        if file:
            file.close()
    return False


def _rows(card: "ReplayedCard") -> list[tuple[Any, ...]]:
    about = (card.id, card.date, card.track)
    return [
        (*about, r.box, r.name, card.version_before, r.before, r.now, r.now - r.before) for r in card.runners
    ]


def _change(card: "ReplayedCard") -> float:
    return abs(card.largest.now - card.largest.before)


def _print(summary: dict[str, Any], largest: list["ReplayedCard"], total: int) -> None:
    table = Table(title="largest changes", title_justify="left")
    for name in ("number", "race day", "track", "box", "runner", "before", "now", "change"):
        is_word = name in ("race day", "track", "runner")
        table.add_column(name, justify="left" if is_word else "right", no_wrap=name == "race day")
    for card in largest:
        runner = card.largest
        said = (f"{runner.before:.1%}", f"{runner.now:.1%}", f"{100 * (runner.now - runner.before):+.1f}")
        table.add_row(str(card.id), card.date, card.track, str(runner.box), shown(runner.name), *said)
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
