"""A card as ``POST /predict`` takes it: a race that has not been run, its runners and their form."""

import json
from typing import Annotated

import msgspec
from pydantic import Field, PlainSerializer

from racing.domain.cards import N_RUNNERS, Card
from service.schemas.fields import (
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
    OffAt,
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
from service.schemas.validation import validated


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
    price_10m: Price | None = Field(
        default=None,
        description="The market's decimal odds ten minutes before the off that is due, none later. Only a "
        "model that was trained with `--knows prices-10m` sees them, and only where every starter has some.",
        examples=[3.7],
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
    off_at: OffAt | None = Field(
        default=None,
        description="When the race is due to start, with its zone. No model sees it; with it the record "
        "(`GET /record/seals`) can say of an answer on race day that it came before the off.",
        examples=["2026-03-14T19:42:00+11:00"],
    )
    runners: list[RunnerIn] = Field(
        min_length=N_RUNNERS[0],
        max_length=N_RUNNERS[1],
        description="Every starter, each in a box of its own, reserves and the scratched if you like; two "
        "must start. Leave out empty boxes (`VACANT`).",
        examples=[[{"name": "Sir Tick", "box": 1}, {"name": "Nala's Ghost", "box": 2}]],
    )


CardOut = Annotated[CardIn, PlainSerializer(lambda card: card.model_dump(mode="json", exclude_defaults=True))]
"""A card in an answer: without what is unknown, so that it can be sent to ``POST /predict`` as it stands."""


def card_in(card: Card) -> CardIn:
    """Return a card of :mod:`racing` as the API takes it.

    Raises
    ------
    pydantic.ValidationError
        If it breaks a limit of the API.
    """
    return validated(CardIn, msgspec.json.encode(card))


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
EXAMPLE_LINES = "".join(json.dumps(EXAMPLE_CARD | {"race_number": number}) + "\n" for number in (6, 7))
"""The same card twice, a line each, as ``POST /predict/batch`` takes them."""
