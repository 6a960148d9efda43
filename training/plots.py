"""The page's pictures as SVG files of their own, for those who look at a training in MLflow."""

from collections.abc import Sequence

from racing.metrics import Difference
from training.page.axis import Axis, axis_over
from training.page.charts import Chart
from training.page.content import ReportContent
from training.page.markup import Html, element
from training.page.page import style
from training.page.sections.features import MOST, ranked
from training.page.sections.reliability import reliability_chart, roc_chart
from training.page.sections.search import history_chart, useful_range
from training.page.words import kind, signed

_WIDTH, _TITLE = 760, 34


def draw_plots(content: ReportContent) -> dict[str, str]:
    """Return each picture by its name, without the ending."""
    y = useful_range([trial for of in content.searches for trial in of.trials])
    histories = [(kind(of.family), history_chart(of, y)) for of in content.searches]
    calibrated = [("Reliability on the test races", reliability_chart(content.reliability))]
    importance = [("Rise of the loss when shuffled", _importance(content))]
    return {
        "reliability": _alone(calibrated, height=360),
        "roc": _alone([("ROC of single runners on the test races", roc_chart(content))], height=280),
        "feature_importance": _alone(importance, height=17 * MOST + 40, left=230),
        "search_history": _alone(histories, height=175),
    }


def _importance(content: ReportContent) -> Html:
    top = list(ranked(content.importance.features).items())[:MOST][::-1]
    ends = [0.0, *(end for _, rise in top for end in (rise.low, rise.high))]
    names = tuple((float(i), name) for i, (name, _) in enumerate(top))
    chart = Chart(
        axis_over(ends, pad=0.03),
        Axis(-0.6, len(top) - 0.4, names),
        "Importance by feature",
        height=17 * len(top),
    )
    for i, (name, rise) in enumerate(top):
        _row(chart, float(i), name, rise)
    return chart.html()


def _row(chart: Chart, at: float, name: str, rise: Difference) -> None:
    chart.line([0.0, rise.difference], [at, at], "model")
    chart.dot(rise.difference, at, "model", f"{name} {signed(rise.difference)}")


def _alone(pictures: Sequence[tuple[str, Html]], *, height: int, left: int = 60) -> str:
    """Return titled pictures below one another as one SVG document."""
    parts = []
    for i, (title, picture) in enumerate(pictures):
        top = i * (_TITLE + height)
        parts.append(element("text", title, x=left, y=top + 22, style="font-size:16px;fill:var(--ink)"))
        place = {"x": left, "y": top + _TITLE, "width": _WIDTH - left - 20, "height": height}
        parts.append(element("svg", picture, **place))
    whole = len(pictures) * (_TITLE + height)
    return element(
        "svg",
        element("style", style()),
        element("rect", width="100%", height="100%", style="fill:var(--paper)"),
        parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {whole}",
        width=_WIDTH,
        height=whole,
        style="font-family:system-ui,sans-serif",
    )
