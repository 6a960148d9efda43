"""The report's main charts as SVG files, for those who look at a training in MLflow."""

from greyhound.charts.svg import below_one_another, to_svg
from training.report import charts
from training.report.content import ReportContent
from training.report.text import kind


def draw_plots(content: ReportContent) -> dict[str, str]:
    """Return the SVG text of each plot by its name, without the ending."""
    top = charts.ranked(content.importance.features, charts.MOST_FEATURES)
    ends = charts.useful_range(trial for of in content.searches for trial in of.trials)
    histories = [charts.search_history(of, *ends).spec for of in content.searches]
    families = [kind(of.family) for of in content.searches]
    importance = charts.importance(top, "Importance by feature", "feature")
    return {
        "reliability": to_svg(charts.reliability(content.reliability).spec, "Reliability on the test races"),
        "roc": to_svg(charts.roc(content).spec, "ROC of single runners on the test races"),
        "feature_importance": to_svg(importance.spec, "Rise of the loss when shuffled"),
        "search_history": to_svg(below_one_another(histories, families), "What the search tried"),
    }
