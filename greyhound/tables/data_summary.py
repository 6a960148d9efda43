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
    if _has_any(summary):
        _print_sums(summary)
        say("       `greyhound data` shows what is there and what is missing")


def print_summary(summary: DataSummary) -> None:
    """Print all of it."""
    if not _has_any(summary):
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
    say(f"runs: {summary.n_runs:,}, and {summary.n_runs_to_come:,} of races to come")
    say(f"races without an off time: {summary.n_races_without_off:,}")
    say(f"races without a starting price: {summary.n_races_without_prices:,}")
    for gap in summary.gaps[:_N_GAPS_SHOWN]:
        say(f"no race in {gap.country} from {gap.first_day} to {gap.last_day}: {gap.n_days:,} days")
    if summary.n_gaps > _N_GAPS_SHOWN:
        say(f"and {summary.n_gaps - _N_GAPS_SHOWN:,} shorter gaps")


def _has_any(summary: DataSummary) -> bool:
    return bool(summary.n_races or summary.n_races_to_come or summary.n_waiting)


def _print_sums(summary: DataSummary) -> None:
    where = f"at {summary.n_tracks:,} tracks on {summary.n_days:,} days"
    days = f" {where} from {summary.first_day} to {summary.last_day}" if summary.n_races else ""
    say(f"races: {summary.n_races:,}, {summary.n_whole:,} of them whole,{days}; {summary.n_dogs:,} dogs")
    if summary.n_races_to_come:
        say(f"races to come: {summary.n_races_to_come:,}")
    if summary.n_waiting:
        against = f", {summary.n_contradicting:,} contradict it" if summary.n_contradicting else ""
        say(f"rows that wait for their race: {summary.n_waiting:,}{against}")
