"""The formulas of features, by what they read; the arithmetic that they share is in ``aggregations``."""
