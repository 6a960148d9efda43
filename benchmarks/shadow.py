"""What a challenger costs the champion's answers: ``python -m benchmarks.shadow``.

Two services with the same champion and a prediction log each, one of them with a challenger, and an echo as
a reference, answer a card of eight runners with form in turns; needs wrk.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.serving.cards import card_with_form
from benchmarks.serving.servers import echo_process, measured_service
from benchmarks.serving.wrk import Measured, ask, is_installed, write_script
from racing.database.engine import open_database
from racing.features import FEATURE_NAMES
from tests.service.builders import address, empty_registry, make_model
from tests.service.process import ServiceProcess

ALONE, WITH, ECHO = "champion alone", "with a challenger", "echo"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shadow", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each server")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn")
    parser.add_argument("--clients", type=int, default=8, help="for the throughput")
    parser.add_argument("--artifact", type=Path, help="folder of a version's artifact; else a small graph")
    parser.add_argument("--challengers", type=int, default=1, help="how many run beside the champion")
    chosen = parser.parse_args(arguments)
    if not is_installed():
        raise SystemExit("this needs wrk, which is not installed")
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        script = write_script(folder / "card.lua", [card_with_form()])
        services = {
            name: stack.enter_context(_service(folder / name, chosen.artifact, n))[0]
            for name, n in ((ALONE, 0), (WITH, chosen.challengers))
        }
        urls = {name: service.url for name, service in services.items()}
        urls[ECHO] = stack.enter_context(echo_process(folder / "echo"))
        services[WITH].wait_until(
            lambda s: [one["state"] for one in s["challengers"]] == ["running"] * chosen.challengers
        )
        for n_clients in (1, chosen.clients):
            rounds: dict[str, list[Measured]] = {name: [] for name in urls}
            for _ in range(chosen.rounds):
                for name, url in urls.items():
                    rounds[name].append(ask(url, script, n_clients, chosen.seconds))
            _print(n_clients, rounds)
        _print_shadowed(services, chosen.challengers)


def _service(
    folder: Path, artifact: Path | None, n_challengers: int
) -> AbstractContextManager[tuple[ServiceProcess, float]]:
    """Start a service of its own registry and database."""
    registry = empty_registry(folder)
    features = FEATURE_NAMES[:145]
    for number in range(1 + n_challengers):
        directory = artifact or folder / f"model-{number}"
        if artifact is None:
            exponent = 1.0 + number / 10
            make_model(directory, features=features, coefficients=[0.01] * len(features), exponent=exponent)
        registry.register(directory)
    registry.promote(1, reason="a benchmark", by="benchmark", forced=True)
    registry.set_challengers(range(2, 2 + n_challengers))
    open_database(f"sqlite:///{folder / 'races.db'}", create=True).dispose()
    return measured_service(address(folder), folder, folder / "races.db", log_level="warning")


def _print(n_clients: int, rounds: dict[str, list[Measured]]) -> None:
    load = os.getloadavg()[0]
    table = Table(title=f"{n_clients} clients; load of the machine {load:.1f} on {os.cpu_count()} cores")
    for column in ("", "p50 ms", "p99 ms", "answers/s", "errors"):
        table.add_column(column)
    for name, measured in rounds.items():
        figures = [f"{median(getattr(one, of) for one in measured):.3f}" for of in ("p50_ms", "p99_ms")]
        per_s = f"{median(one.per_s for one in measured):.0f}"
        table.add_row(name, *figures, per_s, str(sum(one.n_errors for one in measured)))
    ratios = [_ratio(rounds, of) for of in ("p50_ms", "p99_ms", "per_s")]
    table.add_row("with / alone, median of the rounds", *ratios, "")
    Console().print(table)


def _ratio(rounds: dict[str, list[Measured]], figure: str) -> str:
    pairs = zip(rounds[ALONE], rounds[WITH], strict=True)
    return f"{median(getattr(two, figure) / getattr(one, figure) for one, two in pairs):.3f}"


def _print_shadowed(services: dict[str, ServiceProcess], n_challengers: int) -> None:
    status = services[WITH].status()
    scored = sum(one["n_scored"] for one in status["challengers"])
    n_answers = status["service"]["requests"]["2xx"]
    log = status["prediction_log"]
    alone, beside = (services[name].resident_mb() for name in (ALONE, WITH))
    Console().print(
        f"{scored / max(1, n_challengers):.0f} of about {n_answers} cards shadowed by each challenger "
        f"({scored / max(1, n_challengers * n_answers):.1%}); answers not logged: {log['n_dropped']}; "
        f"memory {alone:.0f} MB alone, {beside:.0f} MB with"
    )


if __name__ == "__main__":
    main()
