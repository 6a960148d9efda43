"""What pages show of a contestant: its verdicts, and how they came about."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from frontend import api
from frontend.charts import gain_over_races
from frontend.filters import contestant as name_of
from greyhound.charts import Spec
from greyhound_client.models import ContestantOut, ExperimentDetailsOut, PairOut, PathOut

MAX_DRAWN = 4
"""Contestants whose paths are drawn; the others have their figures."""


@dataclass(frozen=True, slots=True)
class ContestantView:
    """A contestant with the charts of its gain over the champion; None where there is no interval yet."""

    contestant: ContestantOut | PairOut
    by_market: Spec | None = None
    by_outcome: Spec | None = None

    @property
    def tone(self) -> str:
        """The colour of its verdict."""
        return {"better": "good", "worse": "bad"}.get(self.contestant.verdict.decision, "warn")

    @property
    def title(self) -> str:
        """Its name for people."""
        return name_of(self.contestant.contestant)


def pair_view(pair: PairOut) -> ContestantView:
    """Return a contestant beside any other, with its charts."""
    return ContestantView(pair, gain_over_races(pair.path.by_market), gain_over_races(pair.path.by_outcome))


def contestant_views(experiment: ExperimentDetailsOut) -> list[ContestantView]:
    """Return the contestants of an experiment, the first of them with their charts."""
    drawn = experiment.contestants[:MAX_DRAWN]
    calls: list[Callable[[], PathOut]] = [
        partial(api.client().experiment_path, experiment.id, contestant=one.contestant) for one in drawn
    ]
    views = [
        ContestantView(one, gain_over_races(path.by_market), gain_over_races(path.by_outcome))
        for one, path in zip(drawn, api.gather(calls), strict=True)
    ]
    return views + [ContestantView(one) for one in experiment.contestants[MAX_DRAWN:]]
