"""The families of models; a new one is a module beside these and an entry here."""

from training.families.catboost import CatBoost
from training.families.family import Family, Member, Params, Setting, TreeMember
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
FAMILY_NAMES = tuple(family.name for family in FAMILIES)


def family_named(name: str) -> Family:
    """Return a family by its name."""
    for family in FAMILIES:
        if family.name == name:
            return family
    raise ValueError(f"a family is one of {', '.join(FAMILY_NAMES)}, got {name!r}")


__all__ = [
    "FAMILIES",
    "FAMILY_NAMES",
    "Family",
    "Member",
    "Params",
    "Setting",
    "TreeMember",
    "family_named",
]
