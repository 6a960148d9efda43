"""A chart of points and lines: x in percent of the width, y in pixels, so that text keeps its size.

Colours and strokes are the style sheet's; a chart names classes only and so follows light, dark and print.
"""

from collections.abc import Sequence
from itertools import pairwise

from training.page.axis import Axis
from training.page.markup import Html, element, join

_TOP, _BOTTOM = 10, 24
_GRAIN = 1000  # lines are drawn on so many steps across and stretched to the width that there is


class Chart:
    """Shapes over two axes; later ones lie above earlier ones."""

    def __init__(self, x: Axis, y: Axis, alt: str, *, height: int = 220, x_title: str = "") -> None:
        self._x, self._y, self._alt = x, y, alt
        self._height, self._x_title = height, x_title
        self._shapes: list[Html] = []

    def band(self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], cls: str) -> None:
        """Fill what lies between two lines."""
        there = [(x, y) for x, y in zip(xs, highs, strict=True)]
        back = [(x, y) for x, y in zip(xs, lows, strict=True)][::-1]
        self._stretched(element("polygon", points=self._points(there + back), cls=cls))

    def line(self, xs: Sequence[float], ys: Sequence[float], cls: str, *, is_step: bool = False) -> None:
        """Join points; as a step, each value holds until the next."""
        points = list(zip(xs, ys, strict=True))
        if is_step:
            corners = [(after[0], before[1]) for before, after in pairwise(points)]
            points = [point for pair in zip(points, [*corners, points[-1]], strict=True) for point in pair]
        self._stretched(element("polyline", points=self._points(points), cls=f"line {cls}"))

    def dot(self, x: float, y: float, cls: str, title: str = "", r: float = 4.0) -> None:
        """Mark a point; the title shows under the pointer."""
        said = element("title", title) if title else None
        self._shapes.append(
            element("circle", said, cx=self._percent(x), cy=self._pixel(y), r=r, cls=f"dot {cls}")
        )

    def whisker(self, x: float, low: float, high: float, cls: str = "") -> None:
        """Draw an upright interval."""
        at = self._percent(x)
        ends = {"y1": self._pixel(low), "y2": self._pixel(high)}
        self._shapes.append(element("line", x1=at, x2=at, **ends, cls=f"whisker {cls}"))

    def bar(self, left: float, right: float, value: float, cls: str, title: str = "") -> None:
        """Draw an upright bar from the foot of the chart."""
        start, end = (100 * self._x.share(x) for x in (left, right))
        top = self._pixel(value)
        said = element("title", title) if title else None
        foot = float(_TOP + self._height)
        place = {"x": f"{start:.2f}%", "width": f"{end - start:.2f}%", "y": top, "height": foot - top}
        self._shapes.append(element("rect", said, **place, cls=f"bar {cls}"))

    def words(
        self, x: float, y: float, text: str, cls: str = "", *, anchor: str = "start", dy: int = 0
    ) -> None:
        """Write beside a point."""
        at = {"x": self._percent(x), "y": self._pixel(y) + dy}
        self._shapes.append(element("text", text, **at, text_anchor=anchor, cls=cls))

    def html(self) -> Html:
        """Return the chart as an SVG picture."""
        foot = _TOP + self._height
        grid = [
            join(
                element("line", x1="0", x2="100%", y1=self._pixel(value), y2=self._pixel(value), cls="grid"),
                element("text", label, x=-8, y=self._pixel(value) + 4, text_anchor="end"),
            )
            for value, label in self._y.ticks
        ]
        ticks = [
            join(
                element("line", x1=self._percent(v), x2=self._percent(v), y1=foot, y2=foot + 4, cls="grid"),
                element("text", label, x=self._percent(v), y=foot + 17, text_anchor="middle"),
            )
            for v, label in self._x.ticks
        ]
        title = element("text", self._x_title, x="50%", y=foot + 35, text_anchor="middle", cls="title")
        return element(
            "svg",
            grid,
            ticks,
            title if self._x_title else None,
            self._shapes,
            role="img",
            aria_label=self._alt,
            cls="plot",
            height=foot + _BOTTOM + (18 if self._x_title else 0),
        )

    def _percent(self, x: float) -> str:
        return f"{100 * self._x.share(x):.2f}%"

    def _pixel(self, y: float) -> float:
        return _TOP + self._height * (1 - self._y.share(y))

    def _points(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{_GRAIN * self._x.share(x):.1f},{self._pixel(y):.1f}" for x, y in points)

    def _stretched(self, shape: Html) -> None:
        height = _TOP + self._height
        box = {"viewBox": f"0 0 {_GRAIN} {height}", "preserveAspectRatio": "none"}
        self._shapes.append(element("svg", shape, width="100%", height=height, **box))
