"""The answer to a card: the probabilities of its runners, warnings, and on request the explanation."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from racing.domain.cards import Status
from racing.features.topics import TOPICS
from service.schemas.bets import BetOut

NO_FAIR_PRICE = 1e12
"""Of a runner that does not start: no price looks good beside it."""
Probability = Annotated[float, Field(ge=0, le=1)]

WARNINGS = {
    "reserve": "reserves have no share",
    "scratched": "runners were withdrawn",
    "price_missing": "some starters have no price, so there is no market",
    "early_price_missing": "some starters have no price ten minutes before the off, which the version knows",
    "unknown_dog": "no run of a dog is on file",
    "unknown_track": "no race at the track is known",
    "unseen_track": "the version has learnt from no race at the track",
    "late_run": "runs on or after race day were left out",
    "ratings_behind": "stored runs are not rated yet",
    "database_away": "only what the card brings is known",
    "field_too_small": "the starters are too few for a bet of `bets`",
    "learnt_day": "the version has learnt from races of that day, so its answer is no forecast",
}


class WarningOut(BaseModel):
    """Something about the card that the reader of the answer should know."""

    code: str = Field(
        description="Stable, for programs: "
        + "; ".join(f"`{code}` {text}" for code, text in WARNINGS.items())
        + ".",
        examples=["unknown_dog"],
    )
    text: str = Field(
        description="A sentence, for people.",
        examples=['no run on file: nothing is known of "Nala\'s Ghost"'],
    )


class ContributionOut(BaseModel):
    """What one topic adds to a runner's strength."""

    topic: str = Field(
        description="What it is about. "
        + "; ".join(f"`{topic}`: {covers}" for topic, covers in TOPICS.items())
        + ".",
        examples=["market rating"],
    )
    contribution: float = Field(
        description="Its Shapley value, in log odds: above 0 it speaks for the runner. A runner's "
        "contributions sum to its `strength` less the race's `base_strength`.",
        examples=[0.4824],
    )
    multiplies_odds_by: float = Field(
        gt=0,
        description="exp(contribution): what the topic makes of the runner's odds of winning, p / (1 - p), "
        "while the strengths of its rivals stay as they are.",
        examples=[1.62],
    )


class ExplanationOut(BaseModel):
    """Why a runner has its probability: its strength, and what each topic contributes to it."""

    strength: float = Field(
        description="Log odds, calibrated and ready to be shared: the win probabilities are the softmax of "
        "the runners' strengths.",
        examples=[-1.3512],
    )
    contributions: list[ContributionOut] = Field(
        description="One entry a topic that the model knows, the largest first, for or against."
    )


class RunnerOut(BaseModel):
    """The answer for one runner."""

    name: str = Field(description="As in the request.", examples=["Sir Tick"])
    box: int = Field(description="As in the request.", examples=[1])
    rug: int = Field(description="Its number on the card.", examples=[1])
    status: Status = Field(
        description="`starter`; or `reserve` or `scratched`, which have no share: their probabilities are 0, "
        "and they stand behind all starters in `rank`.",
        examples=["starter"],
    )
    win_probability: Probability = Field(
        description="Chance of winning; the starters' sum to 1.", examples=[0.3127]
    )
    place_probability: Probability = Field(
        description="Chance of one of the places paid (`n_places`); the starters' sum to `n_places`. With up "
        "to four starters only the win pays, and it is the chance of winning.",
        examples=[0.7011],
    )
    fair_price: float = Field(
        description="1 / win_probability, decimal odds. Of a runner that does not start 1e12: no price is "
        "worth taking.",
        examples=[3.198],
    )
    rank: int = Field(
        ge=1, description="1 for the likeliest winner; those that do not start come last.", examples=[1]
    )
    is_known: bool = Field(description="Whether the database knows the dog.", examples=[True])
    n_prior_runs: int = Field(
        ge=0, description="Runs before race day that the answer draws on.", examples=[12]
    )
    market_probability: Probability | None = Field(
        description="1 / price shared out among the starters; null unless each of them has a price.",
        examples=[0.2741],
    )
    combined_probability: Probability | None = Field(
        description="Model and market combined; null unless every starter has a price and the model has "
        "learnt how to combine them.",
        examples=[0.2853],
    )
    explanation: ExplanationOut | None = Field(
        description="Why; null unless the request asks with `explain=true`."
    )


class ExperimentPartOut(BaseModel):
    """What an answer is to the experiment that runs."""

    id: int = Field(description="Number of the experiment.", examples=[3])
    arm: int = Field(
        ge=0,
        description="Which contestant answered: 0 is the champion, 1 the first challenger, and so on. A race "
        "has the same arm at each repetition, and in each replica.",
        examples=[1],
    )


class PredictionOut(BaseModel):
    """Probabilities of one race, from one version of the model."""

    model_version: int = Field(description="Version of the model that answered.", examples=[7])
    request_id: str = Field(
        description="As in the header `X-Request-ID`, sent along or made here.",
        examples=["4f9d1c2ab35e47c0a7c2f1a90d1be812"],
    )
    is_simulated: bool = Field(
        description="Whether the model was trained on simulated races only.", examples=[False]
    )
    date: dt.date = Field(description="Race day, as in the request.", examples=["2026-03-14"])
    track: str = Field(description="As in the request.", examples=["Sandown Park"])
    country: str | None = Field(
        default=None,
        description="Where the track lies: AU, NZ, GB or IE, the last two with six traps and their own "
        "colours; null of a track that is not known.",
        examples=["AU"],
    )
    distance_m: int = Field(description="Distance in metres, as in the request.", examples=[515])
    grade: str | None = Field(description="As in the request.", examples=["Grade 5"])
    race_number: int | None = Field(description="As in the request.", examples=[6])
    n_places: int = Field(
        ge=1,
        le=3,
        description="Places paid for so many starters: 3 from eight on, 2 from five; with up to four only "
        "the win pays.",
        examples=[3],
    )
    base_strength: float | None = Field(
        description="What explanations start from: the strength of a runner whose every feature is the "
        "field's mean (of codes such as the box the most common one, among equals the middle one). Null "
        "unless the request asks with `explain=true`.",
        examples=[-1.9876],
    )
    combination: Literal["model and market", "market"] | None = Field(
        description="What `combined_probability` is made of: `market` where the model adds nothing to "
        "closing prices. Null where there is none.",
        examples=["model and market"],
    )
    runners: list[RunnerOut] = Field(description="In the order of the request.")
    warnings: list[WarningOut] = Field(description="Empty when there is nothing to say.")
    experiment: ExperimentPartOut | None = Field(
        default=None,
        description="The experiment that this answer is part of; null if none runs, and for the cards of a "
        "batch while races are split.",
    )
    bets: list[BetOut] | None = Field(
        default=None,
        description="Those that the request names in `bets`, in its order, without any that has too few "
        "starters; not there unless it names some.",
    )
