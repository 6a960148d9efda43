"""How `greyhound experiments` shows experiments, contestants and decisions."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from greyhound.output.console import console
from greyhound.output.printing import shown
from racing.experiments.decisions import Decision
from racing.experiments.records import Experiment


def print_experiments(experiments: Sequence[Experiment]) -> None:
    """Print experiments as a table, one a line."""
    heads = ("id", "champion", "challengers", "mode", "policy", "started (UTC)", "ended", "by")
    table = Table(*heads, box=None, padding=(0, 1, 0, 0))  # fits 80 columns
    for one in experiments:
        table.add_row(
            str(one.id),
            str(one.champion),
            _versions(one),
            _mode(one),
            one.policy.action if one.kind == "challenge" else one.kind,
            _minute(one.started_at),
            f"{one.ended_at:%Y-%m-%d}" if one.ended_at else "runs",
            shown(one.started_by),
        )
    console.print(table)


def print_experiment(
    experiment: Experiment, contestants: Sequence[dict[str, Any]], decisions: Sequence[Decision]
) -> None:
    """Print an experiment: its record, its contestants with both verdicts, and what was decided."""
    policy = experiment.policy
    facts = {
        "experiment": f"{experiment.id} ({experiment.kind})",
        "champion": str(experiment.champion),
        "challengers": _versions(experiment),
        "mode": _mode(experiment),
        "policy": f"{policy.action}, alpha {policy.alpha:g}, margin {policy.margin:g}, "
        f"after {policy.min_races} races and {policy.min_days} days",
        "started": f"{_minute(experiment.started_at)} UTC by {shown(experiment.started_by)}: "
        f"{shown(experiment.reason)}",
    }
    if experiment.follows is not None:
        facts["follows"] = f"experiment {experiment.follows}"
    if experiment.ended_at is not None:
        by, why = shown(experiment.ended_by or ""), shown(experiment.end_reason or "")
        facts["ended"] = f"{_minute(experiment.ended_at)} UTC by {by}: {why}"
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in facts.items():
        table.add_row(name, value)
    console.print(table)
    console.print()
    _print_contestants(contestants)
    for one in contestants:
        for sentence in one["sentences"]:
            console.print(shown(sentence))
    for decision in decisions:
        when, what = _minute(decision.decided_at), f"{decision.action} {decision.to_version}"
        console.print(f"{when} UTC {decision.decided_by}: {what}, {shown(decision.reason)}")


def _print_contestants(contestants: Sequence[dict[str, Any]]) -> None:
    heads = ("contestant", "verdict", "races", "closing prices", "to go", "outcomes", "to go")
    table = Table(*heads, box=None, padding=(0, 1, 0, 0))
    for one in contestants:
        verdict = one["verdict"]
        market, outcomes = verdict["by_market"], verdict["by_outcome"]
        table.add_row(
            shown(one["price_list"] or f"version {one['version']}"),
            verdict["decision"],
            str(max(market["n_races"], outcomes["n_races"])),
            _interval(market) if verdict["is_market_trusted"] else f"({_interval(market)})",
            _to_go(verdict["races_to_go_by_market"]),
            _interval(outcomes),
            _to_go(verdict["races_to_go_by_outcome"]),
        )
    console.print(table)
    if any(not one["verdict"]["is_market_trusted"] for one in contestants):
        console.print("(...): no closing prices yet, or they do not agree with the outcomes: not used.")


def _interval(estimate: dict[str, Any]) -> str:
    if estimate["mean"] is None:
        return "-"
    if estimate["low"] is None:
        return f"{estimate['mean']:+.4f}"
    return f"{estimate['mean']:+.4f} [{estimate['low']:+.4f}, {estimate['high']:+.4f}]".replace("[", r"\[")


def _to_go(n_races: int | None) -> str:
    return "-" if n_races is None else f"{n_races:,}"


def _versions(experiment: Experiment) -> str:
    return ", ".join(map(str, experiment.challengers))


def _mode(experiment: Experiment) -> str:
    return f"split {experiment.share:.0%}" if experiment.mode == "split" else experiment.mode


def _minute(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
