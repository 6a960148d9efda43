"""Four pictures of a training: reliability, ROC, what the features carry, and how the search went."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from racing.metrics import Reliability, auc

Floats = NDArray[np.float64]

_MOST_FEATURES = 25


def draw_plots(
    directory: Path,
    *,
    curve: Reliability,
    scores: Floats,
    won: NDArray[np.bool_],
    importance: Mapping[str, float],
    searched: Mapping[str, Sequence[float]],
) -> list[Path]:
    """Write PNG files into a directory and return their paths.

    Parameters
    ----------
    importance : dict of str to float
        Rise of the loss when a feature is shuffled.
    searched : dict of str to sequence of float
        By family, the race log loss of its trials in order; NaN where a trial gave none.
    """
    with matplotlib.rc_context({"axes.grid": True, "grid.alpha": 0.3, "savefig.dpi": 110}):
        figures = {
            "reliability": _reliability(curve),
            "roc": _roc(scores, won),
            "feature_importance": _importance(importance),
            "search_history": _search(searched),
        }
        paths = []
        for name, figure in figures.items():
            paths.append(directory / f"{name}.png")
            figure.savefig(paths[-1])  # Figure without pyplot draws with Agg and needs no screen
    return paths


def _reliability(curve: Reliability) -> Figure:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    top = float(max(curve.predicted.max(), curve.observed.max(), 0.1)) * 1.1
    spread = 1.96 * np.sqrt(curve.predicted * (1 - curve.predicted) / curve.n_runners)
    axes.plot([0, top], [0, top], color="grey", linewidth=1)
    axes.errorbar(curve.predicted, curve.observed, yerr=spread, fmt="o", capsize=3)
    axes.set(xlabel="win probability", ylabel="share of winners", title="Reliability on the test races")
    return figure


def _roc(scores: Floats, won: NDArray[np.bool_]) -> Figure:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(won[order]) / max(int(won.sum()), 1)
    alarms = np.cumsum(~won[order]) / max(int((~won).sum()), 1)
    keep = np.unique(np.linspace(0, len(order) - 1, 1000).astype(int))  # more points than pixels show nothing
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.plot(alarms[keep], hits[keep])
    axes.set(
        xlabel="false positive rate", ylabel="true positive rate", title=f"ROC, AUC {auc(scores, won):.3f}"
    )
    return figure


def _importance(importance: Mapping[str, float]) -> Figure:
    top = sorted(importance.items(), key=lambda entry: entry[1])[-_MOST_FEATURES:]
    figure = Figure(figsize=(7, 0.6 + 0.25 * max(len(top), 4)), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in top], [value for _, value in top])
    axes.set(xlabel="rise of the loss when shuffled", title="What the features carry")
    return figure


def _search(searched: Mapping[str, Sequence[float]]) -> Figure:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for family, losses in searched.items():
        values = np.asarray(losses, np.float64)
        if np.isfinite(values).any():
            points = axes.plot(values, "o", markersize=3, alpha=0.5)
            axes.plot(np.fmin.accumulate(values), color=points[0].get_color(), label=family)
            axes.legend()
    axes.set(xlabel="trial", ylabel="race log loss", title="Search: the best so far, by family")
    return figure
