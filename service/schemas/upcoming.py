"""The races to come: ``GET`` and ``POST /races/upcoming``, and ``POST /races/{race_id}/scratchings``."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, Field

from racing.domain.cards import Card, Runner
from racing.domain.errors import CardRefused, Violation
from racing.race_day.upcoming import MAX_CARDS
from service.schemas.card import EXAMPLE_CARD, CardIn
from service.schemas.fields import Input as StrictInput
from service.schemas.fields import Name, OffAt, Output

_CLOCKS_DIFFER = dt.timedelta(minutes=5)
Probability = Annotated[float, Field(ge=0, le=1)]


class TopPickOut(BaseModel):
    """The likeliest winner."""

    name: str = Field(description="The dog's name.", examples=["Sir Tick"])
    box: int = Field(description="Its box.", examples=[1])
    win_probability: Probability = Field(description="Probability to win, by the model.", examples=[0.2794])
    fair_price: float = Field(description="Price that would be fair: 1 / win_probability.", examples=[3.58])


class DisagreementOut(BaseModel):
    """The runner of which model and market say the most different things."""

    name: str = Field(description="The dog's name.", examples=["Nala's Ghost"])
    box: int = Field(description="Its box.", examples=[2])
    win_probability: Probability = Field(description="Probability to win, by the model.", examples=[0.2412])
    price: float = Field(description="The market's decimal odds.", examples=[5.5])
    market_probability: Probability = Field(description="The market's.", examples=[0.1598])
    edge: float = Field(
        description="win_probability x price - 1: what a stake would bring if the model were right. Past "
        "edges against closing prices were none.",
        examples=[0.3266],
    )


class DayPredictionOut(BaseModel):
    """A prediction in short; `GET /races/{race_id}/prediction` has all of it."""

    version: int | None = Field(description="The version that answered.", examples=[7])
    at: dt.datetime = Field(description="When, UTC.", examples=["2026-03-14T02:10:00Z"])
    top_pick: TopPickOut | None = Field(description="Null where there is no prediction.")
    disagrees: DisagreementOut | None = Field(
        description="Where win_probability and market_probability differ most; null unless every starter has "
        "a price."
    )
    problem: str | None = Field(description="Why there is no prediction.", examples=[None])


class UpcomingRaceOut(Output):
    """A race of the day, run or not."""

    id: int = Field(description="Its number here, for `GET /races/{race_id}`.", examples=[9120])
    date: dt.date = Field(description="Race day, at the track.", examples=["2026-03-14"])
    track: str = Field(description="Track.", examples=["Sandown Park"])
    country: str | None = Field(description="AU, NZ, GB or IE; null unknown.", examples=["AU"])
    zone: str | None = Field(description="The track's zone.", examples=["Australia/Melbourne"])
    race_number: int | None = Field(description="Number of the race, if known.", examples=[6])
    distance_m: int = Field(description="Distance in metres.", examples=[515])
    grade: str | None = Field(description="Grade, if known.", examples=["Grade 5"])
    off_at: dt.datetime | None = Field(
        description="When it is due to start, UTC; null unknown.", examples=["2026-03-14T08:42:00Z"]
    )
    n_runners: int = Field(description="Runners, without the scratched and the reserves.", examples=[8])
    scratched: list[str] = Field(description="Those that were withdrawn.", examples=[["Late Mail"]])
    is_outcome_known: bool = Field(description="Whether the outcome is known.", examples=[False])
    winners: list[str] = Field(description="Empty until it is known.", examples=[[]])
    n_without_form: int = Field(description="Runners of which no run is stored.", examples=[0])
    prediction: DayPredictionOut | None = Field(
        default=None, description="Null unless requested by `predict=true`."
    )


class UpcomingOut(BaseModel):
    """The races of a day, or those that are due."""

    now: dt.datetime = Field(description="The service's clock, UTC.", examples=["2026-03-14T02:10:00Z"])
    races: list[UpcomingRaceOut] = Field(
        description="By the time that they are due, then by track and number; at most 500."
    )


class CardsIn(StrictInput):
    """Races to come, with their fields as they are now."""

    cards: list[CardIn] = Field(
        min_length=1, max_length=MAX_CARDS, description=f"At most {MAX_CARDS} at once."
    )
    stated_at: OffAt | None = Field(
        default=None,
        description="When the source stated this, with its zone: of what is stated of a runner the newest "
        "counts. Left out, now.",
        examples=["2026-03-14T10:05:00+11:00"],
    )


class StoredCardOut(Output):
    """What became of one card."""

    id: int = Field(description="The race's number here.", examples=[9120])
    date: dt.date = Field(description="Race day.", examples=["2026-03-14"])
    track: str = Field(description="Track.", examples=["Sandown Park"])
    race_number: int | None = Field(description="Number of the race, if known.", examples=[6])
    is_new: bool = Field(description="Whether the race was not stored before.", examples=[False])
    changes: list[str] = Field(
        description="What changed, a sentence each.", examples=[["Sir Tick is scratched"]]
    )


class StoredCardsOut(BaseModel):
    """What became of the cards; all of them are stored."""

    races: list[StoredCardOut] = Field(description="In the order of the request.")


class ScratchingIn(StrictInput):
    """A runner is withdrawn, or was not after all."""

    name: Name = Field(description="The dog's name, as `POST /predict` takes it.", examples=["Sir Tick"])
    is_scratched: bool = Field(default=True, description="`false` takes it back.", examples=[True])


def as_card(card: CardIn) -> Card:
    """Return a card as :mod:`racing` has it, without form."""
    runners = tuple(
        Runner(**{name: value for name, value in runner.__dict__.items() if name != "form"})
        for runner in card.runners
    )
    return Card(**{**card.__dict__, "runners": runners})


def time_stated(text: str | None) -> dt.datetime:
    """Return when a report was stated: what it says, else now.

    Raises
    ------
    racing.domain.errors.CardRefused
        If it lies ahead, or is no time.
    """
    now = dt.datetime.now(dt.UTC)
    if text is None:
        return now
    try:
        at = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise CardRefused([Violation(("stated_at",), f"stated_at is no time, got {text!r}")]) from None
    if at > now + _CLOCKS_DIFFER:
        raise CardRefused(
            [Violation(("stated_at",), f"stated_at must not lie ahead of {now:%FT%TZ}, got {text}")]
        )
    return at


def upcoming_out(now: dt.datetime, races: Mapping[int, bytes], predictions: Mapping[int, Any]) -> bytes:
    """Return races that are JSON already as one, each with its prediction in short where there is one.

    ``races`` and ``predictions`` are by the race's number.
    """
    shown = (
        race[:-1] + b',"prediction":' + msgspec.json.encode(predictions.get(race_id)) + b"}"
        for race_id, race in races.items()
    )
    return b'{"now":%b,"races":[%b]}' % (msgspec.json.encode(now), b",".join(shown))


EXAMPLE_CARDS = {
    "cards": [
        EXAMPLE_CARD
        | {
            "race_number": 7,
            "off_at": "2026-03-14T20:02:00+11:00",
            "runners": [
                {"name": "Slow Coach", "box": 1},
                {"name": "Idle Talk", "box": 2},
                {"name": "Night Bus", "box": 4},
                {"name": "Late Mail", "box": 9},
            ],
        }
    ]
}
"""Cards that anyone may send."""
EXAMPLE_SCRATCHING = {"name": "Slow Coach"}
