"""Several lines over the weeks, in one drawing."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from frontend.charts.axis import Axis, Tick, axis_over
from greyhound_client.models import ScoreOut

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 42, 448, 10, 222
N_LABELS = 5
N_DOTTED = 40  # weeks; of more the dots would touch


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it stands for, its strokes (it is broken where a week says nothing), and its dots."""

    name: str
    strokes: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Week:
    """The strip of a week, which tells its figures when pointed at."""

    at: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over weeks, with their axes."""

    lines: tuple[Line, ...]
    weeks: tuple[Week, ...]
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]


def lines_by_week(weeks: Sequence[ScoreOut]) -> Lines:
    """Return race log loss by week: the model's, the market's, and that of knowing but the field size.

    Where every race of a week has a market, the model's is on the same races.
    """
    days = [dt.date.fromisoformat(week.group).toordinal() for week in weeks]
    x = Axis(min(days) - 3.5, max(days) + 3.5, LEFT, RIGHT)
    series = {
        "uniform": [week.uniform_log_loss for week in weeks],
        "market": [week.market_log_loss for week in weeks],
        "model": [week.log_loss for week in weeks],
    }
    y = axis_over([value for values in series.values() for value in values], BOTTOM, TOP)
    places = [x.at(day) for day in days]
    return Lines(
        lines=tuple(_line(name, days, places, values, y) for name, values in series.items()),
        weeks=tuple(
            Week(round(place - 3.5 * _a_day(x), 2), round(7 * _a_day(x), 2), _said(week))
            for place, week in zip(places, weeks, strict=True)
        ),
        y_ticks=y.ticks(4),
        x_ticks=_labels(days, x),
    )


def _line(
    name: str, days: Sequence[int], places: Sequence[float], values: Sequence[float | None], y: Axis
) -> Line:
    strokes: list[list[tuple[float, float]]] = [[]]
    before = None
    for day, place, value in zip(days, places, values, strict=True):
        if value is None or (before is not None and day - before > 7):
            strokes.append([])
        if value is not None:
            strokes[-1].append((place, y.at(value)))
        before = day
    points = [point for stroke in strokes for point in stroke]
    paths = (
        "M" + "L".join(f"{at},{height}" for at, height in stroke) for stroke in strokes if len(stroke) > 1
    )
    return Line(name, tuple(paths), tuple(points) if len(days) <= N_DOTTED else ())


def _labels(days: Sequence[int], x: Axis) -> tuple[Tick, ...]:
    step = max(1, -(-len(days) // N_LABELS))
    shown = [dt.date.fromordinal(day) for day in days[::step]]
    years = {dt.date.fromordinal(day).year for day in days}
    form = "%b %y" if len(years) > 1 else "%b"
    return tuple(Tick(x.at(day.toordinal()), f"{day.day} {day:{form}}") for day in shown)


def _a_day(x: Axis) -> float:
    return (x.end - x.start) / (x.high - x.low)


def _said(week: ScoreOut) -> str:
    day = dt.date.fromisoformat(week.group)
    said = [f"Week of {day.day} {day:%b %Y}: {week.n_races} race{'' if week.n_races == 1 else 's'}"]
    for name, value in (
        ("model", week.log_loss),
        ("market", week.market_log_loss),
        ("uniform", week.uniform_log_loss),
    ):
        if value is not None:
            said.append(f"{name} {value:.4f}")
    return ", ".join(said)
