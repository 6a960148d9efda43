"""The answers of ``GET /dogs``, ``/dogs/{dog_id}`` and ``/races/{race_id}/form``: dogs and their runs."""

import datetime as dt

from pydantic import Field

from service.schemas.fields import Output


class FoundDogOut(Output):
    """A stored dog, in short."""

    id: int = Field(description="Its number here, for `GET /dogs/{dog_id}`.", examples=[1412])
    name: str = Field(description="Name.", examples=["Sir Tick"])
    sex: str | None = Field(description="`D` dog, `B` bitch; null is unknown.", examples=["D"])
    n_runs: int = Field(description="Stored runs, without scratchings.", examples=[41])
    last_run: dt.date | None = Field(
        description="Day of the newest, run or to come; null without any.", examples=["2026-03-14"]
    )
    tracks: list[str] = Field(
        description="Where it ran, the track of most runs first.", examples=[["Sandown Park", "The Meadows"]]
    )


class FoundDogsOut(Output):
    """The dogs that a query matches."""

    dogs: list[FoundDogOut] = Field(
        description="The dog of just that name first, then those whose names begin with it, then the others."
    )
    has_more: bool = Field(description="Whether more match than `limit` lets through.", examples=[False])
    did_you_mean: list[str] = Field(
        description="Where none matches: names of stored dogs that are spelt nearly so, the nearest first.",
        examples=[[]],
    )


class FormLineOut(Output):
    """One run of a dog; null is unknown."""

    race_id: int = Field(description="The race, for `GET /races/{race_id}`.", examples=[9120])
    date: dt.date = Field(description="Race day.", examples=["2026-03-07"])
    track: str = Field(description="Track.", examples=["Sandown Park"])
    distance_m: int = Field(description="Distance in metres.", examples=[515])
    race_number: int | None = Field(description="Number of the race.", examples=[6])
    grade: str | None = Field(description="Grade.", examples=["Grade 5"])
    box: int | None = Field(description="Box, else the number that it wore.", examples=[1])
    weight_kg: float | None = Field(description="Weight in kilograms.", examples=[31.2])
    is_scratched: bool = Field(description="Whether it was scratched.", examples=[False])
    has_result: bool = Field(
        description="Whether it ran and how is known; false for a scratching and a race to come.",
        examples=[True],
    )
    finish_position: int | None = Field(description="Place at the finish.", examples=[1])
    won: bool | None = Field(description="Whether it won; two may, in a dead heat.", examples=[True])
    placed: bool | None = Field(description="Whether it was paid a place.", examples=[True])
    n_starters: int | None = Field(
        description="Starters, where every one is known and the run is rated.", examples=[8]
    )
    winner: str | None = Field(description="Who won; of a dead heat one.", examples=["Sir Tick"])
    time_s: float | None = Field(description="Its own time in seconds.", examples=[29.52])
    winner_time_s: float | None = Field(description="The winner's time in seconds.", examples=[29.52])
    first_split_s: float | None = Field(description="Seconds to the first sectional mark.", examples=[5.12])
    margin_lengths: float | None = Field(
        description="Lengths behind the winner; for the winner, over the second.", examples=[1.5]
    )
    position_in_running: str | None = Field(
        description="Position at each call, one digit a call.", examples=["211"]
    )
    starting_price: float | None = Field(description="Starting price, decimal odds.", examples=[2.5])
    bsp: float | None = Field(description="Betfair starting price, decimal odds.", examples=[2.64])
    market_probability: float | None = Field(
        description="The market's at the off: shared within the race where every starter has a price, else "
        "by its own price alone. Known once the run is rated.",
        examples=[0.3612],
    )
    trainer: str | None = Field(description="Trainer that day.", examples=["J Tick"])
    remarks: str | None = Field(description="The source's comment on the run.", examples=["QAw,Ld-1"])


class RunnerFormOut(Output):
    """A runner of a race and its last runs."""

    dog_id: int = Field(description="The dog, for `GET /dogs/{dog_id}`.", examples=[1412])
    name: str = Field(description="Name.", examples=["Sir Tick"])
    box: int | None = Field(description="Box, else the number that it wears.", examples=[1])
    is_scratched: bool = Field(description="Whether it is scratched.", examples=[False])
    n_runs: int = Field(description="Runs with a result on all days before the race's.", examples=[41])
    runs: list[FormLineOut] = Field(
        description="The last six of days before the race's, the newest first; none of its own day."
    )


class RaceFormOut(Output):
    """The form lines of a race's runners, as they stood on its morning."""

    race_id: int = Field(description="The race.", examples=[9120])
    date: dt.date = Field(description="Race day.", examples=["2026-03-14"])
    track: str = Field(description="Track.", examples=["Sandown Park"])
    runners: list[RunnerFormOut] = Field(description="By box; the scratched among them.")


class StartsOut(Output):
    """How a dog fared in some of its races, those with a result."""

    group: str = Field(description="The box's number, or the track's name.", examples=["1"])
    n_starts: int = Field(description="Starts.", examples=[12])
    n_wins: int = Field(description="Wins.", examples=[4])
    n_places: int = Field(description="Paid places, the wins among them.", examples=[7])
    n_priced: int = Field(description="Starts of which the market's probability is known.", examples=[11])
    priced_wins: int = Field(description="Wins among those.", examples=[3])
    market_expected_wins: float | None = Field(
        description="Wins that the market at the off expected of those: the sum of its probabilities; null "
        "without any.",
        examples=[2.71],
    )


class RatedDayOut(Output):
    """What a dog's runs until the evening of a day say of its ability by one rating; higher is better."""

    date: dt.date = Field(description="A day on which it ran.", examples=["2026-03-07"])
    rating: str = Field(
        description="`market` (ln of the market's share), `result` (a score of won, placed or neither), "
        "`time` and `split` (per cent), `early` (places at the first call) or `margin` (lengths).",
        examples=["market"],
    )
    mean: float = Field(description="The estimate, in the rating's unit.", examples=[0.42])
    sd: float = Field(description="Its standard deviation.", examples=[0.31])


class DogOut(Output):
    """All that is stored of a dog; null is unknown."""

    id: int = Field(description="Its number here.", examples=[1412])
    name: str = Field(description="Name.", examples=["Sir Tick"])
    sex: str | None = Field(description="`D` dog, `B` bitch.", examples=["D"])
    sire: str | None = Field(description="Sire.", examples=["Fernando Bale"])
    dam: str | None = Field(description="Dam.", examples=["Lady Tick"])
    born: str | None = Field(
        description="Day of birth, or the month where only that is known.", examples=["2023-10-14"]
    )
    trainer: str | None = Field(description="Of its newest run that has one.", examples=["J Tick"])
    career: StartsOut = Field(description="All stored races with a result.")
    by_box: list[StartsOut] = Field(description="By box.")
    by_track: list[StartsOut] = Field(description="By track, that of most starts first.")
    runs: list[FormLineOut] = Field(
        description="A page of its runs, the newest first; scratchings and races to come among them."
    )
    next_before: dt.date | None = Field(
        description="Send it as `before` for the next page; null at the end.", examples=["2026-01-24"]
    )
    rated_track: str | None = Field(
        description="The ratings are for a race at this track, that of the newest run with a result.",
        examples=["Sandown Park"],
    )
    rated_distance_m: int | None = Field(
        description="The ratings are for a race over so many metres.", examples=[515]
    )
    ratings: list[RatedDayOut] = Field(
        description="On the evening of each of the newest 100 days that it ran, the oldest first; what says "
        "nothing is left out. From its own runs alone."
    )
