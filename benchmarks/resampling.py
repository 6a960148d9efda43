"""What resampling before cross-validation claims, beside what holds: ``python -m benchmarks.resampling``.

The same boosted trees on the same runners, three ways: synthetic winners made before shuffled folds are cut,
as many a tutorial does; synthetic winners made inside the training part, judged on later, untouched races;
and no resampling at all, judged on the same races.
"""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from racing.database.engine import open_database
from racing.features import FEATURES, features_for, race_table
from training.data.splits import split_by_time

Floats = NDArray[np.float64]
SEED = 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resampling", description=__doc__)
    parser.add_argument("--database", default="sqlite:///var/greyhound.db", help="race database")
    chosen = parser.parse_args(arguments)
    table = race_table(open_database(chosen.database))
    columns = [FEATURES.index(feature) for feature in features_for("form")]
    split = split_by_time(table.take(table.is_whole))
    (x, won), (later, later_won) = (
        (np.nan_to_num(part.features[:, columns], nan=-1.0), np.asarray(part.won, bool))
        for part in (split.before_test, split.test)
    )
    shown = Table("what", "judged on", "accuracy", "F1", "AUC", "log loss a runner")
    for what, where, truth, p in _ways(x, won, later, later_won):
        figures = (accuracy_score(truth, p > 0.5), f1_score(truth, p > 0.5), roc_auc_score(truth, p))
        shown.add_row(what, where, *(f"{figure:.3f}" for figure in figures), f"{log_loss(truth, p):.4f}")
    Console(width=120).print(shown)


def _ways(
    x: Floats, won: NDArray[np.bool_], later: Floats, later_won: NDArray[np.bool_]
) -> Iterator[tuple[str, str, NDArray[np.bool_], Floats]]:
    trees = HistGradientBoostingClassifier(max_iter=150, random_state=SEED)
    more_x, more_won = SMOTE(random_state=SEED).fit_resample(x, won)
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    claimed = cross_val_predict(trees, more_x, more_won, cv=folds, method="predict_proba")[:, 1]
    yield "SMOTE before the folds are cut", "shuffled rows, synthetic ones too", more_won, claimed
    with_it = trees.fit(more_x, more_won).predict_proba(later)[:, 1]
    yield "the same model", "later races", later_won, with_it
    without = trees.fit(x, won).predict_proba(later)[:, 1]
    yield "no resampling", "later races", later_won, without
    nobody = np.full(len(later_won), won.mean())
    yield "nobody wins", "later races", later_won, nobody


if __name__ == "__main__":
    main()
