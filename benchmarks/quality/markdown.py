"""Figures and tables in Markdown."""

from collections.abc import Sequence


def sure(found: Sequence[float] | None, *, signed: bool = False) -> str:
    """Return a figure and its standard error, from its 95 % interval; nothing where it is unknown."""
    if found is None:
        return ""
    value, low, high = found
    return f"{value:{'+' if signed else ''}.4f} ± {(high - low) / 3.92:.4f}"


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    cells = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
