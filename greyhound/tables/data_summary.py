"""What the race database holds, as lines and tables."""

from rich.table import Table
from sqlalchemy import Engine

from greyhound.output.console import console
from greyhound.output.printing import say, shown
from racing.data_summary import DataSummary, short_summary

_N_GAPS_SHOWN = 5


def print_short_summary(engine: Engine) -> None:
    """Print in two lines what a database holds."""
    summary = short_summary(engine)
    if summary.n_races:
        _print_sums(summary)
        say("       `greyhound data` shows what is there and what is missing")


def print_summary(summary: DataSummary) -> None:
    """Print all of it."""
    if not summary.n_races:
        say("The race database holds no race yet; `greyhound import PATH...` brings some.")
        return
    _print_sums(summary)
    table = Table("country", box=None, padding=(0, 1, 0, 0))
    for head in ("tracks", "days", "races", "whole", "first day", "last day"):
        table.add_column(head, justify="right")
    for one in summary.countries:
        counts = (one.n_tracks, one.n_days, one.n_races, one.n_whole)
        table.add_row(one.country, *(f"{n:,}" for n in counts), str(one.first_day), str(one.last_day))
    console.print(table)
    table = Table("source", box=None, padding=(0, 1, 0, 0))
    for head in ("files", "rows", "refused", "first day", "last day"):
        table.add_column(head, justify="right")
    for source in summary.sources:
        numbers = (f"{n:,}" for n in (source.n_files, source.n_rows, source.n_refused))
        table.add_row(shown(source.kind), *numbers, str(source.first_day or ""), str(source.last_day or ""))
    console.print(table)
    say(f"runs: {summary.n_runs:,}")
    say(f"races without an off time: {summary.n_races_without_off:,}")
    say(f"races without a starting price: {summary.n_races_without_prices:,}")
    for gap in summary.gaps[:_N_GAPS_SHOWN]:
        say(f"no race in {gap.country} from {gap.first_day} to {gap.last_day}: {gap.n_days:,} days")
    if summary.n_gaps > _N_GAPS_SHOWN:
        say(f"and {summary.n_gaps - _N_GAPS_SHOWN:,} shorter gaps")


def _print_sums(summary: DataSummary) -> None:
    say(
        f"races: {summary.n_races:,}, {summary.n_whole:,} of them whole, at {summary.n_tracks:,} tracks on "
        f"{summary.n_days:,} days from {summary.first_day} to {summary.last_day}; {summary.n_dogs:,} dogs"
    )
