"""A single card: its form read from the database, filled into arrays, its features by compiled formulas."""
