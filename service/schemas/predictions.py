"""The answers of ``GET /predictions``: logged cards, their outcomes, and how good they were."""

import datetime as dt
from collections.abc import Mapping

from pydantic import BaseModel, Field

from racing.predictions.score import Score, Scores
from service.schemas.fields import Output


class LoggedRunnerOut(Output):
    """The answer for a runner, and how it ran."""

    name: str = Field(description="As on the card.", examples=["Sir Tick"])
    box: int = Field(description="As on the card.", examples=[1])
    win_probability: float = Field(description="As answered.", examples=[0.3127])
    place_probability: float = Field(description="As answered.", examples=[0.7011])
    finish_position: int | None = Field(description="Place at the finish, once known.", examples=[1])
    won: bool | None = Field(description="Whether it won, once known; null if scratched.", examples=[True])
    share: float | None = Field(
        description="Its win probability shared again among the starters.", examples=[0.3512]
    )
    market_probability: float | None = Field(
        description="The market's at the off: BSP's, else SP's.", examples=[0.2894]
    )


class LoggedCardOut(Output):
    """An answered card, and how it came out."""

    id: int = Field(description="Number in the log.", examples=[48210])
    request_id: str = Field(description="Id of the request.", examples=["4f9d1c2ab35e47c0a7c2f1a90d1be812"])
    at: dt.datetime = Field(description="When it was answered, UTC.", examples=["2026-03-14T08:00:02Z"])
    model_version: int = Field(description="Version that answered.", examples=[7])
    digest: str = Field(description="sha256 over that version's artifact.", examples=["1f6c0a.."])
    date: dt.date = Field(description="Race day.", examples=["2026-03-14"])
    track: str = Field(description="Key of the track.", examples=["SANDOWNPARK"])
    track_name: str = Field(
        default="", description="Its name, or the key where none is known.", examples=["Sandown Park"]
    )
    distance_m: int = Field(description="Distance in metres.", examples=[515])
    race_number: int | None = Field(description="Number of the race, if given.", examples=[6])
    race_id: int | None = Field(description="The stored race that it was, once known.", examples=[9120])
    is_ahead: bool = Field(
        default=True,
        description="Whether it was answered before race day was over. A late one counts in a score only "
        "where requested: the model may have learnt from the race itself.",
        examples=[True],
    )
    has_learnt: bool | None = Field(
        default=None,
        description="Whether the version that answered had learnt from races of that very day; null where it "
        "is not the one that serves now, or is unknown.",
        examples=[False],
    )
    loss: float | None = Field(
        description="Race log loss: minus the log of the winner's share. Null until judged.",
        examples=[1.0465],
    )
    market_loss: float | None = Field(description="The market's.", examples=[1.2399])
    uniform_loss: float | None = Field(description="Of knowing but the field size.", examples=[2.0794])
    runners: list[LoggedRunnerOut] = Field(description="By box.")


class LoggedCardsOut(BaseModel):
    """A page of the log."""

    predictions: list[LoggedCardOut] = Field(description="Newest first.")
    next_before: int | None = Field(
        description="Send it as `before` for the next page; null at the end.", examples=[48160]
    )
    n_unread: int = Field(
        description="Cards just logged that are not shown yet, counted up to 10,000; they are within "
        "seconds.",
        examples=[0],
    )
    n_unreadable: int = Field(
        default=0,
        description="Cards of the whole log that cannot be read: they are set aside, and count nowhere.",
        examples=[0],
    )


class ScoreOut(Output):
    """How good the predictions of some races were; null where there is nothing to judge by."""

    group: str = Field(
        description="Monday of the week, key of the track, version, or `all`.", examples=["2026-03-09"]
    )
    name: str = Field(
        default="", description="The same for people: of a track its name.", examples=["2026-03-09"]
    )
    n_races: int = Field(description="Races judged.", examples=[412])
    log_loss: float | None = Field(description="Race log loss.", examples=[1.573])
    uniform_log_loss: float | None = Field(description="Of knowing but the field size.", examples=[1.987])
    top_pick_rate: float | None = Field(description="How often the likeliest won.", examples=[0.331])
    n_with_market: int = Field(description="Races whose starters all have a price.", examples=[398])
    log_loss_with_market: float | None = Field(description="Race log loss on those.", examples=[1.570])
    market_log_loss: float | None = Field(description="The market's on those.", examples=[1.541])
    behind_market: float | None = Field(
        default=None,
        description="The model's race log loss less the market's on those: above 0 the market is better.",
        examples=[0.029],
    )
    behind_market_low: float | None = Field(
        default=None,
        description="Lower end of its 95 % interval, paired by race; null below 10 races.",
        examples=[0.011],
    )
    behind_market_high: float | None = Field(
        default=None, description="Upper end of its 95 % interval.", examples=[0.047]
    )


class BinOut(Output):
    """Runners of about the same probability."""

    n_runners: int = Field(description="How many.", examples=[310])
    predicted: float = Field(description="Mean probability.", examples=[0.112])
    observed: float = Field(description="Share of winners.", examples=[0.106])


class ScoresOut(BaseModel):
    """How good the logged predictions were."""

    total: ScoreOut = Field(description="All together.")
    groups: list[ScoreOut] = Field(description="Group by group.")
    calibration: list[BinOut] = Field(description="About ten bins of equally many runners.")


def scores_out(scores: Scores, names: Mapping[str, str]) -> ScoresOut:
    """Return the answer for scores; ``names`` are those of tracks, by their keys."""
    return ScoresOut(
        total=_score(scores.total, names),
        groups=[_score(group, names) for group in scores.groups],
        calibration=[BinOut.model_validate(one) for one in scores.bins],
    )


def _score(score: Score, names: Mapping[str, str]) -> ScoreOut:
    values = {name: getattr(score, name, None) for name in ScoreOut.model_fields}
    values["name"] = names.get(score.group, score.group)
    return ScoreOut(**{name: None if value != value else value for name, value in values.items()})


def utc(at: dt.datetime) -> dt.datetime:
    """Return a time of the log, which is UTC, with its zone."""
    return at.replace(tzinfo=dt.UTC)
