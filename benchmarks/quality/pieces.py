"""What the benchmark takes from inside training, all in this one place: columns, parts, fits, sharing."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from racing.features import FEATURE_NAMES, FEATURES, features_for
from racing.features.topics import topic_of
from racing.probabilities import share_within_race
from racing.race_table import RaceTable
from training.calibration import fit_exponent
from training.data.splits import Split, split_by_time
from training.data.whole_races import judged_rows
from training.families import family_named, log_odds_of
from training.search.fitting import first_params, fit_member

Floats = NDArray[np.float64]
Columns = tuple[int, ...]

CARD = "card"
"""The group of what the card itself says."""


def form_columns() -> Columns:
    """Return the features of a model that uses no price of the race itself."""
    return tuple(FEATURE_NAMES.index(feature.name) for feature in features_for("form"))


def partitions() -> dict[str, Mapping[str, Columns]]:
    """Return the two ways to cut the form model's features into parts: by group, and by topic."""
    by_group: dict[str, list[int]] = {}
    by_topic: dict[str, list[int]] = {}
    for column in form_columns():
        by_group.setdefault(FEATURES[column].group, []).append(column)
        by_topic.setdefault(topic_of(FEATURES[column].name), []).append(column)
    return {
        "group": {name: tuple(columns) for name, columns in by_group.items()},
        "topic": {name: tuple(columns) for name, columns in by_topic.items()},
    }


def parts_before(table: RaceTable, day: dt.date) -> Split:
    """Split as a training with ``--test-from day`` does."""
    return split_by_time(table, test_from=day)


def quick_model(split: Split, columns: Sequence[int], seed: int = 0) -> Callable[[RaceTable], Floats]:
    """Fit XGBoost at its default parameters on some features; return what gives probabilities.

    Trees are learnt on the training part, the exponent with which a race is shared on the calibration part,
    as a training does. No search: the parameters have seen nothing.
    """
    categorical = [place for place, column in enumerate(columns) if FEATURES[column].is_categorical]
    family = family_named("xgboost")
    with threadpool_limits(1):
        member = fit_member(
            family,
            split.train.with_features(columns),
            first_params(family)[0],
            categorical=categorical,
            seed=seed,
        )

    def log_odds(table: RaceTable) -> Floats:
        return log_odds_of(member, table.with_features(columns))

    exponent = sharing_exponent(log_odds(split.calibration), split.calibration)
    return lambda table: share_within_race(log_odds(table), table.race, exponent)


def sharing_exponent(log_odds: Floats, calibration: RaceTable) -> float:
    """Return the exponent that shares whole races best."""
    whole = judged_rows(calibration)
    judged = calibration.take(whole)
    return fit_exponent(log_odds[whole], judged.won.astype(np.float64), judged.race)
