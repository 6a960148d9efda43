"""Rows of dots, bars and intervals over one common axis: a name each, and a figure at the right."""

from collections.abc import Sequence
from dataclasses import dataclass

from greyhound.charts import Spec, chart

_ROW_PX = 24


@dataclass(frozen=True, slots=True)
class Dot:
    """A dot in a row; ``series`` (model, market, plain, ring, faint or beyond) gives its look."""

    value: float
    series: str
    label: str
    """Text on hover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """One row of the chart."""

    name: str
    dots: Sequence[Dot] = ()
    interval: tuple[float, float] | None = None
    bar: float | None = None
    """Length of a bar from 0."""
    figure: str = ""
    """Text at the right end of the row."""
    detail: str = ""
    """Text on hover, beside the name and the figure."""
    is_heading: bool = False
    """Whether it names the rows below it, and has no marks."""


def interval_chart(
    rows: Sequence[IntervalRow], *, reference: float | None = None, limit: float | None = None
) -> Spec:
    """Return the chart, rows from top to bottom.

    Parameters
    ----------
    reference : float, optional
        Where a dashed line runs through all rows.
    limit : float, optional
        Dots beyond it are drawn as triangles at it: a bad one must not squeeze the others.
    """
    # The number keeps rows of the same name apart and in order; the axis leaves out the first four letters.
    keyed = [(f"{i:03d}{'#' if row.is_heading else ' '}{row.name}", row) for i, row in enumerate(rows)]
    return chart(
        "intervals",
        height=_ROW_PX * len(rows),
        rows=[{"row": key, "figure": row.figure} for key, row in keyed],
        bars=[
            {"row": key, "from": 0, "to": row.bar, "label": _label(row, row.figure)}
            for key, row in keyed
            if row.bar is not None
        ],
        intervals=[
            {"row": key, "low": row.interval[0], "high": row.interval[1], "label": _label(row, row.figure)}
            for key, row in keyed
            if row.interval is not None
        ],
        dots=[_dot(key, row, dot, limit) for key, row in keyed for dot in row.dots],
        reference=[] if reference is None else [{"value": reference}],
    )


def _dot(key: str, row: IntervalRow, dot: Dot, limit: float | None) -> dict[str, object]:
    is_beyond = limit is not None and dot.value > limit
    return {
        "row": key,
        "value": limit if is_beyond else dot.value,
        "series": "beyond" if is_beyond else dot.series,
        "label": _label(row, dot.label),
    }


def _label(row: IntervalRow, text: str) -> str:
    return ", ".join(part for part in (f"{row.name}: {text}", row.detail) if part)
