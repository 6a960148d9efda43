"""Any number of races as Parquet, a folder a month (`month=2026-03`): features, and their probabilities."""
