"""What the monitor has to know of the version that serves: it is passed in, for it lies in the registry."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MARKET = "market (BSP/SP)"  # as `metrics.json` names it
_HALF_WIDTH = 1.96  # of a 95 % interval, in standard errors
_DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class TrainingWeek:
    """The gap to the market on test races of one week after learning."""

    week: int
    n_races: int
    gap: float
    gap_low: float
    gap_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionFacts:
    """The version that serves, what it has learnt, and how it did on the races that judged it."""

    version: int
    digest: str = ""
    learnt_until: dt.date | None = None
    since: dt.datetime | None = None
    """When it was promoted, UTC."""
    training_gap: float | None = None
    """Its race log loss less the market's there; None where its documents lack it."""
    training_gap_low: float | None = None
    training_gap_high: float | None = None
    training_weeks: tuple[TrainingWeek, ...] = ()

    @property
    def training_standard_error(self) -> float:
        """Return the standard error of the training's gap; 0 where it is unknown."""
        if self.training_gap_low is None or self.training_gap_high is None:
            return 0.0
        return (self.training_gap_high - self.training_gap_low) / (2 * _HALF_WIDTH)

    def weeks_since_learning(self, today: dt.date) -> float | None:
        """Return the weeks from the last day that it learnt from."""
        return None if self.learnt_until is None else (today - self.learnt_until).days / _DAYS_A_WEEK

    def as_json(self) -> dict[str, Any]:
        """Return the same as JSON takes it."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "training_weeks"}
        weeks = [{name: getattr(week, name) for name in week.__slots__} for week in self.training_weeks]
        days = {name: values[name] and values[name].isoformat() for name in ("learnt_until", "since")}
        return values | days | {"training_weeks": weeks}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ChampionFacts":
        """Return what :meth:`as_json` gave."""
        learnt, since = values.get("learnt_until"), values.get("since")
        return cls(
            **{
                **values,
                "learnt_until": learnt and dt.date.fromisoformat(learnt),
                "since": since and dt.datetime.fromisoformat(since),
                "training_weeks": tuple(TrainingWeek(**week) for week in values.get("training_weeks") or ()),
            }
        )


def champion_facts(
    version: int,
    *,
    digest: str,
    learnt_until: dt.date | None,
    since: dt.datetime | None,
    metrics: Mapping[str, Any],
) -> ChampionFacts:
    """Return the facts by an artifact's ``metrics.json``; what it lacks, or has in another shape, is None."""
    gap = _interval(_rows(metrics.get("beside_market")).get(MARKET, {}).get("model_minus_this"))
    weeks = (metrics.get("ageing") or {}).get("weeks") if isinstance(metrics.get("ageing"), Mapping) else ()
    return ChampionFacts(
        version=version,
        digest=digest,
        learnt_until=learnt_until,
        since=since,
        training_gap=gap and gap[0],
        training_gap_low=gap and gap[1],
        training_gap_high=gap and gap[2],
        training_weeks=tuple(_weeks(weeks)),
    )


def _rows(comparison: Any) -> dict[str, Any]:
    rows = comparison.get("rows") if isinstance(comparison, Mapping) else None
    found = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return {str(row.get("name")): row for row in found}


def _interval(values: Any) -> tuple[float, float, float] | None:
    if not isinstance(values, Mapping):
        return None
    found = [values.get(name) for name in ("difference", "low", "high")]
    numbers = [float(one) for one in found if isinstance(one, int | float) and one == one]
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == len(found) else None


def _weeks(weeks: Any) -> Iterable[TrainingWeek]:
    for week in weeks if isinstance(weeks, list) else ():
        number, n = week.get("number"), week.get("n_races")
        gap = _interval(week.get("minus_reference"))
        if isinstance(number, int) and isinstance(n, int) and gap is not None:
            yield TrainingWeek(number, n, *gap)
