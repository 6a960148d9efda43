"""The answers of ``GET /race-days``, ``/races`` and ``/races/{race_id}``: stored races and their outcomes."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field

from racing.race_days import ListedRace, RaceDay
from racing.stored_race import StoredRace
from service.schemas.card import CardIn, CardOut, card_in
from service.schemas.fields import Output

IsLearnt = Annotated[
    bool | None,
    Field(
        description="Whether the version that serves has learnt from races of that day: what it says of them "
        "is no forecast. Null where unknown.",
        examples=[False],
    ),
]


class RaceDayOut(Output):
    """A day of stored races."""

    date: dt.date = Field(description="The day.", examples=["2026-03-14"])
    n_races: int = Field(description="Stored races.", examples=[112])
    n_whole_races: int = Field(description="Races of which every starter is known.", examples=[110])
    n_meetings: int = Field(description="Tracks that raced.", examples=[11])
    is_simulated: bool = Field(description="Whether races of the day are simulated.", examples=[False])
    has_learnt: IsLearnt = None


class RaceDaysOut(BaseModel):
    """A page of race days."""

    race_days: list[RaceDayOut] = Field(description="Newest first.")
    next_before: dt.date | None = Field(
        description="Send it as `before` for the next page; null at the end.", examples=["2026-01-24"]
    )


class ListedRaceOut(Output):
    """A stored race, in short."""

    id: int = Field(description="Its number here, for `GET /races/{race_id}`.", examples=[9120])
    date: dt.date = Field(description="Race day.", examples=["2026-03-14"])
    track: str = Field(description="Track.", examples=["Sandown Park"])
    race_number: int | None = Field(description="Number of the race, if known.", examples=[6])
    distance_m: int = Field(description="Distance in metres.", examples=[515])
    grade: str | None = Field(description="Grade, if known.", examples=["Grade 5"])
    n_runners: int = Field(description="Runners known, without the scratched.", examples=[8])
    is_whole: bool = Field(description="Whether every starter is known.", examples=[True])
    is_outcome_known: bool = Field(description="Whether the outcome is known.", examples=[True])
    is_simulated: bool = Field(description="Whether the race is simulated.", examples=[False])
    has_learnt: IsLearnt = None


class RacesOut(BaseModel):
    """The races of a day."""

    races: list[ListedRaceOut] = Field(description="By track and number; empty if there are none.")


class FinishOut(Output):
    """How a runner ran; null is unknown."""

    name: str = Field(description="As on the card.", examples=["Sir Tick"])
    box: int | None = Field(description="As on the card.", examples=[1])
    finish_position: int | None = Field(
        description="Place at the finish; null did not finish, or unknown.", examples=[1]
    )
    won: bool | None = Field(description="Whether it won; two may, in a dead heat.", examples=[True])
    placed: bool | None = Field(description="Whether it was paid a place.", examples=[True])
    time_s: float | None = Field(description="Its own time in seconds.", examples=[29.52])
    margin_lengths: float | None = Field(
        description="Lengths behind the winner; for the winner, over the second.", examples=[1.5]
    )
    starting_price: float | None = Field(description="Starting price, decimal odds.", examples=[2.5])
    bsp: float | None = Field(description="Betfair starting price, decimal odds.", examples=[2.64])
    place_bsp: float | None = Field(
        description="Betfair starting price to be placed, decimal odds.", examples=[1.4]
    )
    market_probability: float | None = Field(
        description="The market's at the off: 1 / BSP, else 1 / starting price, shared out within the race; "
        "null unless every starter has one.",
        examples=[0.3612],
    )


class OutcomeOut(BaseModel):
    """How a race came out: what nobody knew when the card was made."""

    winners: list[str] = Field(description="One name, or more in a dead heat.", examples=[["Sir Tick"]])
    prices_at_the_off: Literal["bsp", "starting_price"] | None = Field(
        description="Which price every starter has; null if neither.", examples=["bsp"]
    )
    runners: list[FinishOut] = Field(description="Those that started, by box.")
    scratched: list[str] = Field(description="Those that did not.", examples=[["Late Mail"]])


class EntryOut(Output):
    """A runner as it was entered."""

    name: str = Field(description="As on the card.", examples=["Sir Tick"])
    box: int | None = Field(
        description="Box; of a reserve the number that it has on the card. Null unknown.", examples=[1]
    )
    trainer: str | None = Field(description="Trainer, if known.", examples=["Mary Miller"])
    is_scratched: bool = Field(description="Whether it was withdrawn.", examples=[False])


class LastPriceOut(Output):
    """The last known price of a runner before the off."""

    name: str = Field(description="As on the card.", examples=["Sir Tick"])
    box: int | None = Field(description="As on the card.", examples=[1])
    price: float = Field(description="Decimal odds.", examples=[3.55])


class StoredRaceOut(BaseModel):
    """A stored race: the card as it was before the race, and apart from it how it came out."""

    id: int = Field(description="Its number here.", examples=[9120])
    date: dt.date = Field(description="Race day.", examples=["2026-03-14"])
    track: str = Field(description="Track.", examples=["Sandown Park"])
    race_number: int | None = Field(description="Number of the race, if known.", examples=[6])
    distance_m: int = Field(description="Distance in metres.", examples=[515])
    grade: str | None = Field(description="Grade, if known.", examples=["Grade 5"])
    is_whole: bool = Field(description="Whether every starter is known.", examples=[True])
    is_simulated: bool = Field(description="Whether the race is simulated.", examples=[False])
    card: CardOut | None = Field(
        description="As `POST /predict` takes it, names without form: the database knows the dogs. No prices "
        "of the market, unless requested by `prices=at_the_off`. Null where the race makes no card."
    )
    why_no_card: str | None = Field(
        description="The rule of cards that the race breaks.",
        examples=["a card has 2 to 10 runners, got 1"],
    )
    outcome: OutcomeOut | None = Field(description="Null until it is known.")
    country: str | None = Field(default=None, description="AU, NZ, GB or IE; null unknown.", examples=["AU"])
    zone: str | None = Field(
        default=None, description="The track's zone, if known.", examples=["Australia/Melbourne"]
    )
    off_at: dt.datetime | None = Field(
        default=None,
        description="When it was due to start, UTC, if known.",
        examples=["2026-03-14T08:42:00Z"],
    )
    runners: list[EntryOut] = Field(
        default=[], description="Every runner, the scratched and the reserves too, by box."
    )
    prices: list[LastPriceOut] = Field(
        default=[], description="The last known prices before the off, of those runners that have one."
    )
    has_learnt: IsLearnt = None


HasLearnt = Callable[[dt.date], bool | None]
"""Whether the version that serves has learnt from races of a day; None where unknown."""
Dated = TypeVar("Dated", RaceDayOut, ListedRaceOut, StoredRaceOut)


def race_days_out(days: list[RaceDay], limit: int, has_learnt: HasLearnt) -> RaceDaysOut:
    """Return a page of race days."""
    shown = [_marked(RaceDayOut.model_validate(day), has_learnt) for day in days]
    return RaceDaysOut(race_days=shown, next_before=days[-1].date if len(days) == limit else None)


def races_out(races: list[ListedRace], has_learnt: HasLearnt) -> RacesOut:
    """Return the races of a day."""
    return RacesOut(races=[_marked(ListedRaceOut.model_validate(race), has_learnt) for race in races])


def stored_race_out(race: StoredRace, *, with_prices: bool, has_learnt: HasLearnt) -> StoredRaceOut:
    """Return a stored race, its card with or without the prices at the off."""
    values = {name: getattr(race, name, None) for name in StoredRaceOut.model_fields}
    entries = [EntryOut.model_validate(entry) for entry in race.entries]
    prices = [LastPriceOut.model_validate(entry) for entry in race.entries if entry.price is not None]
    parts = {
        "card": _card(race, with_prices),
        "outcome": _outcome(race),
        "runners": entries,
        "prices": prices,
    }
    return _marked(StoredRaceOut(**values | parts), has_learnt)


def _marked(one: Dated, has_learnt: HasLearnt) -> Dated:
    return one.model_copy(update={"has_learnt": has_learnt(one.date)})


def _card(race: StoredRace, with_prices: bool) -> CardIn | None:
    if race.card is None:
        return None
    prices = race.prices_at_the_off if with_prices else None
    if prices is None:
        return card_in(race.card)
    priced = zip(race.card.runners, prices, strict=True)
    return card_in(
        replace(race.card, runners=tuple(replace(runner, price=price) for runner, price in priced))
    )


def _outcome(race: StoredRace) -> OutcomeOut | None:
    if not race.is_outcome_known:
        return None
    return OutcomeOut(
        winners=[runner.name for runner in race.runners if runner.won],
        prices_at_the_off=race.kind_of_prices,
        runners=[FinishOut.model_validate(runner) for runner in race.runners],
        scratched=list(race.scratched),
    )
