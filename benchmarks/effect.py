"""How much some features improve a model: ``python -m benchmarks.effect days_since_last_run career_runs``.

XGBoost at its default parameters learns the stored races twice, with the features and without them, and both
are judged on the latest fifth of the races.  A minute, to see whether an idea is worth a training.
"""

import argparse
import os
from collections.abc import Sequence

import numpy as np

from benchmarks.quality.pieces import form_columns, quick_model
from benchmarks.quality.races import Races, level
from racing.database.engine import open_database
from racing.domain.errors import RacingError
from racing.features import FEATURE_NAMES, race_table
from racing.metrics import paired_bootstrap
from training.data.splits import split_by_time
from training.data.whole_races import judged_rows
from training.errors import TrainingSetTooSmall

SEEDS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the difference."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.effect", description=__doc__)
    parser.add_argument("features", nargs="+", help="names, as the catalog has them")
    default = os.environ.get("GREYHOUND_DATABASE", "sqlite:///var/greyhound.db")
    parser.add_argument("--database", default=default, help="race database, else $GREYHOUND_DATABASE")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.features if name not in FEATURE_NAMES]
    if unknown:
        parser.error(f"a feature is one of the catalog's, got {', '.join(unknown)}")
    everything = form_columns()
    without = [column for column in everything if FEATURE_NAMES[column] not in chosen.features]
    try:
        split = split_by_time(race_table(open_database(chosen.database)))
    except (RacingError, TrainingSetTooSmall) as error:
        parser.error(str(error))
    races = Races(split.test, judged_rows(split.test))
    # one seed more or less moves the third decimal: the mean over some is judged
    losses = [
        np.mean(
            [races.losses(quick_model(split, columns, seed)(races.table)) for seed in range(SEEDS)], axis=0
        )
        for columns in (everything, without)
    ]
    for which, loss in zip(("with", "without"), losses, strict=True):
        print(f"{which:<8} race log loss {level(loss)[0]:.4f} on {len(loss):,} races")
    difference, low, high = paired_bootstrap(losses[0], losses[1])
    verdict = "better" if high < 0 else "worse" if low > 0 else "no difference that these races could show"
    print(f"with less without {difference:+.4f} [{low:+.4f}, {high:+.4f}]: {verdict}")


if __name__ == "__main__":
    main()
