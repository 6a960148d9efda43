"""Features: one implementation for training (a table of races) and for serving (a card).

History is a window: each dog's last runs strictly before race day, so that no feature can see the day itself.
"""

from racing.features.cards.card_featurizer import CardFeatures, CardFeaturizer, CardWarning
from racing.features.matrix import (
    FEATURE_NAMES,
    FEATURE_VERSION,
    FEATURES,
    INPUT_NAMES,
    KNOWS,
    RUN_FEATURE_NAMES,
    features_for,
    knowledge_of,
    need_price_before_off,
    run_features_for,
)
from racing.features.table import race_table, race_tables

__all__ = [
    "FEATURES",
    "FEATURE_NAMES",
    "FEATURE_VERSION",
    "INPUT_NAMES",
    "KNOWS",
    "RUN_FEATURE_NAMES",
    "CardFeatures",
    "CardFeaturizer",
    "CardWarning",
    "features_for",
    "knowledge_of",
    "need_price_before_off",
    "race_table",
    "race_tables",
    "run_features_for",
]
