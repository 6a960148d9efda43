"""What goes over the wire for ``POST /predict``: the card that comes in, and its probabilities going out."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from racing.domain.cards import N_RUNNERS, Status
from racing.features.topics import TOPICS
from service.fields import (
    Box,
    BoxOfRun,
    Bsp,
    Day,
    DistanceM,
    EarlySpeed,
    FirstSplit,
    Grade,
    Input,
    MarginOfRun,
    Name,
    PlaceBsp,
    PlaceInRun,
    PositionInRunning,
    Price,
    StartingPrice,
    TimeOfRun,
    TimeS,
    WeightKg,
    WeightOfRun,
)

NO_FAIR_PRICE = 1e12
"""Of a runner that does not start: no price looks good beside it."""
Probability = Annotated[float, Field(ge=0, le=1)]


class PastRunIn(Input):
    """One past race of a runner. Only date, track and distance are needed; leave out what is unknown."""

    date: Day = Field(
        description="Day of the race. Runs on or after the card's date are left out, with a warning.",
        examples=["2026-03-07"],
    )
    track: Name = Field(description="Track where it was run.", examples=["Sandown Park"])
    distance_m: DistanceM = Field(description="Distance in metres.", examples=[515])
    box: BoxOfRun = None
    grade: Grade | None = Field(
        default=None, description="Grade as the source writes it.", examples=["Grade 5"]
    )
    weight_kg: WeightOfRun = None
    finish_position: PlaceInRun = Field(default=None, description="Place at the finish, 1 for the winner.")
    time_s: TimeOfRun = None
    winner_time_s: TimeS | None = Field(
        default=None, description="The winner's time in seconds.", examples=[29.44]
    )
    first_split_s: FirstSplit = None
    margin_lengths: MarginOfRun = Field(default=None, le=200)
    position_in_running: PositionInRunning = None
    starting_price: StartingPrice = None
    bsp: Bsp = None
    place_bsp: PlaceBsp = None
    rated_price: Price | None = Field(
        default=None, description="An outside model's decimal odds for that race.", examples=[4.8]
    )
    early_speed: EarlySpeed | None = Field(
        default=None,
        description="Betfair's early-speed rating for that race, 0 slow to 1 fast from the boxes.",
        examples=[0.62],
    )


class RunnerIn(Input):
    """One dog in the race. Give its form, or just its name when the database knows it."""

    name: Name = Field(
        description="The dog's name; case, punctuation and a leading card number do not matter.",
        examples=["Sir Tick"],
    )
    box: Box = Field(
        description="Box that it starts from. A reserve without one stands in that of its number, 9 or 10; "
        "one that runs takes the box of the runner it replaces, with its own number as `rug`.",
        examples=[1],
    )
    rug: Box | None = Field(
        default=None,
        description="Its number on the card if not its box: 9 of a reserve that starts from box 6.",
        examples=[1],
    )
    is_reserve: bool | None = Field(
        default=None,
        description="Whether it is a reserve without a box to start from; such a one gets no share. Left out "
        "or null, it is where it stands in box 9 or 10. `false` for a race that was run with it in that box.",
        examples=[False],
    )
    is_scratched: bool = Field(
        default=False,
        description="Whether it was withdrawn: it gets no share, and its box is free for a reserve.",
        examples=[False],
    )
    weight_kg: WeightKg | None = Field(
        default=None, description="Weight today in kilograms.", examples=[31.4]
    )
    price: Price | None = Field(
        default=None,
        description="The market's decimal odds for this race. Where every starter has one, the market's and "
        "the combined probabilities are answered too; the model itself never sees it.",
        examples=[3.5],
    )
    rated_price: Price | None = Field(
        default=None, description="An outside model's decimal odds for this race.", examples=[3.9]
    )
    early_speed: EarlySpeed | None = Field(
        default=None,
        description="Betfair's early-speed rating for this race, 0 slow to 1 fast from the boxes.",
        examples=[0.71],
    )
    form: list[PastRunIn] = Field(
        default_factory=list,
        max_length=300,
        description="Past runs, in any order. They fill in what the database lacks.",
        examples=[[{"date": "2026-03-07", "track": "Sandown Park", "distance_m": 515, "finish_position": 2}]],
    )


class CardIn(Input):
    """A race that has not been run: where, when, over what, and who runs."""

    date: Day = Field(
        description="Race day. Only runs before it count, so a past day is answered as of that day; "
        "at most 60 days ahead.",
        examples=["2026-03-14"],
    )
    track: Name = Field(description="Track, under any name that it goes by.", examples=["Sandown Park"])
    distance_m: DistanceM = Field(description="Distance in metres.", examples=[515])
    grade: Grade | None = Field(
        default=None, description="Grade as the source writes it.", examples=["Grade 5"]
    )
    race_number: int | None = Field(
        default=None, ge=1, le=30, description="Number of the race at the meeting.", examples=[6]
    )
    runners: list[RunnerIn] = Field(
        min_length=N_RUNNERS[0],
        max_length=N_RUNNERS[1],
        description="Every starter, each in a box of its own, reserves and the scratched if you like; two "
        "must start. Leave out empty boxes (`VACANT`).",
        examples=[[{"name": "Sir Tick", "box": 1}, {"name": "Nala's Ghost", "box": 2}]],
    )


WARNINGS = {
    "reserve": "reserves have no share",
    "scratched": "runners were withdrawn",
    "price_missing": "some starters have no price, so there is no market",
    "unknown_dog": "no run of a dog is on file",
    "unknown_track": "no race at the track is known",
    "late_run": "runs on or after race day were left out",
    "ratings_behind": "stored runs are not rated yet",
    "database_away": "only what the card brings is known",
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
        "with its rivals as they are.",
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


EXAMPLE_CARD = {
    "date": "2026-03-14",
    "track": "Sandown Park",
    "distance_m": 515,
    "grade": "Grade 5",
    "runners": [
        {
            "name": "Sir Tick",
            "box": 1,
            "weight_kg": 31.4,
            "price": 2.4,
            "form": [
                {
                    "date": "2026-03-07",
                    "track": "Sandown Park",
                    "distance_m": 515,
                    "box": 4,
                    "grade": "Grade 5",
                    "weight_kg": 31.2,
                    "finish_position": 2,
                    "time_s": 29.61,
                    "winner_time_s": 29.44,
                    "first_split_s": 5.12,
                    "margin_lengths": 2.5,
                    "position_in_running": "332",
                    "starting_price": 4.6,
                }
            ],
        },
        {
            "name": "Nala's Ghost",
            "box": 2,
            "price": 3.6,
            "form": [
                {
                    "date": "2026-02-28",
                    "track": "Ballarat",
                    "distance_m": 450,
                    "finish_position": 1,
                    "time_s": 25.43,
                    "winner_time_s": 25.43,
                    "margin_lengths": 0.75,
                    "bsp": 6.2,
                }
            ],
        },
        {"name": "Quiet Harbour", "box": 4, "weight_kg": 28.9, "price": 3.9},
    ],
}
"""A card that anyone may send: form where it is known, names alone where it is not."""
