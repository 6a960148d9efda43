"""One module a format: a CSV file in, its checked records out, as a ``ParsedFile``."""
