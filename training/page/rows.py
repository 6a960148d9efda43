"""A table whose rows carry a picture: names and figures are text, dots and intervals share one axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.page.axis import Axis
from training.page.markup import Html, element, join


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot on the row's axis."""

    at: float
    cls: str = ""
    title: str = ""
    r: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its name, what is drawn, and the figures beside it."""

    name: str | Html
    marks: Sequence[Mark] = ()
    whisker: tuple[float, float] | None = None
    bar: float | None = None
    """A bar from 0, or from the axis's low end where 0 is below it."""
    figures: Sequence[str | Html] = ()
    cls: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A row that names those below it."""

    name: str


def rows_chart(
    rows: Sequence[Row | Heading],
    axis: Axis,
    *,
    caption: str,
    heads: Sequence[str],
    reference: float | None = None,
) -> Html:
    """Return the table; ``heads`` name the rows, then the picture, then each figure.

    Parameters
    ----------
    reference : float, optional
        Where an upright line runs through all rows.
    """
    first, picture, *others = heads
    ticks = [element("text", label, x=_percent(axis, v), y="100%", dy=-4) for v, label in axis.ticks]
    head = element(
        "tr",
        element("th", first, scope="col"),
        element("th", element("span", picture), _picture(ticks), scope="col", cls="picture"),
        [element("th", name, scope="col", cls="figure") for name in others],
    )
    body = [_row(row, axis, reference, len(heads)) for row in rows]
    table = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", body),
        cls="rows",
    )
    return element("div", table, cls="scroll", role="region", aria_label=caption, tabindex="0")


def _row(row: Row | Heading, axis: Axis, reference: float | None, n_columns: int) -> Html:
    if isinstance(row, Heading):
        return element("tr", element("th", row.name, colspan=n_columns, scope="rowgroup"), cls="heading")
    shapes = [_upright(axis, value, "grid") for value, _ in axis.ticks]
    if reference is not None:
        shapes.append(_upright(axis, reference, "reference"))
    if row.bar is not None:
        ends = {"x1": _percent(axis, 0.0), "x2": _percent(axis, row.bar), "y1": "50%", "y2": "50%"}
        shapes.append(element("line", **ends, cls="thick"))
    if row.whisker is not None:
        low, high = row.whisker
        ends = {"x1": _percent(axis, low), "x2": _percent(axis, high), "y1": "50%", "y2": "50%"}
        shapes.append(element("line", **ends, cls="whisker"))
    shapes.extend(_mark(axis, mark) for mark in row.marks)
    return element(
        "tr",
        element("th", row.name, scope="row"),
        element("td", _picture(shapes), cls="picture"),
        [element("td", figure, cls="figure") for figure in row.figures],
        cls=row.cls or None,
    )


def _mark(axis: Axis, mark: Mark) -> Html:
    title = element("title", mark.title) if mark.title else None
    if mark.at > axis.high:  # a bad one must not squeeze the others
        beyond = {"x": "100%", "y": "50%", "dy": 5, "cls": f"beyond {mark.cls}"}
        return element("text", "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}", title, **beyond)
    return element("circle", title, cx=_percent(axis, mark.at), cy="50%", r=mark.r, cls=f"dot {mark.cls}")


def _picture(shapes: Sequence[Html]) -> Html:
    return element("svg", join(shapes), aria_hidden="true")


def _upright(axis: Axis, value: float, cls: str) -> Html:
    at = _percent(axis, value)
    return element("line", x1=at, x2=at, y1="0", y2="100%", cls=cls)


def _percent(axis: Axis, value: float) -> str:
    return f"{100 * axis.share(value):.2f}%"
