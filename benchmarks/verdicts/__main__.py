"""How often a verdict is wrong, and how long it takes: ``python -m benchmarks.verdicts``.

Experiments in which the two contestants are equally good, looked at after each race, and others in which one
is better by a known gain. Their differences are drawn from real races where Betfair's monthly files lie at
hand, and from a simulated season whose true probabilities are known: once with closing prices that are
calibrated, once with the season's own, which are not quite. Some minutes on a quiet machine.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.verdicts.looks import (
    exact_decision,
    first_time,
    looks_at,
    split_looks,
    split_without_difference,
    without_difference,
)
from benchmarks.verdicts.pools import (
    NEARLY_THE_SAME,
    Pool,
    Races,
    pools_of,
    real_races,
    simulated_races,
    with_calibrated_market,
)

ALPHA = 0.05
GAINS = (0.001, 0.003, 0.01)
LONG_ENOUGH = 120  # looks times gain
BOUND = 0.5  # nats, of the exact sequence
MOST_EXPERIMENTS, MOST_LOOKS = 20_000, 200_000
CALIBRATED, BIASED = "simulated", "simulated, prices too bold"
OF_THE_SEASON = {
    CALIBRATED: (NEARLY_THE_SAME, "flattened, p^.7", "a tenth of the market", "differs in each 20th race"),
    BIASED: (NEARLY_THE_SAME, "a tenth of the market", "the market itself"),
}
PARTS = ("alarms", "split", "races")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the experiments, and print tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdicts", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data/betfair"), help="Betfair's monthly files"
    )
    parser.add_argument("--experiments", type=_between(1, MOST_EXPERIMENTS), default=2000)
    parser.add_argument("--looks", type=_between(50, MOST_LOOKS), default=20_000, help="one after each race")
    parser.add_argument("--season", type=_between(200, 100_000), default=20_000, help="simulated races")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; else all")
    chosen = parser.parse_args(arguments)
    rng = np.random.default_rng(chosen.seed)
    console = Console(width=170)
    console.print(f"a simulated season of {chosen.season:,} races ...")
    season = simulated_races(chosen.season, rng)
    sources: dict[str, Races] = {CALIBRATED: with_calibrated_market(season), BIASED: season}
    try:
        sources = {"real": real_races(chosen.data)} | sources
    except FileNotFoundError as error:
        console.print(f"simulated seasons alone: {error}")
    pools = {
        name: [p for p in pools_of(races, rng) if p.name in OF_THE_SEASON.get(name, (p.name,))]
        for name, races in sources.items()
    }
    calibrated = {name: some for name, some in pools.items() if name != BIASED}
    parts = chosen.only or PARTS
    if "alarms" in parts:
        console.print(_alarms(pools, chosen.experiments, chosen.looks, rng, console))
    if "split" in parts:
        console.print(_split_alarms(calibrated, chosen.experiments, chosen.looks, rng, console))
    if "races" in parts:
        n = max(chosen.experiments // 10, 1)
        console.print(_races(calibrated, n, 4 * chosen.looks, rng, console))


def _alarms(
    pools: dict[str, list[Pool]], n_experiments: int, n_looks: int, rng: np.random.Generator, console: Console
) -> Table:
    table = Table(
        "races", "contestant", "spread by outcomes", "spread by market", "bias of market", "by outcomes",
        "by market", "decision", "withheld, ever", "at the end", "z-test, each day", "each race",
        title=f"Alarms without a difference: {n_experiments:,} times {n_looks:,} looks, alpha {ALPHA}",
    )  # fmt: skip
    for name, pool in _each(pools):
        started = time.perf_counter()
        found = without_difference(pool, n_experiments, n_looks, ALPHA, rng)
        outcome, market = pool.spreads()
        console.print(f"{name}, {pool.name}: {time.perf_counter() - started:.0f} s")
        columns = ("outcomes", "market", "decision", "withheld", "withheld at the end", "z daily", "z")
        shown = [f"{100 * found[column]:.1f} %" for column in columns]
        table.add_row(name, pool.name, f"{outcome:.4f}", f"{market:.4f}", _bias_text(pool.bias()), *shown)
    return table


def _split_alarms(
    pools: dict[str, list[Pool]], n_experiments: int, n_looks: int, rng: np.random.Generator, console: Console
) -> Table:
    table = Table(
        "races", "arms", "share", "by outcomes", "by market", "decision", "withheld, ever", "at the end",
        title=f"Alarms of a split without a difference, of {n_experiments:,} experiments, alpha {ALPHA}",
    )  # fmt: skip
    for name, some in pools.items():
        for pool, share in ((some[0], 0.5), (some[0], 0.1), (some[1], 0.5)):
            started = time.perf_counter()
            found = split_without_difference(pool, share, n_experiments, n_looks, ALPHA, rng)
            console.print(f"split, {name}, {pool.name}: {time.perf_counter() - started:.0f} s")
            columns = ("outcomes", "market", "decision", "withheld", "withheld at the end")
            shown = [f"{100 * found[column]:.1f} %" for column in columns]
            table.add_row(name, pool.name, f"{share:.1f}", *shown)
    return table


def _races(
    pools: dict[str, list[Pool]], n_experiments: int, n_looks: int, rng: np.random.Generator, console: Console
) -> Table:
    ways = (
        "by outcomes", "by market", "decision", "by market, all of alpha", "exact, by outcomes",
        "split in halves, by market",
    )  # fmt: skip
    table = Table(
        "races", "gain", *ways, title=f"Races to a decision: median (90 %), of {n_experiments:,} experiments"
    )
    for name, some in pools.items():
        pool = some[0]
        for gain in GAINS:
            started = time.perf_counter()
            n = min(n_looks, int(LONG_ENOUGH / gain))
            times: list[list[float]] = []
            for i in range(n_experiments):
                gains = pool.draw(n, rng, gain)
                looks = looks_at(gains, ALPHA)
                split = split_looks(*pool.draw_split(n, 0.5, rng, gain), ALPHA)
                times.append([
                    first_time(looks.by_outcome), first_time(looks.by_market), first_time(looks.decision),
                    first_time(looks_at(gains, 2 * ALPHA).by_market),
                    exact_decision(gains.by_outcome, ALPHA / 2, BOUND) if i % 5 == 0 else np.nan,
                    first_time(split.by_market),
                ])  # fmt: skip
            console.print(f"{name}, gain {gain}: {time.perf_counter() - started:.0f} s")
            median, most = np.nanquantile(times, (0.5, 0.9), axis=0, method="higher")
            cells = [f"{_races_text(m, n)} ({_races_text(q, n)})" for m, q in zip(median, most, strict=True)]
            table.add_row(name, f"{gain:.3f}", *cells)
    return table


def _each(pools: dict[str, list[Pool]]) -> list[tuple[str, Pool]]:
    return [(name, pool) for name, some in pools.items() for pool in some]


def _races_text(n: float, most: int) -> str:
    return f"{n:,.0f}" if np.isfinite(n) else f"> {most:,}"


def _bias_text(bias: float) -> str:
    return "" if np.isnan(bias) else f"{bias:+.4f}"


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be {least} to {most}, got {value}")
        return value

    return number


if __name__ == "__main__":
    main()
