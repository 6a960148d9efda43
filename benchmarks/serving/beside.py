"""The service beside the echo: measured in turns, both kinds of card in each round."""

import statistics
from collections.abc import Mapping
from pathlib import Path

from benchmarks.serving.sheet import Sheet
from benchmarks.serving.wrk import Measured, ask

Rounds = dict[tuple[str, str], list[Measured]]


def add_beside(
    sheet: Sheet,
    urls: Mapping[str, str],
    scripts: Mapping[str, Path],
    *,
    n_clients: int,
    n_rounds: int,
    seconds: float,
) -> None:
    """Add the lines of so many clients; ``urls`` are those of ``echo`` and ``service``.

    A busy machine is busy for all: each round asks the echo and the service for one kind of card, then for
    the other. Figures are medians of the rounds.
    """
    rounds: Rounds = {(what, who): [] for what in scripts for who in urls}
    for _ in range(n_rounds):
        for what, script in scripts.items():
            for who, url in urls.items():
                rounds[what, who].append(ask(url, script, n_clients, seconds))
    for what in scripts:
        if n_clients == 1:
            _add(sheet, f"{what}: p50, 1 client, ms", rounds, what, "p50_ms", "3")
        else:
            _add(sheet, f"{what}: requests/s, {n_clients} clients", rounds, what, "per_s", "0.25")
            _add(sheet, f"{what}: p99, {n_clients} clients, ms", rounds, what, "p99_ms", "3")
        n_errors = [sum(measured.n_errors for measured in rounds[what, who]) for who in ("echo", "service")]
        sheet.add(f"{what}: errors, {n_clients} clients", n_errors[1], echo=n_errors[0], target="0", digits=0)
    if n_clients == 1 and {"form", "names"} <= set(scripts):
        sheet.add(
            "p50 of names beside form, ms",
            _median(rounds["names", "service"], "p50_ms"),
            echo=_median(rounds["form", "service"], "p50_ms"),
            target="1.3",
            means="both of the service: left a card that brings its form, right one whose dogs are looked up",
        )


def _add(sheet: Sheet, name: str, rounds: Rounds, what: str, figure: str, target: str) -> None:
    echo, service = (_median(rounds[what, who], figure) for who in ("echo", "service"))
    sheet.add(name, service, echo=echo, target=target)


def _median(measured: list[Measured], figure: str) -> float:
    return statistics.median(getattr(one, figure) for one in measured)
