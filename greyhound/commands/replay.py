"""`greyhound replay`: logged cards scored again with another version, and what that changes."""

import csv
import datetime as dt
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from greyhound.options import Day, database_option, json_option, progress_option, registry_option
from greyhound.output.printing import print_json
from greyhound.output.progress import progress
from greyhound.tables.replay import Differences, print_differences
from racing.database.engine import open_database
from racing.domain.errors import NoSuchPrediction
from racing.predictions.cards import n_logged_cards
from racing.predictions.prediction_filter import what_counts
from racing.predictions.update import update_outcomes

if TYPE_CHECKING:
    from service.prediction.replay import ReplayedCard
    from service.serving.slots import Snapshot

COLUMNS = ("prediction", "date", "track", "box", "runner", "version_before", "before", "now", "difference")
INTERRUPTED = 130


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
        print_differences(summary, differences.largest, total)
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
