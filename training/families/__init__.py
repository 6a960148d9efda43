"""The families of models; a new one is a module beside these and an entry here."""

from training.families.catboost import CatBoost
from training.families.family import (
    Family,
    FieldFamily,
    FieldMember,
    FittedMember,
    Member,
    Params,
    Setting,
    TreeMember,
    log_odds_of,
)
from training.families.field_net import FieldNet, LongFieldNet
from training.families.gradient_boosting import GradientBoosting
from training.families.logistic_regression import LogisticRegressionFamily
from training.families.random_forest import RandomForest
from training.families.xgboost import XGBoost

FAMILIES: tuple[Family, ...] = (
    LogisticRegressionFamily(),
    RandomForest(),
    GradientBoosting(),
    XGBoost(),
    CatBoost(),
)
"""Those that judge runners one by one."""
FIELD_FAMILIES: tuple[FieldFamily, ...] = (FieldNet(),)
"""Those that read whole races, and need an extra."""
MORE_NETS: tuple[FieldFamily, ...] = (LongFieldNet(2), LongFieldNet(3))
"""That go with the net where what a model costs to score does not count."""
FAMILY_NAMES = tuple(family.name for family in FAMILIES)
ALL_FAMILY_NAMES = FAMILY_NAMES + tuple(family.name for family in FIELD_FAMILIES)
DEFAULT_FAMILY_NAMES = FAMILY_NAMES + tuple(family.name for family in FIELD_FAMILIES if family.is_available)
"""All whose libraries are installed."""


def family_named(name: str) -> Family:
    """Return a family by its name."""
    for family in (*FAMILIES, *FIELD_FAMILIES, *MORE_NETS):
        if family.name == name:
            return family
    raise ValueError(f"a family is one of {', '.join(ALL_FAMILY_NAMES)}, got {name!r}")


def reads_field(name: str) -> bool:
    """Return whether a family reads whole races and single runs."""
    return isinstance(family_named(name), FieldFamily)


__all__ = [
    "ALL_FAMILY_NAMES",
    "DEFAULT_FAMILY_NAMES",
    "FAMILIES",
    "FAMILY_NAMES",
    "FIELD_FAMILIES",
    "MORE_NETS",
    "Family",
    "FieldFamily",
    "FieldMember",
    "FittedMember",
    "Member",
    "Params",
    "Setting",
    "TreeMember",
    "family_named",
    "log_odds_of",
    "reads_field",
]
