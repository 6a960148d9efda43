"""Loss against seconds, of this search and of others: ``python -m benchmarks.quality.search_curve --help``.

Every search learns from the same races and is judged on the same later ones, by the expected race log loss.
Each point is a whole search of so many trials a family, with the choice and the final fit.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import altair as alt
import click
import numpy as np

from benchmarks.quality.autogluon import Floats, run_fit, write_rows
from benchmarks.quality.pieces import sharing_exponent
from greyhound.charts.svg import to_svg
from racing.database.engine import open_database
from racing.features import FEATURE_NAMES, features_for, race_table
from racing.metrics import paired_bootstrap
from racing.probabilities import share_within_race
from racing.race_table import RaceTable
from training.data.splits import latest, split_by_time
from training.objective import race_losses, race_targets

_ROOT = Path(__file__).parents[2]
THIS, OTHER, AUTOGLUON = "this search", "other checkout", "AutoGluon"


@click.command(help=__doc__)
@click.option("--database", required=True, metavar="URL")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), default=Path("var/quality/search-curve")
)
@click.option("--runs", "n_runs", type=click.IntRange(2_000), default=50_000, help="The latest so many runs.")
@click.option("--trials", default="1,3,6,15,30", show_default=True, help="Budgets, in trials a family.")
@click.option("--seeds", default="0", show_default=True, help="Seeds, separated by commas.")
@click.option(
    "--checkout",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of another release with its .venv: its search is run in turns with this one.",
)
@click.option(
    "--autogluon", type=click.Path(path_type=Path, exists=True), help="A Python that has AutoGluon."
)
@click.option("--autogluon-seconds", default="60,300", show_default=True, help="AutoGluon's time limits.")
def main(
    database: str, output: Path, n_runs: int, trials: str, seeds: str, checkout: Path | None,
    autogluon: Path | None, autogluon_seconds: str,
) -> None:  # fmt: skip
    """Run each budget of each search, write search_curve.json and search_curve.svg."""
    folder = output.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    table, codes, names = _races(database, n_runs)
    for name, values in table.arrays().items():
        np.save(folder / f"{name}.npy", values)
    (folder / "codes.json").write_text(json.dumps(codes))
    searches = {THIS: (_ROOT, Path(sys.executable))}
    if checkout is not None:
        searches[OTHER] = (checkout, checkout / ".venv" / "bin" / "python")
    points = []
    for seed in map(int, seeds.split(",")):
        for n_trials in map(int, trials.split(",")):
            found = {}
            for name, (root, python) in searches.items():
                found[name] = _search(name, root, python, folder, n_trials, seed)
                points.append({"search": name, **found[name][0]})
            if checkout is not None:
                gap = paired_bootstrap(found[THIS][1], found[OTHER][1])
                points[-2]["minus_other"] = gap._asdict()
    if autogluon is not None:
        points += [_autogluon(autogluon, folder, table, names, s) for s in autogluon_seconds.split(",")]
    (folder / "search_curve.json").write_text(json.dumps({"runs": len(table), "points": points}, indent=1))
    (folder / "search_curve.svg").write_text(to_svg(curve(points), "Loss against seconds"))
    click.echo(f"{folder / 'search_curve.svg'}")


def curve(points: list[dict[str, object]]) -> dict[str, object]:
    """Return a Vega-Lite specification: seconds (log) to the right, loss upwards, a line a search."""
    chart = alt.Chart({"values": points}).encode(
        x=alt.X("seconds:Q", scale=alt.Scale(type="log"), title="seconds, search and final fit"),
        y=alt.Y("loss:Q", scale=alt.Scale(zero=False), title="expected race log loss, later races"),
        color=alt.Color("search:N", title=None),
        detail="seed:N",
    )
    spec: dict[str, object] = (chart.mark_line() + chart.mark_point(filled=True)).to_dict()
    return spec


def _races(database: str, n_runs: int) -> tuple[RaceTable, list[int], list[str]]:
    features = features_for("form")
    table = race_table(open_database(database))
    table = latest(table.with_features([FEATURE_NAMES.index(one.name) for one in features]), n_runs)
    codes = [place for place, one in enumerate(features) if one.is_categorical]
    return table, codes, [one.name for one in features]


def _search(
    name: str, root: Path, python: Path, folder: Path, n_trials: int, seed: int
) -> tuple[dict[str, object], Floats]:
    output = folder / f"{name.replace(' ', '_')}-{n_trials}-{seed}.json"
    if not output.exists():  # an interrupted benchmark goes on where it was
        click.echo(f"{name}: {n_trials} trials a family, seed {seed}", err=True)
        script = Path(__file__).with_name("search_run.py")
        command = [str(one) for one in (python, script, folder, n_trials, seed, output)]
        subprocess.run(command, check=True, cwd=root, env=os.environ | {"PYTHONPATH": str(root)})
    found: dict[str, object] = json.loads(output.read_text())
    return found, np.load(output.with_suffix(".npy"))


def _autogluon(
    python: Path, folder: Path, table: RaceTable, names: list[str], seconds: str
) -> dict[str, object]:
    split = split_by_time(table)
    rows = folder / f"autogluon-{seconds}"
    write_rows(rows, names, {part: getattr(split, part) for part in ("train", "calibration", "test")})
    run_fit(python, "autogluon_fit.py", rows, float(seconds))
    exponent = sharing_exponent(np.load(rows / "calibration_log_odds.npy"), split.calibration)
    p = share_within_race(np.load(rows / "test_log_odds.npy"), split.test.race, exponent)
    targets = race_targets(split.test)
    losses = race_losses(p[targets.rows], targets.share, split.test.take(targets.rows).race)
    fit = json.loads((rows / "fit.json").read_text())
    return {"search": AUTOGLUON, "seed": 0, "seconds": fit["seconds"], "loss": float(losses.mean())}


if __name__ == "__main__":
    main()
