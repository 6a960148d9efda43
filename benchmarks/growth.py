"""How time and memory grow with the number of runs: ``python -m benchmarks.growth --runs 100000,1000000``.

A season of each size is simulated into a SQLite database of its own, as dense as the real ones: so many more
runs are so many more days. Each step is a process of its own, so that its peak of memory is its own; what is
finished stands in ``growth.json`` and is not done again. ``train`` and ``score`` are the product's own
commands, with their defaults.
"""

import datetime as dt
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import altair as alt
import click

from greyhound.charts.svg import to_svg

UNTIL = dt.date(2026, 6, 30)
RUNS_A_RACE = 7.2
RACES_A_DAY = 200
"""Of Australia and New Zealand, the British Isles and the United States together, about."""
STEPS = ("simulate", "rate", "features", "train", "score")
MEASURES = (("seconds", "s"), ("cpu_s", "CPU s"), ("peak_mb", "peak memory, MB"))


@click.command(help=__doc__)
@click.option("--runs", "sizes", default="100000", show_default=True, help="Numbers of runs, with commas.")
@click.option("--steps", default="simulate,rate,features", show_default=True, help="Steps, with commas.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default=Path("var/bench/growth"))
@click.option("--one", "only", hidden=True, help="Do one step in this process.")
def main(sizes: str, steps: str, output: Path, only: str | None) -> None:
    """Measure each step of each size that is not measured yet, write growth.json and growth.svg."""
    wanted = [step for step in STEPS if step in steps.split(",")]
    folder = output.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if only is not None:
        click.echo(json.dumps(_measured(only, int(sizes), folder)))
        return
    file = folder / "growth.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text())["steps"] if file.exists() else []
    for n_runs in map(int, sizes.split(",")):
        for step in wanted:
            if any((row["runs"], row["step"]) == (n_runs, step) for row in rows):
                continue
            row = _in_a_process(step, n_runs, folder)
            click.echo("  ".join(f"{name} {value}" for name, value in row.items()))
            rows = sorted([*rows, row], key=lambda row: (row["runs"], STEPS.index(row["step"])))
            machine = {"cores": os.cpu_count(), "machine": platform.machine()}
            file.write_text(json.dumps(machine | {"steps": rows}, indent=1))
    if rows:
        (folder / "growth.svg").write_text(to_svg(picture(rows), "Time and memory against runs"))
    _print(rows)


def _in_a_process(step: str, n_runs: int, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.growth", "--runs", str(n_runs), "--output", str(folder)]
    ended = subprocess.run([*command, "--one", step], stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode:
        raise click.ClickException(f"{step} of {n_runs:,} runs ended with {ended.returncode}")
    row: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return row


def _measured(step: str, n_runs: int, folder: Path) -> dict[str, Any]:
    began, load = time.perf_counter(), os.getloadavg()[0]
    _do(step, n_runs, folder)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "runs": n_runs,
        "step": step,
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_s": round(sum(part.ru_utime + part.ru_stime for part in used), 1),
        "peak_mb": round(max(part.ru_maxrss for part in used) / 1024),
        "load_before": round(load, 1),
    }


def _do(step: str, n_runs: int, folder: Path) -> None:
    path = folder / f"{n_runs}.db"
    url = f"sqlite:///{path}"
    if step in ("train", "score"):
        _do_command(step, url, folder / f"{n_runs}")
        return
    from racing.database.engine import open_database
    from racing.features import race_tables
    from racing.ratings import update_ratings
    from racing.simulation.simulator import simulate_season

    if step == "simulate":
        for end in ("", "-wal", "-shm"):  # of a simulation that was interrupted
            path.with_name(path.name + end).unlink(missing_ok=True)
    engine = open_database(url, create=step == "simulate")
    if step == "simulate":
        n_races = round(n_runs / RUNS_A_RACE)
        start = UNTIL - dt.timedelta(days=max(n_races // RACES_A_DAY, 180))
        simulate_season(engine, n_races=n_races, seed=7, until=UNTIL, start=start)
    elif step == "rate":
        update_ratings(engine)
    else:
        n_found = sum(len(table) for table in race_tables(engine))
        assert n_found > 0.9 * n_runs, n_found
    engine.dispose()


def _do_command(step: str, url: str, folder: Path) -> None:
    """Train on all runs, or score those of the last half of a year."""
    folder.mkdir(exist_ok=True)
    days = ["--from", str(UNTIL - dt.timedelta(days=180)), "--to", str(UNTIL)]
    own = {"train": ["--force"], "score": [*days, "--output", "scored.parquet"]}[step]
    places = ["--database", url, "--registry", f"sqlite:///{folder}/mlflow.db"]
    command = [sys.executable, "-m", "greyhound", step, *own, *places]
    subprocess.run(command, cwd=folder, stdout=sys.stderr, check=True)


def picture(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the chart: a line a step, time (both axes in decades) above memory."""
    colour = alt.Color(
        "step:N",
        title=None,
        scale=alt.Scale(
            domain=[step for step in STEPS if any(row["step"] == step for row in rows)],
            range=["seagreen", "var(--model)", "var(--market)", "var(--ink)", "var(--soft)"],
        ),
    )
    by_runs = alt.X(
        "runs:Q",
        title="runs",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~s", values=sorted({row["runs"] for row in rows})),
    )

    def part(field: str, title: str, scale: alt.Scale, axis: alt.Axis) -> alt.Chart:
        height = alt.Y(f"{field}:Q", title=title, scale=scale, axis=axis)
        line: alt.Chart = alt.Chart(height=220).mark_line(point=True, strokeWidth=2)
        return line.encode(x=by_runs, y=height, color=colour)

    decades = alt.Axis(format="~s", values=[10**power for power in range(6)])
    both = alt.vconcat(
        part("cpu_s", "seconds of the processor", alt.Scale(type="log"), decades),
        part("peak_mb", "peak memory, MB", alt.Scale(zero=True), alt.Axis(format="~s", tickCount=5)),
    )
    spec: dict[str, Any] = (
        both.properties(data=alt.InlineData(values=rows))
        .configure_axis(
            gridColor="var(--line)",
            labelColor="var(--soft)",
            titleColor="var(--soft)",
            domainColor="var(--line)",
        )
        .configure_legend(labelColor="var(--ink)")
        .configure_view(stroke=None)
        .configure(background="transparent")
        .to_dict()
    )
    return spec


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("runs", "step", *(title for _, title in MEASURES), "load before", box=None)
    for row in rows:
        values = (f"{row[name]:,}" for name, _ in MEASURES)
        table.add_row(f"{row['runs']:,}", row["step"], *values, str(row["load_before"]))
    Console().print(table)


if __name__ == "__main__":
    main()
