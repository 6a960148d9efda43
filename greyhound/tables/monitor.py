"""The monitor as tables, for an analyst at a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from greyhound.output.console import console
from greyhound.output.printing import shown

_N_SHOWN = 12  # weeks and tracks: the whole lies in --json


def print_monitor(now: Mapping[str, Any]) -> None:
    """Print what serves, is it well, what to do, and the figures that it rests on."""
    console.print(f"{now['status'].upper()}: {shown(now['line'])}", soft_wrap=True)
    for alarm in now["alarms"]:
        since = str(alarm["raised_at"])[:16].replace("T", " ")
        console.print()
        console.print(
            f"{alarm['severity']}, {alarm['kind']}, {shown(alarm['subject'])} (since {since} UTC)",
            soft_wrap=True,
        )
        console.print(f"  {shown(alarm['text'])}", soft_wrap=True)
        console.print(f"  To do: {shown(alarm['todo'])}", soft_wrap=True)
    if now.get("made_at") is None:
        return
    _print_qualities(now)
    _print_coverage(now.get("coverage") or {})
    _print_age(now.get("ageing") or {})
    _print_inputs(now.get("inputs") or {})
    _print_decisions(now.get("decisions") or ())
    console.print(f"The report was made at {str(now['made_at'])[:16].replace('T', ' ')} UTC.")


def _print_qualities(now: Mapping[str, Any]) -> None:
    table = Table(
        title="Race log loss, and how far behind the market (95 %, at any look)",
        box=None,
        padding=(0, 1, 0, 0),
    )
    table.add_column("")
    for name in ("races", "loss", "gap", "from", "to", "slope", "ECE", "by chance"):
        table.add_column(name, justify="right")
    sections = (
        [now["quality"]] if now.get("quality") else [],
        [now["total"]],
        now["weeks"][-_N_SHOWN:],
        now["versions"],
        sorted(now["tracks"], key=lambda one: -one["n_races"])[:_N_SHOWN],
        now["states"],
        now["field_sizes"],
    )
    for section in sections:
        for quality in section:
            table.add_row(*_cells(quality))
        if section:
            table.add_row()
    console.print()
    console.print(table)


def _cells(quality: Mapping[str, Any]) -> list[str]:
    calibration = quality.get("calibration") or {}
    return [
        shown(quality["name"]),
        f"{quality['n_races']:,}",
        _figure(quality.get("log_loss")),
        _figure(quality.get("gap"), "+.3f"),
        _figure(quality.get("gap_low"), "+.3f"),
        _figure(quality.get("gap_high"), "+.3f"),
        _figure(calibration.get("slope"), ".2f"),
        _figure(calibration.get("ece"), ".4f"),
        _figure(calibration.get("ece_by_chance"), ".4f"),
    ]


def _print_coverage(coverage: Mapping[str, Any]) -> None:
    if coverage.get("n_races"):
        console.print(
            f"Results: {coverage['n_judged']:,} of {coverage['n_races']:,} races logged from "
            f"{coverage['since']} to {coverage['until']} are judged, {coverage['n_with_market']:,} with a "
            "market.",
            soft_wrap=True,
        )
    for why in coverage.get("not_judged") or ():
        where = ", ".join(shown(place) for place in why["examples"])
        console.print(f"  {shown(why['text'])} ({where})", soft_wrap=True)


def _print_age(ageing: Mapping[str, Any]) -> None:
    if ageing.get("why"):
        console.print(f"Age: {shown(ageing['why'])}", soft_wrap=True)


def _print_inputs(inputs: Mapping[str, Any]) -> None:
    moved = [one for one in inputs.get("features") or () if any(one["psi"][-2:])][:5]
    if moved:
        most = ", ".join(f"{shown(one['name'])} ({_last(one['psi'])})" for one in moved)
        console.print(f"Inputs that moved most (PSI of the last day): {most}", soft_wrap=True)


def _last(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{known[-1]:.3f}" if known else "unknown"


def _print_decisions(decisions: Sequence[Mapping[str, Any]]) -> None:
    for one in decisions[:5]:
        at = str(one["decided_at"])[:16].replace("T", " ")
        versions = f"{one['from_version'] or '-'} to {one['to_version'] or '-'}"
        console.print(
            f"Decided {at}: {one['action']}, {versions}, by {shown(one['decided_by'])}. "
            f"{shown(one['reason'])}",
            soft_wrap=True,
        )


def _figure(value: float | None, form: str = ".3f") -> str:
    return "" if value is None else format(value, form)
