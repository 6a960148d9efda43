"""Loss against what it costs, each point with its name in a column at the right."""

from collections.abc import Sequence
from dataclasses import dataclass

from greyhound.charts import Spec, chart

_HEIGHT_PX, _LABEL_PX = 260.0, 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPoint:
    """A way to get probabilities."""

    name: str
    kind: str
    """``family``, ``blend`` or ``other``: its colour and shape."""
    cost: float
    loss: float
    figure: str
    """The loss as text, on hover."""
    note: str
    """The cost as text, on hover."""


def cost_chart(name: str, points: Sequence[CostPoint], *, height: float = _HEIGHT_PX) -> Spec:
    """Return the chart ``loss_over_seconds`` or ``loss_over_card``, of points whose cost is above 0."""
    losses = [point.loss for point in points]
    spread = max(max(losses) - min(losses), 1e-6) if points else 1.0
    a_label = spread * _LABEL_PX / max(height - _LABEL_PX * 2, 1.0)
    return chart(
        name,
        height=height,
        points=[
            {
                "name": point.name,
                "kind": point.kind,
                "cost": point.cost,
                "loss": point.loss,
                "label_loss": label,
                "figure": point.figure,
                "note": point.note,
            }
            for point, label in zip(points, apart(losses, a_label), strict=True)
        ],
    )


def apart(values: Sequence[float], least: float) -> list[float]:
    """Return values moved as little as need be for neighbours to be ``least`` apart, in the same order."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    blocks: list[list[float]] = []  # of each: where it begins, and how many stand in it
    for place in order:
        blocks.append([values[place], 1])
        while len(blocks) > 1 and blocks[-2][0] + least * blocks[-2][1] > blocks[-1][0]:
            start, n = blocks.pop()
            before, m = blocks.pop()
            centre = (m * (before + least * (m - 1) / 2) + n * (start + least * (n - 1) / 2)) / (m + n)
            blocks.append([centre - least * (m + n - 1) / 2, m + n])
    moved = [start + least * i for start, n in blocks for i in range(int(n))]
    found = [0.0] * len(values)
    for place, value in zip(order, moved, strict=True):
        found[place] = value
    return found
