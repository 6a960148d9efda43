"""The answer of ``GET /predictions/by-minutes``: logged cards beside the prices of minutes before the off."""

import datetime as dt

from pydantic import BaseModel, Field

from racing.metrics import Difference
from racing.predictions.by_minutes import ByMinutes, MinuteScore

_GAP = {"difference": 0.021, "low": 0.008, "high": 0.034}


class PairedDifferenceOut(BaseModel):
    """A mean difference with the ends of its 95 % interval, paired by race; null where too few races are."""

    difference: float | None = Field(description="The mean difference.", examples=[0.021])
    low: float | None = Field(description="Lower end of the interval.", examples=[0.008])
    high: float | None = Field(description="Upper end of the interval.", examples=[0.034])


class MinuteScoreOut(BaseModel):
    """Race log losses of one minute before the off, over the races whose starters all had a price then."""

    minutes: int = Field(description="Minutes to the off that was due.", examples=[10])
    n_races: int = Field(description="Races whose starters all had a price then.", examples=[312])
    model_loss: float | None = Field(description="The model's race log loss on those.", examples=[1.584])
    market_loss: float | None = Field(description="The market's of that minute.", examples=[1.563])
    combined_loss: float | None = Field(
        description="Of model and market together, by weights fitted on other days; null where those are too "
        "few.",
        examples=[1.559],
    )
    model_behind_market: PairedDifferenceOut = Field(
        description="The model's loss less the market's: above 0 the market is better.", examples=[_GAP]
    )
    combined_behind_market: PairedDifferenceOut = Field(
        description="That of both together less the market's: below 0 both together are better.",
        examples=[_GAP],
    )
    combined_behind_model: PairedDifferenceOut = Field(
        description="That of both together less the model's: below 0 both together are better.",
        examples=[_GAP],
    )
    n_races_to_off: int = Field(description="Those of the races with prices at minute 0 too.", examples=[309])
    market_behind_off: PairedDifferenceOut = Field(
        description="The market of this minute less that of minute 0, on those: what later minutes add.",
        examples=[_GAP],
    )


class ByMinutesOut(BaseModel):
    """How model, market and both together did, by minutes to the off."""

    minutes: list[MinuteScoreOut] = Field(
        description="The earliest first; minutes without a race whose starters all had a price are left out.",
    )
    n_races: int = Field(description="Judged races with any price, the newest.", examples=[500])
    is_cut: bool = Field(
        description="There are older ones, which are not judged; see `limit`.", examples=[True]
    )
    first_day: dt.date | None = Field(description="The first day of those races.", examples=["2026-03-02"])
    last_day: dt.date | None = Field(description="The last.", examples=["2026-03-08"])


def by_minutes_out(scores: ByMinutes) -> ByMinutesOut:
    """Return the answer for scores by minutes."""
    return ByMinutesOut(
        minutes=[_minute(score) for score in scores.minutes],
        n_races=scores.n_races,
        is_cut=scores.is_cut,
        first_day=scores.first_day,
        last_day=scores.last_day,
    )


def _minute(score: MinuteScore) -> MinuteScoreOut:
    return MinuteScoreOut(**{name: _known(getattr(score, name)) for name in MinuteScoreOut.model_fields})


def _known(value: int | float | Difference) -> object:
    if isinstance(value, Difference):
        return PairedDifferenceOut(**{name: _known(one) for name, one in value._asdict().items()})
    return None if value != value else value
