"""Live figures in a version's MLflow run, so that MLflow's charts show them beside the training's."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREFIX = "live."
_COUNT = f"{PREFIX}n_races"  # every day has it
_AT_ONCE = 500  # MLflow takes 1,000 metrics in one call


class Day(Protocol):
    """One race day's figures, by name."""

    @property
    def date(self) -> dt.date:
        """The race day."""

    @property
    def day_number(self) -> int:
        """The step: days since the version learnt."""

    @property
    def figures(self) -> Mapping[str, float]:
        """Values by name, without the prefix."""


def log_live_days(client: "MlflowClient", run_id: str, days: Sequence[Day]) -> int:
    """Write the days that a run does not have yet, a point each; return how many were new.

    Another call with the same days writes nothing, nor does one that was interrupted write any twice.
    """
    from mlflow.entities import Metric

    known = {point.step for point in client.get_metric_history(run_id, _COUNT)}
    new = [day for day in days if day.day_number not in known]
    points = []
    for day in new:
        midnight = dt.datetime.combine(day.date, dt.time(), dt.UTC)
        at = int(1000 * midnight.timestamp())
        # the count last: a day that was interrupted is written again, and equal points count once
        names = sorted(day.figures, key=lambda name: name == "n_races")
        points += [Metric(PREFIX + name, day.figures[name], at, day.day_number) for name in names]
    for first in range(0, len(points), _AT_ONCE):
        client.log_batch(run_id, metrics=points[first : first + _AT_ONCE])
    return len(new)
